"""Threads that write at the same time share a transaction, and nothing else."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

import pytest
from sqlalchemy import Connection

from consumer.adapters.ledger.shared import NotCarriedError, SharedTransactions

_PATIENCE = 30.0


class Store:
    """Transactions on a list: what was written before an error is taken back."""

    def __init__(self) -> None:
        self.committed: list[list[object]] = []
        self.refuses: Exception | None = None
        self.refuses_many = False

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        if self.refuses is not None:
            raise self.refuses
        written: list[object] = []
        yield cast(Connection, written)
        if self.refuses_many and len(written) > 1:
            raise OSError("not so many")
        self.committed.append(written)


def writes(what: object) -> Callable[[Connection], object]:
    def work(connection: Connection) -> object:
        cast(list[object], connection).append(what)
        return what

    return work


def fails(_: Connection) -> object:
    raise ZeroDivisionError


class Busy:
    """Somebody writes, until it is let go; others come meanwhile."""

    def __init__(self, shared: SharedTransactions, pool: ThreadPoolExecutor) -> None:
        self._shared = shared
        self._pool = pool
        self._began, self._go_on = threading.Event(), threading.Event()
        self.first: Future[object] = pool.submit(shared.write, self._slow)
        assert self._began.wait(_PATIENCE)

    def _slow(self, connection: Connection) -> object:
        self._began.set()
        assert self._go_on.wait(_PATIENCE)
        return writes("first")(connection)

    def comes(self, work: Callable[[Connection], object]) -> Future[object]:
        """Another writer, that waits when this returns."""
        before = len(self._shared._waiting)
        future: Future[object] = self._pool.submit(self._shared.write, work)
        pause, tries = threading.Event(), 0
        while len(self._shared._waiting) == before:
            tries += 1
            assert tries < 10_000
            pause.wait(0.001)
        return future

    def let_go(self) -> None:
        self._go_on.set()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def result(future: Future[Any]) -> object:
    return future.result(_PATIENCE)


def test_a_lone_writer_has_a_transaction_of_its_own() -> None:
    store = Store()
    shared = SharedTransactions(store.begin, _PATIENCE)
    assert [shared.write(writes(n)) for n in (1, 2)] == [1, 2]
    assert store.committed == [[1], [2]]


def test_those_that_come_meanwhile_are_written_together(pool: ThreadPoolExecutor) -> None:
    store = Store()
    busy = Busy(SharedTransactions(store.begin, _PATIENCE), pool)
    others = [busy.comes(writes(n)) for n in (1, 2, 3)]
    busy.let_go()
    assert [result(each) for each in others] == [1, 2, 3]
    assert result(busy.first) == "first"
    assert store.committed == [["first"], [1, 2, 3]]


def test_none_fails_for_anothers_fault(pool: ThreadPoolExecutor) -> None:
    store = Store()
    busy = Busy(SharedTransactions(store.begin, _PATIENCE), pool)
    one, bad, two = (busy.comes(work) for work in (writes(1), fails, writes(2)))
    busy.let_go()
    assert (result(one), result(two)) == (1, 2)
    with pytest.raises(ZeroDivisionError):
        result(bad)
    assert store.committed == [["first"], [1], [2]]


def test_a_commit_that_fails_is_tried_again_for_each(pool: ThreadPoolExecutor) -> None:
    store = Store()
    store.refuses_many = True
    busy = Busy(SharedTransactions(store.begin, _PATIENCE), pool)
    others = [busy.comes(writes(n)) for n in (1, 2)]
    busy.let_go()
    assert [result(each) for each in others] == [1, 2]
    assert store.committed == [["first"], [1], [2]]


def test_where_no_transaction_begins_all_hear_it_at_once(pool: ThreadPoolExecutor) -> None:
    """Each in turn would wait as long as the first for a database that is away."""
    store = Store()
    busy = Busy(SharedTransactions(store.begin, _PATIENCE), pool)
    others = [busy.comes(writes(n)) for n in (1, 2)]
    store.refuses = OSError("away")
    busy.let_go()
    for each in others:
        with pytest.raises(OSError, match="away"):
            result(each)
    store.refuses = None
    assert store.committed == [["first"]]


def test_whoever_waits_too_long_gives_up_and_is_not_written(pool: ThreadPoolExecutor) -> None:
    store = Store()
    shared = SharedTransactions(store.begin, 0.05)
    busy = Busy(shared, pool)
    with pytest.raises(NotCarriedError, match="too many writers wait"):
        shared.write(writes("late"))
    busy.let_go()
    result(busy.first)
    assert shared.write(writes("next")) == "next"
    assert store.committed == [["first"], ["next"]]


def test_a_writer_that_is_stopped_leaves_nobody_waiting(pool: ThreadPoolExecutor) -> None:
    store = Store()
    shared = SharedTransactions(store.begin, _PATIENCE)
    busy = Busy(shared, pool)

    def stopped(_: Connection) -> object:
        raise KeyboardInterrupt

    leader, carried = busy.comes(stopped), busy.comes(writes(1))
    busy.let_go()
    with pytest.raises(KeyboardInterrupt):
        result(leader)
    with pytest.raises(NotCarriedError, match="stopped"):
        result(carried)
    assert shared.write(writes("next")) == "next"
