"""Gates that all processes share: until when a provider asked not to be called."""

from collections.abc import Mapping
from functools import cache

from sqlalchemy import Connection, Executable, bindparam, case, select
from sqlalchemy.types import Double

from consumer.adapters.ledger.batch import upsert
from consumer.adapters.ledger.schema import gates
from consumer.adapters.ledger.shared_clock import database_now


@cache
def _close(dialect: str) -> Executable:
    insert = upsert(gates, dialect).values(
        name=bindparam("gate"), opens_at=database_now() + bindparam("seconds", type_=Double)
    )
    later = insert.excluded.opens_at
    return insert.on_conflict_do_update(
        index_elements=["name"],
        set_={"opens_at": case((gates.c.opens_at > later, gates.c.opens_at), else_=later)},
    )


def close_gate(connection: Connection, name: str, seconds: float) -> None:
    """See the port."""
    connection.execute(_close(connection.dialect.name), {"gate": name, "seconds": seconds})


def closed(connection: Connection) -> Mapping[str, float]:
    """See the port."""
    left = gates.c.opens_at - database_now()
    found = connection.execute(select(gates.c.name, left.label("left")).where(left > 0))
    return {row.name: row.left for row in found}
