"""Transactions on SQLite, and what is tried again."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from consumer.adapters.ledger.database import Database
from consumer.adapters.ledger.engine import build_engine, parse_url
from consumer.domain.errors import LedgerUnavailable
from tests.support.worker import until


def open_database(path: Path, timeout_seconds: float = 10.0, pool_size: int = 2) -> Database:
    engine = build_engine(
        parse_url(f"sqlite:///{path}"),
        pool_size=pool_size,
        timeout_seconds=timeout_seconds,
        connect_timeout_seconds=5,
    )
    return Database(engine, timeout_seconds)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "ledger.db")
    opened.write(lambda c: c.execute(text("CREATE TABLE t (n INTEGER)")))
    yield opened
    opened.close()


def scalar(database: Database, statement: str) -> object:
    return database.read(lambda c: c.execute(text(statement)).scalar())


def test_file_is_in_wal_mode_and_every_commit_is_synced(database: Database) -> None:
    assert scalar(database, "PRAGMA journal_mode") == "wal"
    assert scalar(database, "PRAGMA synchronous") == 2  # FULL


def test_failed_work_changes_nothing(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text("INSERT INTO t VALUES (1)"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(work)
    assert scalar(database, "SELECT count(*) FROM t") == 0


def test_full_disk_is_unavailable_and_changes_nothing(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text("PRAGMA max_page_count = 1"))  # clipped to the present size
        connection.execute(text("INSERT INTO t VALUES (1)"))
        connection.execute(text("CREATE TABLE more AS SELECT zeroblob(100000)"))

    with pytest.raises(LedgerUnavailable, match="full"):
        database.write(work)
    assert scalar(database, "SELECT count(*) FROM t") == 0


def test_reader_is_not_kept_waiting_by_a_writer(database: Database) -> None:
    seen = database.write(lambda _: scalar(database, "SELECT count(*) FROM t"))
    assert seen == 0


def test_writer_that_waits_too_long_for_its_turn_gives_up(tmp_path: Path) -> None:
    database = open_database(tmp_path / "ledger.db", timeout_seconds=0.05)
    began, go_on = threading.Event(), threading.Event()

    def slow(_: Connection) -> None:
        began.set()
        go_on.wait(30)

    writer = threading.Thread(target=database.write, args=(slow,))
    writer.start()
    assert began.wait(30)
    with pytest.raises(LedgerUnavailable, match="too many others wait"):
        database.write(lambda _: None)
    go_on.set()
    writer.join()
    database.write(lambda _: None)
    database.close()


class Deadlock(Exception):
    sqlstate = "40P01"


class Refused(Exception):
    sqlstate = "57P03"


@pytest.mark.parametrize(
    ("error", "failures", "calls"),
    [(Deadlock, 2, 3), (Deadlock, 9, 3), (Refused, 9, 1)],
    ids=["deadlock ends", "deadlock goes on", "not worth another try"],
)
def test_deadlock_is_tried_three_times_in_all(
    database: Database, error: type[Exception], failures: int, calls: int
) -> None:
    made: list[int] = []

    def work(_: Connection) -> str:
        made.append(1)
        if len(made) <= failures:
            raise OperationalError("SELECT", {}, error("no"))
        return "done"

    if failures < calls:
        assert database.write(work) == "done"
    else:
        with pytest.raises(LedgerUnavailable):
            database.write(work)
    assert len(made) == calls


def test_writer_that_failed_is_not_used_again(database: Database) -> None:
    """A connection may be left in any state, and the next writer must not inherit it."""
    seen: list[Connection] = []

    def failing(connection: Connection) -> None:
        seen.append(connection)
        raise ZeroDivisionError

    database.write(seen.append)
    database.write(seen.append)
    with pytest.raises(ZeroDivisionError):
        database.write(failing)
    database.write(seen.append)
    first, second, third, fourth = seen
    assert first is second is third
    assert fourth is not third


def test_closed_database_leaves_no_connection_behind(tmp_path: Path) -> None:
    database = open_database(tmp_path / "ledger.db")
    writers: list[Connection] = []
    database.write(writers.append)
    database.close()
    assert writers[0].closed


class Busy:
    """Somebody writes, until it is let go; others come meanwhile and wait."""

    def __init__(self, database: Database, pool: ThreadPoolExecutor) -> None:
        self._database = database
        self._pool = pool
        self._began, self._go_on = threading.Event(), threading.Event()
        self.first = pool.submit(database.write, self._slow)
        assert self._began.wait(30)

    def _slow(self, _: Connection) -> None:
        self._began.set()
        assert self._go_on.wait(30)

    def comes(self, work: Callable[[Connection], object]) -> "Future[object]":
        waiting = self._database._shared._waiting  # type: ignore[union-attr]  # of SQLite
        before = len(waiting)
        future: Future[object] = self._pool.submit(self._database.write, work)
        until(lambda: len(waiting) > before, "the writer waits")
        return future

    def let_go(self) -> None:
        self._go_on.set()


@pytest.fixture
def busy(database: Database) -> Iterator[Busy]:
    with ThreadPoolExecutor(8) as pool:
        yield Busy(database, pool)


def inserts(number: int) -> Callable[[Connection], object]:
    def work(connection: Connection) -> object:
        connection.execute(text(f"INSERT INTO t VALUES ({number})"))
        return connection.execute(text("SELECT count(*) FROM t")).scalar()

    return work


def fails(connection: Connection) -> object:
    connection.execute(text("INSERT INTO t VALUES (100)"))
    raise ZeroDivisionError


def test_those_that_write_at_the_same_time_share_a_transaction(
    database: Database, busy: Busy
) -> None:
    connections: list[object] = []

    def work(connection: Connection) -> None:
        connections.append(connection.get_transaction())

    others = [busy.comes(work), busy.comes(work)]
    busy.let_go()
    assert [each.result(30) for each in others] == [None, None]
    assert connections[0] is connections[1]


def test_none_fails_for_anothers_fault(database: Database, busy: Busy) -> None:
    one, bad, two = busy.comes(inserts(1)), busy.comes(fails), busy.comes(inserts(2))
    busy.let_go()
    assert (one.result(30), two.result(30)) == (1, 2)
    with pytest.raises(ZeroDivisionError):
        bad.result(30)
    assert scalar(database, "SELECT sum(n) FROM t") == 3


def test_where_no_transaction_begins_all_hear_it_at_once(
    database: Database, busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in turn would wait for as long as the first."""
    begun: list[int] = []

    @contextmanager
    def away() -> Iterator[Connection]:
        begun.append(1)
        raise OperationalError("BEGIN", {}, Refused("away"))
        yield  # pragma: no cover

    others = [busy.comes(inserts(n)) for n in (1, 2, 3)]
    monkeypatch.setattr(database, "_writing", away)
    busy.let_go()
    for each in others:
        with pytest.raises(LedgerUnavailable, match="away"):
            each.result(30)
    assert len(begun) == 1


def test_one_connection_is_enough(tmp_path: Path) -> None:
    """Commands open the ledger with as many; what is kept must not be missed."""
    database = open_database(tmp_path / "ledger.db", pool_size=1)
    database.write(inserts_table)
    assert scalar(database, "SELECT count(*) FROM t") == 0
    database.write(inserts(1))
    assert scalar(database, "SELECT count(*) FROM t") == 1
    database.close()


def inserts_table(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE t (n INTEGER)"))
