"""The lease: as long as it holds, nobody else works on our atoms.

A process that was stopped (SIGSTOP, a long pause) wakes up with its lease over; it checks its
own clock before each send, and the ledger checks the fence.
"""

import threading
from collections.abc import Callable

from consumer.domain.errors import LedgerUnavailable
from consumer.ports import Clock, Ledger

#: Sends stop this share of the lease before its end, for clocks that drift apart and the
#: time that a request is under way.
_MARGIN = 0.2


class Lease:
    """Extends the owner's lease from a thread of its own."""

    def __init__(
        self,
        ledger: Ledger,
        owner: str,
        clock: Clock,
        seconds: float,
        on_state: Callable[[bool, str], None],
    ) -> None:
        self._ledger = ledger
        self._owner = owner
        self._clock = clock
        self._seconds = seconds
        self._on_state = on_state
        self._valid_until = float("-inf")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def start(self) -> None:
        """Take the lease; raises LedgerUnavailable when the ledger does not answer."""
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def is_valid(self) -> bool:
        """Whether a send may be begun now."""
        return self._clock.monotonic() < self._valid_until

    def _run(self) -> None:
        while not self._stop.wait(self._seconds / 4):
            try:
                self._beat()
            except LedgerUnavailable as error:
                self._on_state(False, str(error))

    def _beat(self) -> None:
        # The clock is read before the call: the lease counts from the latest moment at which
        # the ledger may have written it.
        asked_at = self._clock.monotonic()
        self._ledger.heartbeat(self._owner, self._clock.now(), self._seconds)
        self._valid_until = asked_at + self._seconds * (1 - _MARGIN)
        self._on_state(True, "")
