"""Row locks on atoms: the first statement of every write.

All writers lock the atoms they are about in one pass and in one order, so they cannot deadlock;
and what is read here stays true until the transaction ends. On SQLite the transaction itself is
the lock.
"""

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection, Text, select

from consumer.adapters.ledger.batch import given, rows
from consumer.adapters.ledger.schema import atoms
from consumer.adapters.ledger.statement import Statement, in_json
from consumer.domain.alarm import State

_GIVEN = given(atom=Text)

_LOCKED = (
    select(*(column for column in atoms.c if column.name != "updated_at"))
    .join(_GIVEN, atoms.c.atom == _GIVEN.c.atom)
    .order_by(atoms.c.atom)
    .with_for_update(of=atoms)
)
_LOCK = Statement(lambda dialect: in_json(_LOCKED, dialect))


class AtomRow(msgspec.Struct, frozen=True, kw_only=True):
    """An atom as it stands in the table."""

    atom: str
    fence: int
    owner: str | None = None
    last_event_id: str | None = None
    last_state: State | None = None
    last_timestamp_ms: int | None = None
    thread_event_id: str | None = None

    def is_held(self, owner: str, fence: int) -> bool:
        """Whether `owner` still holds the atom as it did when it was given this fence."""
        return self.owner == owner and self.fence == fence


_ROWS = msgspec.json.Decoder(list[AtomRow])


def lock_atoms(connection: Connection, names: Iterable[str]) -> Mapping[str, AtomRow]:
    """Lock these atoms until the end of the transaction; those unknown are not in the answer."""
    wanted = rows([name] for name in sorted(set(names)))
    (found,) = _LOCK.run(connection, rows=wanted).fetchone()
    return {row.atom: row for row in _ROWS.decode(found)} if found else {}


def is_ours(held: Mapping[str, AtomRow], owner: str, atom: str, fence: int) -> bool:
    row = held.get(atom)
    return row is not None and row.is_held(owner, fence)
