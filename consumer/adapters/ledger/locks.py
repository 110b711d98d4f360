"""Row locks on atoms: the first statement of every write.

All writers lock the atoms they are about in one pass and in one order, so they cannot deadlock;
and what is read here stays true until the transaction ends. On SQLite the transaction itself is
the lock.
"""

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection, Text, select

from consumer.adapters.ledger.batch import given, rows, struct
from consumer.adapters.ledger.schema import atoms
from consumer.domain.alarm import State

_GIVEN = given(atom=Text)

_LOCK = (
    select(atoms)
    .join(_GIVEN, atoms.c.atom == _GIVEN.c.atom)
    .order_by(atoms.c.atom)
    .with_for_update(of=atoms)
)


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


def lock_atoms(connection: Connection, names: Iterable[str]) -> Mapping[str, AtomRow]:
    """Lock these atoms until the end of the transaction; those unknown are not in the answer."""
    wanted = rows([name] for name in sorted(set(names)))
    found = connection.execute(_LOCK, {"rows": wanted}).mappings()
    return {row["atom"]: struct(row, AtomRow) for row in found}


def is_ours(held: Mapping[str, AtomRow], owner: str, atom: str, fence: int) -> bool:
    row = held.get(atom)
    return row is not None and row.is_held(owner, fence)
