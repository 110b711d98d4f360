"""Group commit: many threads ask at once, one statement answers them all.

The first thread to ask becomes the leader and carries what others brought meanwhile. In quiet
times that is a batch of one without any wait; in a storm one transaction serves all senders.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class _Seat(Generic[Item, Answer]):
    __slots__ = ("answer", "error", "item", "ready")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.ready = threading.Event()
        self.answer: Answer | None = None
        self.error: Exception | None = None


class Gather(Generic[Item, Answer]):
    """`ask(item)` returns what `run(items)` answered at the item's place, or raises its error."""

    def __init__(self, run: Callable[[Sequence[Item]], Sequence[Answer]], limit: int = 500) -> None:
        self._run = run
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting: list[_Seat[Item, Answer]] = []
        self._led = False

    def ask(self, item: Item) -> Answer:
        seat: _Seat[Item, Answer] = _Seat(item)
        with self._lock:
            self._waiting.append(seat)
            leads = not self._led
            self._led = True
        if leads:
            self._lead()
        seat.ready.wait()
        if seat.error is not None:
            raise seat.error
        return seat.answer  # type: ignore[return-value]  # ready and without error: answered

    def _lead(self) -> None:
        """Serve until nobody waits; whoever asks afterwards leads anew."""
        while True:
            with self._lock:
                seats, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                if not seats:
                    self._led = False
                    return
            self._serve(seats)

    def _serve(self, seats: Sequence[_Seat[Item, Answer]]) -> None:
        try:
            answers = self._run([seat.item for seat in seats])
            for seat, answer in zip(seats, answers, strict=True):
                seat.answer = answer
        except Exception as error:  # noqa: BLE001  # each asker gets the error in its own thread
            for seat in seats:
                seat.error = error
        finally:
            for seat in seats:
                seat.ready.set()
