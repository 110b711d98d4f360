"""Trust: how many emails one call may carry, by how the provider has answered just now.

A call whose answer is lost leaves all that it carried in doubt, and what is in doubt waits and
does not fall back. So nobody bets a thousand emails on a provider that may be down: the first
calls carry one each, every good answer doubles it, and a bad one, or silence, begins anew. In a
storm that costs the time of one answer, for all senders have one soon after each other.
"""

import threading
from typing import Final

from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind
from consumer.ports import Clock

#: More than any provider takes in one call.
_ENOUGH: Final = 1 << 16
#: Seconds after which a good answer says nothing about the next call any more.
_LASTS: Final = 10.0


class Trust:
    """In one transport. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._emails = 1
        self._until = 0.0

    def emails(self) -> int:
        """So many may go in one call."""
        with self._lock:
            return self._emails if self._clock.monotonic() < self._until else 1

    def record(self, result: SendResult) -> None:
        """What became of a call. A throttled or refused one says nothing about lost answers."""
        with self._lock:
            now = self._clock.monotonic()
            if result.kind is Kind.IN_DOUBT:
                self._until = 0.0
            elif result.kind is Kind.ACCEPTED:
                self._emails = min(_ENOUGH, 2 * self._emails) if now < self._until else 2
                self._until = now + _LASTS
