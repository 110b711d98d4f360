"""The ledgers that the contract is held against: SQLite in a file, PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consumer.adapters.ledger import SqlLedger, open_ledger, upgrade
from tests.contract.ledger.values import forget_everything
from tests.support.clock import CALLERS_CLOCK
from tests.support.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]


KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture
def empty_url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A new database without tables."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """The one database of the tests that only need it empty: making one takes half a second."""
    url = postgres_server.new_database()
    upgrade(url)
    return url


@pytest.fixture
def ledger_url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database with the ledger's tables, and nothing in them."""
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.db'}"
        upgrade(url)
        return url
    url = str(request.getfixturevalue("postgres_url"))
    forget_everything(url)
    return url


@pytest.fixture
def open_another(ledger_url: str) -> Iterator[Callable[[], SqlLedger]]:
    """Opens ledgers on the same database, as further processes would; tests move their time."""
    opened: list[SqlLedger] = []

    def open_() -> SqlLedger:
        opened.append(open_ledger(ledger_url, clock=CALLERS_CLOCK))
        return opened[-1]

    yield open_
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(open_another: Callable[[], SqlLedger]) -> SqlLedger:
    return open_another()
