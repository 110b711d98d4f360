"""Winning atoms: the heartbeat that keeps a lease, and the claim."""

from collections.abc import Sequence
from functools import cache

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Text,
    bindparam,
    case,
    false,
    func,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.types import Double

from consumer.adapters.ledger.batch import given, rows, upsert
from consumer.adapters.ledger.locks import AtomRow
from consumer.adapters.ledger.reading import deliveries_of, events_by_id
from consumer.adapters.ledger.schema import atoms, owners
from consumer.adapters.ledger.statement import Statement, in_json
from consumer.domain.ledger import AtomState, ClaimRequest, Claims, Held

_GIVEN = given(atom=Text)
_OWNER = bindparam("me", type_=Text)
_NOW = bindparam("now", type_=Double)

_TAKE = Statement(
    lambda _: (
        update(atoms)
        .where(atoms.c.atom == _GIVEN.c.atom)
        .values(owner=_OWNER, fence=atoms.c.fence + 1, updated_at=_NOW)
    )
)


class _Found(AtomRow, frozen=True, kw_only=True):
    """An atom, and the lease of who holds it."""

    lease_until: float | None = None
    #: SQLite has numbers for it.
    over: bool | int


_FOUND = msgspec.json.Decoder(list[_Found])


@cache
def _read(clock: ColumnElement[float]) -> Statement:
    """The atoms, and whether their owners' leases are `over` by the clock that all share.

    A program that knows nothing of that clock yet is believed its own word. An owner without a
    lease never had one, or gave it up.
    """
    by_its_own_word = owners.c.lease_until < _NOW
    over = case((owners.c.over_at.is_(None), by_its_own_word), else_=owners.c.over_at < clock)
    row = (column for column in atoms.c if column.name != "updated_at")
    found = (
        select(*row, owners.c.lease_until, func.coalesce(over, true()).label("over"))
        .join(_GIVEN, atoms.c.atom == _GIVEN.c.atom)
        .outerjoin(owners, owners.c.owner == atoms.c.owner)
    )
    return Statement(lambda dialect: in_json(found, dialect))


def _insert_or_lock(dialect: str) -> Executable:
    """Unknown atoms are ours at once; known ones are only locked, in order.

    Whether a known one may be taken is decided by the next statement: this one may have waited
    for another consumer, and would still see the leases as they were before it waited.
    """
    new = select(_GIVEN.c.atom, _OWNER, literal(1), _NOW).order_by(_GIVEN.c.atom)
    insert = upsert(atoms, dialect)
    return insert.from_select(["atom", "owner", "fence", "updated_at"], new).on_conflict_do_update(
        index_elements=["atom"], set_={"owner": insert.excluded.owner}, where=false()
    )


_INSERT_OR_LOCK = Statement(_insert_or_lock)


@cache
def _renew(dialect: str, clock: ColumnElement[float]) -> Executable:
    """Answers the shared clock."""
    seconds = bindparam("lease_seconds", type_=Double)
    insert = upsert(owners, dialect).values(
        owner=_OWNER, lease_until=_NOW + seconds, over_at=clock + seconds
    )
    return insert.on_conflict_do_update(
        index_elements=["owner"],
        set_={"lease_until": insert.excluded.lease_until, "over_at": insert.excluded.over_at},
    ).returning(owners.c.over_at - seconds)


def heartbeat(
    connection: Connection,
    owner: str,
    now: float,
    lease_seconds: float,
    clock: ColumnElement[float],
) -> float:
    """Renew the owner's lease; returns the time by the shared clock."""
    parameters = {"me": owner, "now": now, "lease_seconds": lease_seconds}
    shared: float = connection.execute(
        _renew(connection.dialect.name, clock), parameters
    ).scalar_one()
    return shared


def claim(
    connection: Connection,
    owner: str,
    requests: Sequence[ClaimRequest],
    now: float,
    clock: ColumnElement[float],
) -> Claims:
    """Win what can be won, and tell what is known of the events asked about."""
    wanted = rows([atom] for atom in sorted({request.atom for request in requests}))
    _INSERT_OR_LOCK.run(connection, rows=wanted, me=owner, now=now)
    (answer,) = _read(clock).run(connection, rows=wanted, now=now).fetchone()
    found = _FOUND.decode(answer)

    free = {row.atom for row in found if is_free(row.owner, bool(row.over), owner)}
    if free:
        taken = rows([atom] for atom in sorted(free))
        _TAKE.run(connection, rows=taken, me=owner, now=now)

    events = events_by_id(connection, {id_ for request in requests for id_ in request.event_ids})
    waiting = {id_ for request in requests for id_ in request.event_ids} - events.keys()
    return Claims(
        won={
            row.atom: _won(row, row.fence + (row.atom in free))
            for row in found
            if row.owner == owner or row.atom in free
        },
        held={
            row.atom: Held(atom=row.atom, owner=row.owner, lease_until=row.lease_until)
            for row in found
            if row.owner is not None
            and row.owner != owner
            and row.lease_until is not None
            and row.atom not in free
        },
        events=events,
        deliveries=deliveries_of(connection, waiting),
    )


def is_free(holder: str | None, over: bool, owner: str) -> bool:
    """Whether `owner` may take the atom, with a new fence: from nobody, or from another whose
    lease is over.
    """
    return holder is None or (holder != owner and over)


def _won(row: AtomRow, fence: int) -> AtomState:
    return AtomState(
        atom=row.atom,
        fence=fence,
        last_event_id=row.last_event_id,
        last_state=row.last_state,
        last_timestamp_ms=row.last_timestamp_ms,
        thread_event_id=row.thread_event_id,
    )
