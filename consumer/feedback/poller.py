"""The poller: reads a provider's events, so that what webhooks missed is told all the same.

Of many processes one reads at a time: it has the feed's turn in the ledger, and takes it again with
each page. How far everything was read is in the ledger too, so the next one goes on from there.
"""

import threading
from collections.abc import Callable

from consumer.domain.errors import DependencyError, LookupUnavailable
from consumer.domain.feedback import EventsPage
from consumer.feedback.ports import FeedbackStore, ProviderEvents
from consumer.feedback.reading import time_of
from consumer.feedback.recorder import Entry, Recorder
from consumer.feedback.windows import PollRules, Window, windows
from consumer.ports import Clock

#: Seconds beyond the interval for which a turn lasts: longer than a page with all its time-outs.
_TURN_SECONDS = 120.0
#: Seconds after the first failure, doubled with each further one, and at the most.
_FIRST_PAUSE, _LONGEST_PAUSE = 15.0, 300.0


class Poller:
    """One thread; `step` is one round of it."""

    def __init__(
        self,
        *,
        feed: str,
        owner: str,
        events: ProviderEvents,
        store: FeedbackStore,
        recorder: Recorder,
        clock: Clock,
        rules: PollRules,
        on_state: Callable[[bool, str], None] = lambda _ok, _why: None,
        on_place: Callable[[float], None] = lambda _seconds_behind: None,
    ) -> None:
        """`feed` names the events in the ledger: the domain they are of."""
        self._feed = feed
        self._owner = owner
        self._events = events
        self._store = store
        self._recorder = recorder
        self._clock = clock
        self._rules = rules
        self._on_state = on_state
        self._on_place = on_place
        #: Up to when this process has read, settled or not; None: nothing since its turn began.
        self._read_until: float | None = None
        self._failures = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """After the page under way; a call that hangs is left behind, and changes nothing."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)
        self._events.close()

    def step(self) -> float:
        """One round; returns the seconds until the next one."""
        asked_to_wait = self._events.opens_in()
        if asked_to_wait:
            return asked_to_wait
        try:
            if not (self._take_turn() and self._read_all()):
                # Another process reads: what is fresh to us later is what it leaves unsettled.
                self._read_until = None
        except DependencyError as error:
            return self._later(error)
        self._failures = 0
        return self._rules.interval

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            pause = self.step()
        try:
            self._store.leave_turn(self._feed, self._owner)
        except DependencyError:
            return  # it runs out by itself

    def _take_turn(self) -> bool:
        seconds = self._rules.interval + _TURN_SECONDS
        return self._store.take_turn(self._feed, self._owner, seconds)

    def _read_all(self) -> bool:
        """Read what is to be read now; False: the turn was lost, or we are to stop."""
        now = self._clock.now()
        place = self._store.place(self._feed)
        for window in windows(self._rules, place, self._read_until, now):
            if not self._read(window):
                return False
            self._on_state(True, "")
        self._read_until = now
        place = self._store.place(self._feed)
        self._on_place(0.0 if place is None else now - place)
        return True

    def _read(self, window: Window) -> bool:
        """All pages of a window; the place follows page by page, so that nothing is read in vain
        when one of many fails."""
        after: str | None = None
        while True:
            page = self._events.page(window.begin, window.end, after)
            self._recorder.record([Entry(document=item, source="poll") for item in page.items])
            if self._stop.is_set() or not self._take_turn():
                return False
            last = page.after is None or page.after == after
            if window.settled and not self._move(window, page, last=last):
                return False
            if last:
                return True
            after = page.after

    def _move(self, window: Window, page: EventsPage, *, last: bool) -> bool:
        """False: the turn was lost. The place never goes back, an overlap is before it."""
        reached = window.end if last else time_of(page.items[-1])
        if reached is None or reached <= (self._store.place(self._feed) or 0.0):
            return True
        return self._store.move(self._feed, self._owner, min(reached, window.end))

    def _later(self, error: DependencyError) -> float:
        """Wait for whatever is away; a refusal may be a throttle as well (403 is seen as one)."""
        if isinstance(error, LookupUnavailable):
            self._on_state(False, str(error))
        first = min(_FIRST_PAUSE, self._rules.interval)
        pause = min(first * 2.0 ** min(self._failures, 16), _LONGEST_PAUSE)
        self._failures += 1
        return max(pause, self._events.opens_in())
