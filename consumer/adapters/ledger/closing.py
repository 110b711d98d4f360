"""Ends of events, and atoms that move on."""

from collections import defaultdict
from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import BigInteger, Connection, Executable, Text, bindparam, select, update
from sqlalchemy.types import Double

from consumer.adapters.ledger.batch import given, rows, upsert
from consumer.adapters.ledger.locks import AtomRow, lock_atoms
from consumer.adapters.ledger.schema import atoms, events
from consumer.adapters.ledger.statement import Statement
from consumer.domain.ledger import Closing

_NOW = bindparam("now", type_=Double)

_ENDS = given(id=Text, atom=Text, outcome=Text, state=Text, timestamp_ms=BigInteger)

_MOVED = given(
    atom=Text,
    last_event_id=Text,
    last_state=Text,
    last_timestamp_ms=BigInteger,
    thread_event_id=Text,
)

_MOVE = Statement(
    lambda _: (
        update(atoms)
        .where(atoms.c.atom == _MOVED.c.atom)
        .values(
            updated_at=_NOW,
            **{column.name: column for column in _MOVED.c if column.name != "atom"},
        )
    )
)
_ENDED = Statement(lambda _: select(events.c.id).join(_ENDS, events.c.id == _ENDS.c.id))


def _end(dialect: str) -> Executable:
    source = select(*_ENDS.c, _NOW).order_by(_ENDS.c.id)
    columns = [*_ENDS.c.keys(), "closed_at"]
    insert = upsert(events, dialect).from_select(columns, source)
    return insert.on_conflict_do_nothing(index_elements=["id"])


_END = Statement(_end)


def close_events(connection: Connection, closings: Sequence[Closing], now: float) -> None:
    """Write the ends, whoever holds the atoms by now: that an event ended is a fact.

    Its atom moves on in the same breath: to the next owner the event is a duplicate, which moves
    nothing, and what came before it would be news again.
    """
    held = lock_atoms(connection, (closing.atom for closing in closings))
    ends = rows((c.event_id, c.atom, c.outcome, c.state, c.timestamp_ms) for c in closings)
    # Nobody else ends them meanwhile: their atoms are locked.
    ended = {id_ for (id_,) in _ENDED.run(connection, rows=ends).fetchall()}
    new = {c.event_id for c in closings} - ended
    _END.run(connection, rows=ends, now=now)

    by_atom: defaultdict[str, list[Closing]] = defaultdict(list)
    for closing in closings:
        if closing.atom in held:
            by_atom[closing.atom].append(closing)
    moved = (moved_on(held[atom], of_atom, new) for atom, of_atom in by_atom.items())
    changed = [row for row in moved if row != held[row.atom]]
    if changed:
        _MOVE.run(connection, rows=rows(map(_values, changed)), now=now)


def moved_on(row: AtomRow, closings: Sequence[Closing], new: Collection[str]) -> AtomRow:
    """The atom after these events of it, which are in order.

    It never goes back: not to an older event, and at the same millisecond not to an event that
    had ended before (`new` holds the ids that had not), so that a repeated call changes nothing.
    """
    last = row
    for closing in closings:
        if closing.advances and _is_later(closing, last.last_timestamp_ms, new):
            last = msgspec.structs.replace(
                last,
                last_event_id=closing.last_event_id or closing.event_id,
                last_state=closing.state,
                last_timestamp_ms=closing.timestamp_ms,
            )
        if last.thread_event_id is None:
            last = msgspec.structs.replace(last, thread_event_id=closing.thread_event_id)
    return last


def _is_later(closing: Closing, last_timestamp_ms: int | None, new: Collection[str]) -> bool:
    if last_timestamp_ms is None or closing.timestamp_ms > last_timestamp_ms:
        return True
    return closing.timestamp_ms == last_timestamp_ms and closing.event_id in new


def _values(row: AtomRow) -> Sequence[str | int | None]:
    return (
        row.atom,
        row.last_event_id,
        row.last_state,
        row.last_timestamp_ms,
        row.thread_event_id,
    )
