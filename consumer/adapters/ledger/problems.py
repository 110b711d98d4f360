"""Problems whose recovery will name nothing but their event, as they were told."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Final

import msgspec
from sqlalchemy import Connection, Executable, Text, select

from consumer.adapters.ledger.batch import given, rows, upsert
from consumer.adapters.ledger.database import Database
from consumer.adapters.ledger.schema import problems
from consumer.adapters.ledger.shared_clock import database_now
from consumer.domain.alarm import AlarmEvent

_TOLD: Final = given(id=Text, atom=Text, event=Text)
_WANTED: Final = given(id=Text)
_FOUND: Final = select(problems.c.id, problems.c.event).join(_WANTED, problems.c.id == _WANTED.c.id)
_EVENT: Final = msgspec.json.Decoder(AlarmEvent)


class SqlProblems:
    """Kept as long as their alarms are: one that is not over is still to recover."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(
        self, told: Collection[AlarmEvent], wanted: Collection[str]
    ) -> Mapping[str, AlarmEvent]:
        """`domain.recovery.RememberProblems`, in one transaction."""
        if told:
            return self._database.write(lambda c: _keep_and_find(c, told, wanted))
        return self._database.read(lambda c: _find(c, wanted)) if wanted else {}


@cache
def _keep(dialect: str) -> Executable:
    """The first word stands: whoever reads the problem again must not move it to another alarm."""
    new = select(*_TOLD.c, database_now()).order_by(_TOLD.c.id)
    insert = upsert(problems, dialect).from_select(["id", "atom", "event", "noted_at"], new)
    return insert.on_conflict_do_nothing(index_elements=["id"])


def _keep_and_find(
    connection: Connection, told: Collection[AlarmEvent], wanted: Collection[str]
) -> Mapping[str, AlarmEvent]:
    # One statement must not touch a row twice.
    first = {event.id: event for event in reversed(list(told))}
    values = rows((e.id, e.atom, msgspec.json.encode(e).decode()) for e in first.values())
    connection.execute(_keep(connection.dialect.name), {"rows": values})
    return _find(connection, wanted)


def _find(connection: Connection, wanted: Collection[str]) -> Mapping[str, AlarmEvent]:
    if not wanted:
        return {}
    asked = rows([id_] for id_ in sorted(set(wanted)))
    found = connection.execute(_FOUND, {"rows": asked}).mappings()
    return {row["id"]: _EVENT.decode(row["event"]) for row in found}
