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
        self._learned = configured
        self._believed_until = float("-inf")

    @property
    def emails(self) -> int:
        """At least 1."""
        believed = self._clock.monotonic() < self._believed_until
        return self._learned if believed else self._configured

    def learn(self, emails: int) -> None:
        """Mailgun takes no more than so many; what it was said to take before is not raised."""
        with self._lock:
            self._learned = max(1, min(emails, self.emails))
            self._believed_until = self._clock.monotonic() + BELIEVED_SECONDS
