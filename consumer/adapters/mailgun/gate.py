"""One gate for a sending domain: when Mailgun says wait, every sender of the transport waits."""

import threading
from typing import Final

from consumer.ports import Clock

#: The wait after a throttling answer that names no time. Mailgun's limits count by the minute or
#: the hour; a few seconds cost one more refused call at the most.
UNTOLD_WAIT_SECONDS: Final = 5.0


class Gate:
    """Closed until a moment, open after it. Safe to share between threads.

    Mailgun counts requests per domain, so one sender's 429 is true for all the others: without
    the gate each of them would use up a call to hear the same. The wait runs on the monotonic
    clock: a wall clock that is set back must not keep a domain silent.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._opens_at = float("-inf")

    def close(self, seconds: float) -> float:
        """Close for so long; a later end stands. Returns the seconds in force."""
        with self._lock:
            self._opens_at = max(self._opens_at, self._clock.monotonic() + seconds)
        return self.opens_in()

    def close_until(self, moment: float | None) -> float:
        """Close until an epoch second, or for a while where none was told; as `close`."""
        wait = UNTOLD_WAIT_SECONDS if moment is None else moment - self._clock.now()
        return self.close(wait)

    def opens_in(self) -> float:
        """Seconds until the gate opens; 0: it is open."""
        return max(0.0, self._opens_at - self._clock.monotonic())
