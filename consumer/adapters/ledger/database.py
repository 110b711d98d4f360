"""Transactions on the ledger's database, and its errors in our words."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Final, NoReturn, TypeVar

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from consumer.adapters.group_commit import Gather, NotServedError
from consumer.adapters.ledger.engine import BEGIN, TO_READ, TO_WRITE, is_memory
from consumer.domain.errors import LedgerUnavailable

T = TypeVar("T")

#: SQLSTATE of a serialization failure and of a deadlock: rolled back, and worth another try.
_TRY_AGAIN: Final = frozenset({"40001", "40P01"})
_TRIES: Final = 3

#: How a transaction is begun.
_Begin = Callable[[], AbstractContextManager[Connection]]

#: Connections kept: one that writes, and one that reads meanwhile.
_KEPT: Final = 2

#: Drivers may say a lot; this much is one line.
_LONGEST: Final = 300


class _Kept:
    """Connections that stay open from one transaction to the next. To borrow one from the pool,
    and to give it back, takes longer than a row; SQLite's do not break meanwhile."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: list[Connection] = []

    @contextmanager
    def begin(self, how: str) -> Iterator[Connection]:
        """A transaction, to write or to read."""
        connection = self._take().execution_options(**{BEGIN: how})
        try:
            with connection.begin():
                yield connection
        except BaseException:
            # Whatever state it is in: the next one begins with another.
            connection.close()
            raise
        if len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        while self._idle:
            self._take().close()

    def _take(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._engine.connect()


class Database:
    """One database: work is done in whole transactions, from any thread."""

    def __init__(self, engine: Engine, timeout_seconds: float) -> None:
        self._engine = engine
        self._timeout_seconds = timeout_seconds
        # SQLite has one writer at a time. Its own waiting is polling with growing pauses, which
        # starves threads of one process; they share transactions instead.
        self._shared: Gather[Callable[[Connection], Any], Callable[[], Any]] | None = (
            Gather(self._carry, timeout_seconds=timeout_seconds)
            if engine.dialect.name == "sqlite"
            else None
        )
        keeps = engine.dialect.name == "sqlite" and not is_memory(engine.url)
        self._kept = _Kept(engine) if keeps else None
        self._writing: _Begin = engine.begin
        self._reading: _Begin = engine.execution_options(**{BEGIN: TO_READ}).begin
        if self._kept is not None:
            self._writing = partial(self._kept.begin, TO_WRITE)
            self._reading = partial(self._kept.begin, TO_READ)
        #: What statements raise that go to the driver themselves.
        self._driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction and commit it; if that fails, maybe once more. Raises
        LedgerUnavailable."""
        if self._shared is None:
            return self._run(lambda: self._transaction(self._writing, work))
        shared = self._shared
        answer: T = self._run(lambda: shared.ask(work)())
        return answer

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which only reads. Raises LedgerUnavailable."""
        return self._run(lambda: self._transaction(self._reading, work))

    def close(self) -> None:
        """Close the connections; a later call would open new ones."""
        if self._kept is not None:
            self._kept.close()
        self._engine.dispose()

    def _carry(self, works: Sequence[Callable[[Connection], Any]]) -> Sequence[Callable[[], Any]]:
        """All in one transaction; each one's answer, or what it raises. Where that fails, each in
        one of its own, so that none fails for another's fault."""
        begun = False
        try:
            with self._writing() as connection:
                begun = True
                answers = [work(connection) for work in works]
        except Exception as error:  # noqa: BLE001  # raised in the thread that asked
            if begun and len(works) > 1:
                return [self._carry([work])[0] for work in works]
            # A database that is away: each in turn would wait as long for it as the first.
            return [partial(_raise, error)] * len(works)
        return [partial(_answer, answer) for answer in answers]

    @staticmethod
    def _transaction(begin: _Begin, work: Callable[[Connection], T]) -> T:
        with begin() as connection:
            return work(connection)

    def _run(self, attempt: Callable[[], T]) -> T:
        tries = 1
        while True:
            try:
                return attempt()
            except (DBAPIError, self._driver_error) as error:
                # All statements take their row locks in the order of the atoms, so this is for
                # what others do to the database. The loser was rolled back: no pause is needed.
                cause = getattr(error, "orig", None) or error
                if getattr(cause, "sqlstate", None) in _TRY_AGAIN and tries < _TRIES:
                    tries += 1
                    continue
                self._unavailable(error, str(cause))
            except PoolTimeoutError as error:
                self._unavailable(error, "all connections are in use")
            except NotServedError as error:
                self._unavailable(error, str(error))

    def _unavailable(self, error: Exception, text: str) -> NoReturn:
        url = self._engine.url
        line = f"ledger ({_name(url)}): {' '.join(text.split())}"
        for secret in _secrets(url):
            line = line.replace(secret, "***")
        raise LedgerUnavailable(line[:_LONGEST]) from error


def _raise(error: Exception) -> NoReturn:
    raise error


def _answer(answer: T) -> T:
    return answer


def _name(url: URL) -> str:
    """What the database is called in errors: enough to find it, and no credentials."""
    if url.drivername == "sqlite":
        return f"SQLite {url.database or 'in memory'}"
    return f"PostgreSQL {url.host or 'local'}:{url.port or 5432}/{url.database or ''}"


def _secrets(url: URL) -> list[str]:
    values = [url.password, url.query.get("password"), url.query.get("sslpassword")]
    return [str(value) for value in values if value]
