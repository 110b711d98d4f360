"""Trust: how many emails one call may carry, by how the provider has answered just now.

A call whose answer is lost leaves all that it carried in doubt, and what is in doubt waits and
does not fall back. So nobody bets a thousand emails on a provider that may be down: the first
calls carry one each, and a call carries at most twice as many as one that went well just now. A
lost answer, one that is long in coming, or a quiet time begin anew. In a storm that costs the time
of some answers, while all senders call side by side.
"""

import threading
from typing import Final

from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind
from consumer.ports import Clock

#: Seconds after which a good answer says nothing about the next call any more.
_LASTS: Final = 10.0
#: Seconds after which an answer is long in coming. Mailgun's take some tenths of one.
_LONG: Final = 5.0


class Trust:
    """In one transport. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._emails = 1
        self._until = 0.0
        #: When each call under way began, monotonic seconds, the oldest first.
        self._under_way: dict[object, float] = {}

    def emails(self) -> int:
        """So many may go in one call."""
        now = self._clock.monotonic()
        with self._lock:
            oldest = next(iter(self._under_way.values()), now)
            return self._emails if now < self._until and now < oldest + _LONG else 1

    def begin(self) -> object:
        """A call is made; `end` takes what this returns."""
        call = object()
        with self._lock:
            self._under_way[call] = self._clock.monotonic()
        return call

    def end(self, call: object, emails: int, result: SendResult | None) -> None:
        """What became of it. A throttled or refused call says nothing about lost answers; None:
        nobody knows."""
        now = self._clock.monotonic()
        with self._lock:
            del self._under_way[call]
            if result is None or result.kind is Kind.IN_DOUBT:
                self._until = 0.0
            elif result.kind is Kind.ACCEPTED:
                self._emails = max(2 * emails, self._emails if now < self._until else 1)
                self._until = now + _LASTS
