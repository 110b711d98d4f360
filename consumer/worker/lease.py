"""The lease: as long as it holds, nobody else works on our atoms.

A process that was stopped (SIGSTOP, a long pause) wakes up with its lease over; it checks its
own clocks before each send, and the ledger checks the fence.
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
        #: By the monotonic clock, which may stand still while the machine is suspended, and by
        #: the wall clock, which may be set back: both have to agree.
        self._valid_until = (float("-inf"), float("-inf"))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def start(self) -> None:
        """Take the lease; raises LedgerUnavailable when the ledger does not answer."""
        self._beat()
        self._thread.start()

    def stop(self, timeout_seconds: float = 1.0) -> None:
        """A heartbeat under way is left behind after a while."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def is_valid(self) -> bool:
        """Whether a send may be begun now."""
        monotonic, wall = self._valid_until
        return self._clock.monotonic() < monotonic and self._clock.now() < wall

    def _run(self) -> None:
        while not self._stop.wait(self._seconds / 4):
            try:
                self._beat()
            except LedgerUnavailable as error:
                self._on_state(False, str(error))

    def _beat(self) -> None:
        # The clocks are read before the call: the lease may have been written as early as that.
        monotonic, wall = self._clock.monotonic(), self._clock.now()
        self._ledger.heartbeat(self._owner, wall, self._seconds)
        window = self._seconds * (1 - _MARGIN)
        self._valid_until = (monotonic + window, wall + window)
        # A ledger that is slow enough answers, and yet nothing may be sent.
        took = self._clock.monotonic() - monotonic
        why = f"the ledger took {took:.1f} s to extend a lease of {self._seconds:g} s"
        self._on_state(self.is_valid(), "" if self.is_valid() else why)
