"""A breaker: a transport that fails again and again is left alone, but for one probe at a time."""

import math
import threading
from typing import Final

from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import Clock

#: Answers, or their absence, that blame the transport. A throttled domain has its gate, and a
#: refused email says that the transport works.
_BLAMED = frozenset(
    {
        Reason.UNREACHABLE,
        Reason.CONFIGURATION,
        Reason.SERVER_ERROR,
        Reason.ANSWER_LOST,
        Reason.UNREADABLE_ANSWER,
    }
)
#: Emails that are spared after a lost answer before the next one is risked: one bad gateway must
#: not send a storm elsewhere.
_SPARED: Final = 9
#: And for so many seconds at the most. Longer than a CRITICAL or a WARNING is looked up: then it is
#: sent again, and finds out.
_FINDS_OUT: Final = 600.0


class Breaker:
    """Opens after so many failures in a row; closed again by the first success. Thread-safe."""

    def __init__(self, clock: Clock, failures: int, probe_seconds: float) -> None:
        self._clock = clock
        self._limit = failures
        self._probe_seconds = probe_seconds
        self._lock = threading.Lock()
        self._failed = 0
        self._probing = False
        self._probe_at = 0.0
        #: When the last call was made of which nobody knows what it did (monotonic seconds); None:
        #: there was an answer since.
        self._doubted_at: float | None = None
        #: Emails that went elsewhere since.
        self._spared = 0

    @property
    def is_open(self) -> bool:
        return self._failed >= self._limit

    @property
    def is_doubted(self) -> bool:
        """Whoever calls now may end in doubt as well."""
        at = self._doubted_at
        return at is not None and self._clock.monotonic() < at + _FINDS_OUT

    def spare(self) -> bool:
        """Whether an email that can go elsewhere should, so that it does not end in doubt too."""
        with self._lock:
            spared = self.is_doubted and self._spared < _SPARED
            self._spared = self._spared + 1 if spared else 0
            return spared

    def soon(self, result: SendResult, tries: int) -> float:
        """Seconds that what failed has to wait at the most, after so many tries.

        Where nobody else sends, the tries of one email have to show whether the transport is
        broken: they come at the probe's interval until there is an opinion, and no longer.
        """
        undecided = result.reason in _BLAMED and not self.is_open and tries < self._limit
        return self._probe_seconds if undecided else math.inf

    def opens_in(self) -> float:
        """Seconds until a call may be made; 0: now."""
        with self._lock:
            return self._wait()

    def admit(self, *, tried: bool = False) -> tuple[float, bool]:
        """As `opens_in`, and whether the call is a probe. With 0 the caller has to call, and to
        tell `record` or `unused`.

        What was `tried` in vain leaves the probe for a while to others, if there are any.
        """
        with self._lock:
            wait = self._wait(self._probe_seconds / 2 if tried else 0.0)
            probe = not wait and self.is_open
            self._probing = self._probing or probe
            return wait, probe

    def record(self, result: SendResult, *, probe: bool = False) -> bool | None:
        """What became of a call. True: it closed the breaker; False: it opened it."""
        with self._lock:
            was_open = self.is_open
            if probe:
                self._end_probe()
            if result.kind in (Kind.ACCEPTED, Kind.FAILED):
                self._failed, self._doubted_at, self._spared = 0, None, 0
            elif result.reason in _BLAMED:
                self._failed += 1
                if result.kind is Kind.IN_DOUBT:
                    self._doubted_at = self._clock.monotonic()
                if not was_open and self.is_open:
                    self._probe_at = self._clock.monotonic() + self._probe_seconds
            return None if was_open == self.is_open else was_open

    def unused(self, *, probe: bool) -> None:
        """The call was not made after all."""
        with self._lock:
            if probe:
                self._end_probe()

    def _wait(self, later: float = 0.0) -> float:
        if not self.is_open:
            return 0.0
        left = max(0.0, self._probe_at + later - self._clock.monotonic())
        # A probe may take as long as a hanging provider lets it: nobody follows it meanwhile.
        return max(left, self._probe_seconds) if self._probing else left

    def _end_probe(self) -> None:
        self._probing = False
        self._probe_at = self._clock.monotonic() + self._probe_seconds
