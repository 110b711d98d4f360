"""Which event of an alarm was the last that anybody was told of. Nothing here writes or locks."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Text, bindparam, func, select
from sqlalchemy.types import Double

from consumer.adapters.ledger.batch import given, rows, struct
from consumer.adapters.ledger.schema import events
from consumer.domain.ledger import EventRow
from consumer.domain.reasons import Kind

_GIVEN = given(atom=Text)
#: An email was accepted, or may have been.
_TOLD = (Kind.ACCEPTED.value, Kind.IN_DOUBT.value)


@cache
def _newest() -> Select[Any]:
    """There is no index by atom: when an event ended bounds what is looked at. Not a join, for
    which SQLite goes through all given atoms once for each event."""
    place = func.row_number().over(
        partition_by=events.c.atom,
        order_by=(events.c.timestamp_ms.desc(), events.c.closed_at.desc(), events.c.id),
    )
    ranked = (
        select(events, place.label("place"))
        .where(
            events.c.atom.in_(select(_GIVEN.c.atom)),
            events.c.outcome.in_(_TOLD),
            events.c.closed_at >= bindparam("since", type_=Double),
        )
        .subquery("ranked")
    )
    columns = [column for column in ranked.c if column.name != "place"]
    return select(*columns).where(ranked.c.place == 1)


def newest_told(
    connection: Connection, atoms: Collection[str], since: float
) -> Mapping[str, EventRow]:
    """By atom, of the events that ended at `since` (epoch seconds) or later, the newest one that
    was told; an atom without one is not there."""
    wanted = {"rows": rows([atom] for atom in sorted(atoms)), "since": since}
    found = connection.execute(_newest(), wanted).mappings()
    return {row["atom"]: struct(row, EventRow) for row in found}
