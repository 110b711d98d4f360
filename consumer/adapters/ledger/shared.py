"""One transaction for all that want to write at the same time.

SQLite has one writer at a time, and each commit waits for the disk. Whoever finds nobody writing
carries what others bring until it begins; then the next one that waits does. In quiet times that
is a transaction of one's own without any wait; in a storm one commit serves marks, results and
claims.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class NotCarriedError(Exception):
    """Others took too long, or were stopped, before they wrote ours."""


class _Wish:
    __slots__ = ("answer", "error", "leads", "turn", "work")

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self.work = work
        #: Held until the wish is done, or has to lead. A bare lock: an Event makes three objects.
        self.turn = threading.Lock()
        self.turn.acquire()
        self.leads = False
        self.answer: Any = None
        self.error: BaseException | None = None


class SharedTransactions:
    """Thread-safe."""

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Connection]],
        timeout_seconds: float,
    ) -> None:
        """`begin` opens a transaction; `timeout_seconds` limits the wait for others."""
        self._begin = begin
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._waiting: list[_Wish] = []
        self._busy = False

    def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` answered, committed. It may be run a second time, if what was carried with
        it failed. Raises what it raises, and NotCarriedError."""
        wish = _Wish(work)
        with self._lock:
            wish.leads, self._busy = not self._busy, True
            if not wish.leads:
                self._waiting.append(wish)
        if not wish.leads:
            self._wait(wish)
        if wish.leads:
            self._lead(wish)
        if wish.error is not None:
            raise wish.error
        answer: T = wish.answer
        return answer

    def _wait(self, wish: _Wish) -> None:
        if wish.turn.acquire(timeout=self._timeout_seconds):
            return
        with self._lock:
            if wish in self._waiting:
                self._waiting.remove(wish)
                raise NotCarriedError("too many writers wait")
        # Somebody has just begun to carry it, or it has just been asked to lead.
        wish.turn.acquire()

    def _lead(self, own: _Wish) -> None:
        """Carry all that waits, and let the next one that came meanwhile lead."""
        with self._lock:
            carried, self._waiting = [own, *self._waiting], []
        try:
            self._carry(carried)
        except BaseException as error:
            for wish in carried:
                wish.error = error if wish is own else NotCarriedError("the writer was stopped")
            raise
        finally:
            with self._lock:
                self._busy = bool(self._waiting)
                if self._busy:
                    following = self._waiting.pop(0)
                    following.leads = True
                    following.turn.release()
            for wish in carried[1:]:
                wish.turn.release()

    def _carry(self, wishes: Sequence[_Wish]) -> None:
        """All in one transaction. Where that fails, each in one of its own, so that none fails for
        another's fault."""
        begun = False
        try:
            with self._begin() as connection:
                begun = True
                answers = [wish.work(connection) for wish in wishes]
        except Exception as error:  # noqa: BLE001  # each gets its error in its own thread
            if begun and len(wishes) > 1:
                for wish in wishes:
                    self._carry([wish])
                return
            for wish in wishes:
                wish.error = error
        else:
            for wish, answer in zip(wishes, answers, strict=True):
                wish.answer = answer
