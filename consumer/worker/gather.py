"""Group commit: many threads ask at once, one statement answers them all.

The first thread to ask becomes the leader and carries what others brought meanwhile; then the
next one that waits leads, so that nobody works for others for long. In quiet times that is a batch
of one without any wait; in a storm one transaction serves all senders.
"""

import threading
from collections.abc import Callable, Sequence
from itertools import accumulate, takewhile
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class _Seat(Generic[Item, Answer]):
    __slots__ = ("answers", "error", "items", "leads", "turn")

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        #: Set when it is answered, or has to lead.
        self.turn = threading.Event()
        self.leads = False
        self.answers: Sequence[Answer] = ()
        self.error: Exception | None = None


class Gather(Generic[Item, Answer]):
    """`ask(item)` returns what `run(items)` answered at the item's place, or raises its error.

    What one thread asks together is answered together; what others ask comes with it, up to
    `limit` items in all.
    """

    def __init__(self, run: Callable[[Sequence[Item]], Sequence[Answer]], limit: int = 500) -> None:
        self._run = run
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting: list[_Seat[Item, Answer]] = []
        self._led = False

    def ask(self, item: Item) -> Answer:
        return self.ask_all([item])[0]

    def ask_all(self, items: Sequence[Item]) -> Sequence[Answer]:
        seat: _Seat[Item, Answer] = _Seat(items)
        with self._lock:
            self._waiting.append(seat)
            seat.leads, self._led = not self._led, True
        if not seat.leads:
            seat.turn.wait()
        if seat.leads:
            self._lead()
        if seat.error is not None:
            raise seat.error
        return seat.answers

    def _lead(self) -> None:
        """Serve one batch, our own seat first in it, and let the next one that waits lead."""
        with self._lock:
            fits = self._how_many_fit()
            seats, self._waiting = self._waiting[:fits], self._waiting[fits:]
        self._serve(seats)
        with self._lock:
            self._led = bool(self._waiting)
            if self._led:
                self._waiting[0].leads = True
                self._waiting[0].turn.set()

    def _how_many_fit(self) -> int:
        """The leader's own always do."""
        sums = accumulate(len(seat.items) for seat in self._waiting)
        return max(1, sum(1 for _ in takewhile(lambda items: items <= self._limit, sums)))

    def _serve(self, seats: Sequence[_Seat[Item, Answer]]) -> None:
        try:
            items = [item for seat in seats for item in seat.items]
            answers = [answer for _, answer in zip(items, self._run(items), strict=True)]
            for seat in seats:
                seat.answers, answers = answers[: len(seat.items)], answers[len(seat.items) :]
        except Exception as error:  # noqa: BLE001  # each asker gets the error in its own thread
            for seat in seats:
                seat.error = error
        finally:
            for seat in seats:
                seat.turn.set()
