"""What a replay has done so far: counted as it goes, told on the way and at the end."""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from consumer.domain.reasons import Kind, Reason
from consumer.experiments.replay_standing import Why
from consumer.pipeline.pipeline import Prepared


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The counts at one moment."""

    records: int
    matched: int
    #: Emails that were accepted now, and those of them that were found accepted before.
    sent: int
    found: int
    #: Events that were left out, by why.
    left_out: Mapping[str, int]
    #: Events and notifications that were tried and not sent, by kind and reason.
    not_sent: Mapping[str, int]
    #: Of those not sent, the ones that somebody has to look at.
    failed: int


_FAILURES = frozenset({Kind.FAILED, Kind.EXPIRED, Kind.IN_DOUBT, Kind.LOOKUP_FAILED})


def _needs_a_look(kind: Kind, reason: Reason) -> bool:
    """A pager or a webhook is another program's: there is no dead letter of it either."""
    return kind in _FAILURES and reason is not Reason.UNSUPPORTED_TYPE


class Report:
    """Thread-safe: the poll thread, the senders and the tracker tell it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records = 0
        self._matched = 0
        self._left_out: Counter[str] = Counter()
        #: How notifications ended, by uid: one that is prepared anew counts once.
        self._sends: dict[str, tuple[Kind, Reason]] = {}
        #: How events ended that led to nothing to send, by id and destination.
        self._ends: dict[tuple[str, str, str], tuple[Kind, Reason]] = {}

    def read(self, records: int, *, matched: int) -> None:
        with self._lock:
            self._records += records
            self._matched += matched

    def left_out(self, why: Why) -> None:
        with self._lock:
            self._left_out[why] += 1

    def unreadable(self, records: int) -> None:
        with self._lock:
            self._left_out[Why.UNREADABLE] += records

    def waiting(self, why: str, records: int) -> None:
        """Records that are not read at all."""
        with self._lock:
            self._left_out[why] += records

    def prepared(self, prepared: Prepared) -> None:
        """An event is on its way: what is known of its end already."""
        event = prepared.locked.event
        with self._lock:
            for ending in prepared.endings:
                place = (event.id, ending.target_id or "", ending.destination or "")
                self._ends[place] = (ending.kind, ending.reason)
            for known in prepared.known:
                if known.result.kind is not Kind.ACCEPTED:
                    self._sends[known.notification.uid] = (known.result.kind, known.result.reason)

    def ended(self, uid: str, kind: Kind, reason: Reason) -> None:
        """A notification has its result."""
        with self._lock:
            self._sends[uid] = (kind, reason)

    @property
    def totals(self) -> Totals:
        with self._lock:
            ends = Counter(self._sends.values())
            others = Counter(self._ends.values())
            accepted = {end: n for end, n in ends.items() if end[0] is Kind.ACCEPTED}
            not_sent = {end: n for end, n in (ends + others).items() if end[0] is not Kind.ACCEPTED}
            return Totals(
                records=self._records,
                matched=self._matched,
                sent=sum(accepted.values()),
                found=accepted.get((Kind.ACCEPTED, Reason.FOUND), 0),
                left_out={why: n for why, n in sorted(self._left_out.items()) if n},
                not_sent={f"{kind} ({why})": n for (kind, why), n in sorted(not_sent.items())},
                failed=sum(n for end, n in not_sent.items() if _needs_a_look(*end)),
            )


def as_data(totals: Totals, **more: Any) -> dict[str, Any]:
    """For other programs."""
    data: dict[str, Any] = msgspec.to_builtins(totals)
    return data | more
