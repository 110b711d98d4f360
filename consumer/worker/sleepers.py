"""Threads that wait for something to do; who fell asleep last is woken first.

`threading.Condition` wakes the longest sleeper. With many threads and little to do that is always
the one whose stack, connection and memory have left the processor's caches longest ago.
"""

import threading


class Sleepers:
    """All methods are called with `lock` held, which `sleep` lets go meanwhile."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        #: One lock for each that sleeps, held until it is woken.
        self._beds: list[threading.Lock] = []

    def sleep(self, seconds: float) -> None:
        """Until woken, at most so long."""
        bed = threading.Lock()
        bed.acquire()
        self._beds.append(bed)
        self._lock.release()
        try:
            woken = bed.acquire(timeout=seconds)
        finally:
            self._lock.acquire()
        if not woken and bed in self._beds:
            self._beds.remove(bed)

    def wake(self) -> None:
        """The last one that fell asleep, if anybody sleeps."""
        if self._beds:
            self._beds.pop().release()

    def wake_all(self) -> None:
        while self._beds:
            self._beds.pop().release()
