"""One gate for a sending domain: when Mailgun says wait, every sender of the transport waits."""

import threading


class Gate:
    """Closed until a moment, open after it. Safe to share between threads.

    Mailgun counts requests per domain, so one sender's 429 is true for all the others: without
    the gate each of them would use up a call to hear the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opens_at = 0.0

    def close(self, until: float) -> float:
        """Close until `until` (epoch seconds); a later end stands. Returns the end in force."""
        with self._lock:
            self._opens_at = max(self._opens_at, until)
            return self._opens_at

    def opens_at(self, now: float) -> float | None:
        """When the gate opens, in epoch seconds; None: it is open."""
        opens_at = self._opens_at
        return opens_at if opens_at > now else None
