"""How many emails one call may carry, as configured and as Mailgun's answers have taught."""

import threading
from typing import Final

from consumer.ports import Clock

#: What was learned is believed so long. Then a full batch is tried again: an account leaves
#: probation without telling us, and a refusal costs one call.
BELIEVED_SECONDS: Final = 3600.0


class BatchLimit:
    """Safe to share between threads."""

    def __init__(self, clock: Clock, configured: int) -> None:
        self._clock = clock
        self._configured = configured
        self._lock = threading.Lock()
        #: Emails, and until when no call carries more (monotonic seconds).
        self._learned = self._left = (configured, float("-inf"))

    @property
    def emails(self) -> int:
        """At least 1."""
        return min(self._in_force(self._learned), self._in_force(self._left))

    def learn(self, emails: int) -> None:
        """Mailgun takes no more than so many; what it was said to take before is not raised."""
        with self._lock:
            self._learned = self._lowered(self._learned, emails, BELIEVED_SECONDS)

    def narrow(self, emails: int, seconds: float) -> None:
        """The same for so long: what is left of a limit by the hour may be less than a call."""
        with self._lock:
            self._left = self._lowered(self._left, emails, seconds)

    def _in_force(self, limit: tuple[int, float]) -> int:
        emails, until = limit
        return emails if self._clock.monotonic() < until else self._configured

    def _lowered(self, limit: tuple[int, float], emails: int, seconds: float) -> tuple[int, float]:
        lower = max(1, min(emails, self._in_force(limit)))
        return lower, self._clock.monotonic() + seconds
