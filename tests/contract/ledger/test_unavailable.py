"""A database that does not answer: one clear line, no credentials, and back when it is back."""

import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import psycopg
import pytest
from sqlalchemy import create_engine, event, make_url, text

from consumer.adapters.ledger import SqlLedger, current_revision, open_ledger, upgrade
from consumer.domain.errors import LedgerUnavailable
from tests.contract.ledger.values import ATOM, NOW, mark, request, win
from tests.support.postgres import PostgresServer

PASSWORD = "s3cret-of-the-ledger"  # invented


@contextmanager
def everything_locked(url: str) -> Iterator[None]:
    """Another client that holds the locks on the ledger's tables."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "begin")
        def begin(connection: object) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]  # as given

    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE owners, atoms, events, deliveries"))
        yield
    engine.dispose()


def printed(error: BaseException) -> str:
    """All that a log with traceback could show of the error."""
    return "".join(traceback.format_exception(error)) + repr(error)


WRITES: dict[str, Callable[[SqlLedger], object]] = {
    "heartbeat": lambda ledger: ledger.heartbeat("a", NOW, 30),
    "claim": lambda ledger: ledger.claim("a", [request()], NOW),
    "mark_sending": lambda ledger: ledger.mark_sending("a", [mark()], NOW),
    "release_all": lambda ledger: ledger.release_all("a"),
    "prune": lambda ledger: ledger.prune(NOW, 1),
}


def given_up_and_back(url: str, name: str, limit_seconds: float) -> None:
    """Raises LedgerUnavailable where the limit strikes anything but the blocked write."""
    with closing(open_ledger(url, timeout_seconds=limit_seconds)) as ledger:
        win(ledger, "a")
        with everything_locked(url), pytest.raises(LedgerUnavailable) as caught:
            WRITES[name](ledger)
        assert str(caught.value).startswith("ledger (")
        assert "\n" not in str(caught.value)
        WRITES[name](ledger)


@pytest.mark.parametrize("name", WRITES)
def test_blocked_write_is_given_up_and_works_later(ledger_url: str, name: str) -> None:
    """All of it under one limit, which is longer on a machine that is slow just now."""
    for limit_seconds in (0.2, 1.0):
        with suppress(LedgerUnavailable):
            return given_up_and_back(ledger_url, name, limit_seconds)
    return given_up_and_back(ledger_url, name, 5.0)


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_connections_that_the_server_closed_are_replaced(
    ledger: SqlLedger, ledger_url: str
) -> None:
    win(ledger, "a")
    plain = make_url(ledger_url).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert ledger.claim("a", [request()], NOW).won.keys() == {ATOM}


@pytest.mark.postgres
@pytest.mark.parametrize("ask", [open_ledger, upgrade, current_revision])
def test_server_that_refuses_us_never_gets_the_password_printed(
    postgres_server: PostgresServer, ask: Callable[[str], object]
) -> None:
    url = make_url(postgres_server.new_database()).set(password=PASSWORD, database="no_such")
    with pytest.raises(LedgerUnavailable) as caught:
        ask(url.render_as_string(hide_password=False))
    assert f"127.0.0.1:{url.port}/no_such" in str(caught.value)
    assert "does not exist" in str(caught.value)
    assert PASSWORD not in printed(caught.value)


@pytest.mark.parametrize(
    "credentials",
    [f"messenger:{PASSWORD}@127.0.0.1:{{port}}/l", "127.0.0.1:{port}/l?password=" + PASSWORD],
)
def test_server_that_is_away_is_one_line_without_the_password(credentials: str) -> None:
    with socket.socket() as nobody:  # bound but not listening: connections are refused
        nobody.bind(("127.0.0.1", 0))
        url = "postgresql+psycopg://" + credentials.format(port=nobody.getsockname()[1])
        with pytest.raises(LedgerUnavailable) as caught:
            open_ledger(url)
    assert str(caught.value).startswith("ledger (PostgreSQL 127.0.0.1:")
    assert "\n" not in str(caught.value)
    assert PASSWORD not in printed(caught.value)


def test_password_is_struck_out_wherever_it_turns_up() -> None:
    """Here the database is called like its password."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        url = f"postgresql+psycopg://messenger:{PASSWORD}@127.0.0.1:{port}/{PASSWORD}"
        with pytest.raises(LedgerUnavailable, match=r"/\*\*\*\)") as caught:
            open_ledger(url)
    assert PASSWORD not in printed(caught.value)
