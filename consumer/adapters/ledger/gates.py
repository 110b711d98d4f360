"""Gates that all processes share: until when a provider asked not to be called."""

from collections.abc import Mapping
from functools import cache

from sqlalchemy import Connection, Executable, bindparam, case, select

from consumer.adapters.ledger.batch import upsert
from consumer.adapters.ledger.schema import gates


@cache
def _close(dialect: str) -> Executable:
    insert = upsert(gates, dialect).values(name=bindparam("gate"), opens_at=bindparam("until"))
    later = insert.excluded.opens_at
    return insert.on_conflict_do_update(
        index_elements=["name"],
        set_={"opens_at": case((gates.c.opens_at > later, gates.c.opens_at), else_=later)},
    )


def close_gate(connection: Connection, name: str, opens_at: float) -> None:
    """See the port."""
    connection.execute(_close(connection.dialect.name), {"gate": name, "until": opens_at})


def closed(connection: Connection, now: float) -> Mapping[str, float]:
    """See the port."""
    found = connection.execute(select(gates).where(gates.c.opens_at > now))
    return {row.name: row.opens_at for row in found}
