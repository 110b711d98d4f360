"""Group commit: many threads ask at once, one statement answers them all.

The first thread to ask becomes the leader and carries what others brought meanwhile; then the
next one that waits leads, so that nobody works for others for long. In quiet times that is a batch
of one without any wait; in a storm one transaction serves all senders.
"""

import threading
from collections.abc import Callable, Sequence
from itertools import accumulate, takewhile
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

#: What Lock.acquire takes for no time limit.
_FOR_EVER: Final = -1.0


class NotServedError(Exception):
    """Others took too long, or were stopped, before ours was answered."""


class _Seat(Generic[Item, Answer]):
    __slots__ = ("answers", "error", "items", "leads", "turn")

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        #: Held until it is answered, or has to lead. A bare lock: an Event makes three objects,
        #: and there is one for each email.
        self.turn = threading.Lock()
        self.turn.acquire()
        self.leads = False
        self.answers: Sequence[Answer] = ()
        self.error: Exception | None = NotServedError("whoever served it was stopped")


class Gather(Generic[Item, Answer]):
    """`ask(item)` returns what `run(items)` answered at the item's place, or raises its error.

    What one thread asks together is answered together; what others ask comes with it, up to
    `limit` items in all.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Answer]],
        limit: int = 500,
        timeout_seconds: float = _FOR_EVER,
    ) -> None:
        """`timeout_seconds` limits the wait for others; then NotServedError is raised."""
        self._run = run
        self._limit = limit
        self._timeout = timeout_seconds
        self._lock = threading.Lock()
        self._waiting: list[_Seat[Item, Answer]] = []
        self._led = False

    def ask(self, item: Item) -> Answer:
        return self.ask_all([item])[0]

    def ask_all(self, items: Sequence[Item]) -> Sequence[Answer]:
        seat: _Seat[Item, Answer] = _Seat(items)
        with self._lock:
            seat.leads, self._led = not self._led, True
            self._waiting.append(seat)
        if not seat.leads:
            self._wait(seat)
        if seat.leads:
            self._lead()
        if seat.error is not None:
            raise seat.error
        return seat.answers

    def _wait(self, seat: _Seat[Item, Answer]) -> None:
        if seat.turn.acquire(timeout=self._timeout):
            return
        with self._lock:
            if not seat.leads and seat in self._waiting:
                self._waiting.remove(seat)
                raise NotServedError("too many others wait")
        # It is being served, or has just been asked to lead.
        seat.turn.acquire()

    def _lead(self) -> None:
        """Serve one batch, our own seat first in it, and let the next one that waits lead."""
        with self._lock:
            fits = self._how_many_fit()
            seats, self._waiting = self._waiting[:fits], self._waiting[fits:]
        try:
            self._serve(seats)
        finally:
            with self._lock:
                self._led = bool(self._waiting)
                if self._led:
                    self._waiting[0].leads = True
                    self._waiting[0].turn.release()
            for seat in seats[1:]:
                seat.turn.release()

    def _how_many_fit(self) -> int:
        """The leader's own always do."""
        sums = accumulate(len(seat.items) for seat in self._waiting)
        return max(1, sum(1 for _ in takewhile(lambda items: items <= self._limit, sums)))

    def _serve(self, seats: Sequence[_Seat[Item, Answer]]) -> None:
        try:
            items = [item for seat in seats for item in seat.items]
            answers = [answer for _, answer in zip(items, self._run(items), strict=True)]
        except Exception as error:  # noqa: BLE001  # each asker gets the error in its own thread
            for seat in seats:
                seat.error = error
            return
        for seat in seats:
            seat.answers, answers = answers[: len(seat.items)], answers[len(seat.items) :]
            seat.error = None
