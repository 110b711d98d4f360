"""Mailgun's lists of suppressed addresses, brought into the ledger: whole, and one by one.

A whole reading makes the ledger's lists what the provider's are: what is no longer there
disappears, but for what was reported while the lists were read. Of many processes one reads at a
time. Between two readings, reports say at once which address gets no email any more.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from consumer.domain.errors import DependencyError, LookupUnavailable
from consumer.domain.reasons import Kind, Reason
from consumer.domain.suppression import SuppressedAddress, SuppressionList
from consumer.feedback.ports import FeedbackStore, ProviderSuppressions, SuppressionStore
from consumer.feedback.report import Report

#: Seconds beyond the interval for which a turn lasts: longer than a page with all its time-outs.
_TURN_SECONDS: Final = 120.0
#: Seconds after a failure, and at the most.
_FIRST_PAUSE, _LONGEST_PAUSE = 30.0, 600.0

#: Mailgun's words for why it did not even try, before its other words.
_WORDS: Final = {
    "suppress-bounce": SuppressionList.BOUNCES,
    "suppress-complaint": SuppressionList.COMPLAINTS,
    "suppress-unsubscribe": SuppressionList.UNSUBSCRIBES,
}
_LISTED_BY: Final[Mapping[Kind, SuppressionList]] = {
    Kind.COMPLAINED: SuppressionList.COMPLAINTS,
    Kind.UNSUBSCRIBED: SuppressionList.UNSUBSCRIBES,
}


def suppressed_by(report: Report) -> SuppressedAddress | None:
    """What a report says of its address; None: nothing that we are sure of. Pure.

    A hard bounce alone does not: Mailgun decides by its kind whether the address is listed, and
    its allowlist keeps some off.
    """
    of = _LISTED_BY.get(report.kind)
    if report.reason is Reason.SUPPRESSED_BY_PROVIDER:
        of = _WORDS.get(report.message.partition(":")[0], SuppressionList.BOUNCES)
    if of is None or not report.recipient:
        return None
    return SuppressedAddress(
        list=of, address=report.recipient.lower(), since=report.at, why=report.message
    )


def read_all(
    provider: ProviderSuppressions,
    store: SuppressionStore,
    domain: str,
    go_on: Callable[[], bool] = lambda: True,
) -> Mapping[SuppressionList, int] | None:
    """Make the ledger's lists what the provider's are; returns how many entries each has.

    `go_on` is asked between pages; None: it said no, and the lists are as far as they got.
    Raises LookupUnavailable and LedgerUnavailable; nothing was forgotten of the list under way.
    """
    found = {}
    for of in SuppressionList:
        begun, number = store.now(), 0
        for entries in _pages(provider, of):
            store.keep(domain, entries)
            number += len(entries)
            if not go_on():
                return None
        store.drop_older(domain, of, begun)
        found[of] = number
    return found


def _pages(
    provider: ProviderSuppressions, of: SuppressionList
) -> Iterator[tuple[SuppressedAddress, ...]]:
    after: str | None = None
    while True:
        page = provider.page(of, after)
        yield tuple(page.entries)
        if page.after is None or page.after == after:
            return
        after = page.after


class SuppressionReader:
    """One thread that reads all lists at each interval; `step` is one round of it."""

    def __init__(
        self,
        *,
        domain: str,
        owner: str,
        provider: ProviderSuppressions,
        store: SuppressionStore,
        turns: FeedbackStore,
        interval: float,
        on_state: Callable[[bool, str], None] = lambda _ok, _why: None,
        on_read: Callable[[Mapping[SuppressionList, int]], None] = lambda _found: None,
    ) -> None:
        """`interval` in seconds."""
        self._domain = domain
        self._feed = f"mailgun:{domain}:suppressions"
        self._owner = owner
        self._provider = provider
        self._store = store
        self._turns = turns
        self._interval = interval
        self._on_state = on_state
        self._on_read = on_read
        self._failures = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="suppressions", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """After the page under way; a call that hangs is left behind, and changes nothing."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)
        self._provider.close()

    def step(self) -> float:
        """One round; returns the seconds until the next one."""
        asked_to_wait = self._provider.opens_in()
        if asked_to_wait:
            return asked_to_wait
        try:
            if self._go_on():
                found = read_all(self._provider, self._store, self._domain, self._go_on)
                self._on_state(True, "")
                if found is not None:
                    self._on_read(found)
        except DependencyError as error:
            return self._later(error)
        self._failures = 0
        return self._interval

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            pause = self.step()
        try:
            self._turns.leave_turn(self._feed, self._owner)
        except DependencyError:
            return  # it runs out by itself

    def _go_on(self) -> bool:
        """It is our turn, and we are not to stop. Whoever reads keeps the turn until the next
        round, so that others do not read the same again in between."""
        seconds = self._interval + _TURN_SECONDS
        return not self._stop.is_set() and self._turns.take_turn(self._feed, self._owner, seconds)

    def _later(self, error: DependencyError) -> float:
        if isinstance(error, LookupUnavailable):
            self._on_state(False, str(error))
        pause = min(_FIRST_PAUSE * 2.0 ** min(self._failures, 16), _LONGEST_PAUSE)
        self._failures += 1
        return max(pause, self._provider.opens_in())
