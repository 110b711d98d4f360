"""Sends that wait for a thread: some are ready, in fair turns of tenants, some have their time.

One newcomer wakes one thread. A thread that takes something wakes the next if more is there:
whoever waits for the moment at which a send is due may be away with another one by then.
"""

import heapq
import threading
from collections.abc import Callable, Collection, Sequence

from consumer.worker.sleepers import Sleepers
from consumer.worker.turns import Company, Turns
from consumer.worker.work import Sending, Work


class Waiting:
    """A queue that serves one tenant after the other, and lets sends in when they are due.

    All methods are called with the lanes' lock held, which `wait` lets go meanwhile.
    """

    def __init__(self, lock: threading.Lock, company: Company) -> None:
        self._threads = Sleepers(lock)
        self._ready = Turns(company)
        #: (monotonic seconds, sequence, send).
        self._delayed: list[tuple[float, int, Sending]] = []
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._ready) + len(self._delayed)

    def push(self, sending: Sending, *, first: bool = False) -> None:
        """It may be taken at once."""
        self._ready.push(sending, first=first)
        self._threads.wake()

    def delay(self, sending: Sending, due: float) -> None:
        """It may be taken from `due` on (monotonic seconds)."""
        self._sequence += 1
        heapq.heappush(self._delayed, (due, self._sequence, sending))
        self._threads.wake()

    def pop(self, now: float) -> Sequence[Sending]:
        """The next one, if any is ready or due, and what may go with it."""
        while self._delayed and self._delayed[0][0] <= now:
            self._ready.push(heapq.heappop(self._delayed)[2])
        sendings = self._ready.pop()
        if sendings and len(self):
            self._threads.wake()
        return sendings

    def due(self) -> float:
        """When the next one of those with a time is due; infinity without any."""
        return self._delayed[0][0] if self._delayed else float("inf")

    def hurry(self, which: Callable[[Sending], bool], now: float) -> None:
        """Those that wait for their time, and are meant, need wait no longer."""
        if self._delayed:
            self._delayed = [
                (min(due, now) if which(sending) else due, n, sending)
                for due, n, sending in self._delayed
            ]
            heapq.heapify(self._delayed)
            self._threads.wake()

    def forget(self, gone: Collection[Work]) -> None:
        """These events were taken out of their lanes."""
        self._ready.forget(gone)
        works = set(map(id, gone))
        self._delayed = [entry for entry in self._delayed if id(entry[2].work) not in works]
        heapq.heapify(self._delayed)

    def wait(self, seconds: float) -> None:
        """Wait for something new, at most so long."""
        self._threads.sleep(seconds)

    def wake_all(self) -> None:
        """Nothing more is handed out."""
        self._threads.wake_all()
