"""Housekeeping: old rows leave the ledger in small steps, so that nobody waits for it."""

import threading
from typing import Protocol

from consumer.domain.errors import LedgerUnavailable
from consumer.ports import Clock

#: Rows deleted in one transaction.
_STEP = 500
#: Seconds between two steps while there is more, and between two looks when there is not.
_BETWEEN_STEPS, _BETWEEN_LOOKS = 2.0, 600.0


class Prunes(Protocol):
    """What forgets in small steps: the ledger, or a part of it."""

    def prune(self, before: float, limit: int) -> int: ...


class Housekeeping:
    """Prunes from a thread of its own. Several processes may do so at the same time."""

    def __init__(self, ledger: Prunes, clock: Clock, retention_seconds: float) -> None:
        self._ledger = ledger
        self._clock = clock
        self._retention = retention_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float = 1.0) -> None:
        """A step under way is left behind after a while: it is one transaction."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def step(self) -> float:
        """Delete one step's rows; returns the seconds until the next one."""
        try:
            deleted = self._ledger.prune(self._clock.now() - self._retention, _STEP)
        except LedgerUnavailable:
            return _BETWEEN_LOOKS
        return _BETWEEN_STEPS if deleted else _BETWEEN_LOOKS

    def _run(self) -> None:
        pause = _BETWEEN_STEPS
        while not self._stop.wait(pause):
            pause = self.step()
