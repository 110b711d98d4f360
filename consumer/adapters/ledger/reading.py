"""What the ledger knows: events, deliveries, counts. Nothing here writes or locks."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, func, select

from consumer.adapters.ledger.batch import given, rows, struct
from consumer.adapters.ledger.schema import atoms, deliveries, events, owners
from consumer.adapters.ledger.statement import Statement
from consumer.domain.converting import convert
from consumer.domain.identity import normalised_address
from consumer.domain.ledger import AtomState, DeliveryRow, DeliveryState, EventRow

_GIVEN = given(id=Text)
_EVENTS_BY_ID = Statement(lambda _: select(events).join(_GIVEN, events.c.id == _GIVEN.c.id))
_ATOMS_BY_NAME = Statement(lambda _: select(atoms).join(_GIVEN, atoms.c.atom == _GIVEN.c.id))
_DELIVERIES_OF = Statement(
    lambda _: select(deliveries).join(_GIVEN, deliveries.c.event_id == _GIVEN.c.id)
)


def bare_message_id(message_id: str) -> str:
    """Without the angle brackets, as it is stored."""
    return message_id.strip().removeprefix("<").removesuffix(">")


def events_by_id(connection: Connection, ids: Collection[str]) -> dict[str, EventRow]:
    """Those of the events that have ended."""
    found = _matching(connection, _EVENTS_BY_ID, events, ids)
    return {row["id"]: convert(row, EventRow) for row in found}


def atoms_by_name(connection: Connection, names: Collection[str]) -> dict[str, AtomState]:
    """How far they have come, whoever holds them."""
    found = _matching(connection, _ATOMS_BY_NAME, atoms, names)
    return {row["atom"]: convert(row, AtomState) for row in found}


def deliveries_of(connection: Connection, event_ids: Collection[str]) -> dict[str, DeliveryRow]:
    """Deliveries of the events, by notification uid."""
    found = _matching(connection, _DELIVERIES_OF, deliveries, event_ids)
    # SQLite has numbers for what is true and false.
    return {row["uid"]: convert(row, DeliveryRow, strict=False) for row in found}


def find_deliveries(
    connection: Connection,
    *,
    uid: str | None,
    event_id: str | None,
    message_id: str | None,
    destination: str | None,
    states: Collection[DeliveryState],
    limit: int,
) -> Sequence[DeliveryRow]:
    """Rows that match all that is given, the last touched first; see the port."""
    table = deliveries.c
    conditions: list[ColumnElement[bool]] = []
    if uid is not None:
        conditions.append(table.uid == uid)
    if event_id is not None:
        conditions.append(table.event_id == event_id)
    if message_id is not None:
        conditions.append(table.message_id == bare_message_id(message_id))
    if states:
        conditions.append(table.state.in_(sorted(states)))
    if destination is None:
        return _newest(connection, conditions, limit)
    address = normalised_address(destination)
    # No index helps the second question, so it is asked only where the first found nothing.
    return _newest(connection, [*conditions, table.destination == address], limit) or _newest(
        connection, [*conditions, func.lower(table.destination) == address.lower()], limit
    )


def _newest(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], limit: int
) -> Sequence[DeliveryRow]:
    newest_first = deliveries.c.updated_at.desc(), deliveries.c.uid
    statement = select(deliveries).where(*conditions).order_by(*newest_first).limit(limit)
    return [struct(row, DeliveryRow) for row in connection.execute(statement).mappings()]


def counts(connection: Connection) -> Mapping[str, int]:
    """Rows per table, per delivery state (zeros included) and per event outcome."""
    result = Counter({f"deliveries.{state}": 0 for state in DeliveryState})
    for table, column in (deliveries, deliveries.c.state), (events, events.c.outcome):
        result[table.name] = 0
        for value, number in connection.execute(select(column, func.count()).group_by(column)):
            result[f"{table.name}.{value}"] = number
            result[table.name] += number
    for table in atoms, owners:
        result[table.name] = connection.execute(
            select(func.count()).select_from(table)
        ).scalar_one()
    return result


def ping(connection: Connection) -> None:
    """Read a table: SELECT 1 alone would not touch SQLite's file."""
    connection.execute(select(owners.c.owner).limit(1)).all()


def _matching(
    connection: Connection, statement: Statement, table: Table, ids: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """Whole rows by their columns' names. Not as JSON: times are answered exactly."""
    wanted = sorted(ids)
    if not wanted:
        return
    # SQLAlchemy's own kind of str is no key to msgspec.
    names = [str(column.name) for column in table.c]
    for row in statement.run(connection, rows=rows([id_] for id_ in wanted)).fetchall():
        yield dict(zip(names, row, strict=True))
