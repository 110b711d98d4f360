"""The rig on an empty ledger. One database for all tests: making the tables takes its time."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, delete

from consumer.adapters.ledger import SqlLedger
from consumer.adapters.ledger.database import Database
from consumer.adapters.ledger.engine import build_engine, parse_url
from consumer.adapters.ledger.migrating import upgrade_database
from consumer.adapters.ledger.schema import metadata
from tests.support.feedback import Rig


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    url = parse_url("sqlite://")
    engine = build_engine(url, pool_size=1, timeout_seconds=10.0, connect_timeout_seconds=5.0)
    made = Database(engine, 10.0)
    upgrade_database(made)
    yield made
    made.close()


@pytest.fixture
def rig(database: Database) -> Rig:
    def forget(connection: Connection) -> None:
        for table in metadata.tables.values():
            connection.execute(delete(table))

    database.write(forget)
    return Rig(SqlLedger(database))
