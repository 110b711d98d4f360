"""Giving atoms back, and forgetting what is old."""

from collections.abc import Collection

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    delete,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.schema import Column

from consumer.adapters.ledger.batch import given, rows
from consumer.adapters.ledger.locks import lock_atoms
from consumer.adapters.ledger.schema import atoms, deliveries, events, gates, owners, problems
from consumer.adapters.ledger.statement import Statement
from consumer.domain.alarm import State
from consumer.domain.ledger import DeliveryState

_GIVEN = given(atom=Text)
_OPEN = (DeliveryState.SENDING, DeliveryState.IN_DOUBT, DeliveryState.DEFERRED)

# By name alone, who holds it is known from the lock: with the owner in it SQLite takes the owner's
# index, and goes through all names for each atom of ours.
_RELEASE = Statement(
    lambda _: update(atoms).where(atoms.c.atom == _GIVEN.c.atom).values(owner=None)
)


def release(connection: Connection, owner: str, names: Collection[str]) -> None:
    """Give back those of the atoms that are ours."""
    held = lock_atoms(connection, names).values()
    ours = rows([row.atom] for row in held if row.owner == owner)
    _RELEASE.run(connection, rows=ours)


def release_all(connection: Connection, owner: str) -> None:
    """Give back all that is ours, and the lease with it."""
    names = connection.execute(select(atoms.c.atom).where(atoms.c.owner == owner)).scalars().all()
    if names:
        release(connection, owner, names)
    connection.execute(delete(owners).where(owners.c.owner == owner))


def prune(connection: Connection, before: float, limit: int) -> int:
    """Delete up to `limit` rows last touched before `before`, of all tables together."""
    alive = exists().where(owners.c.owner == atoms.c.owner, owners.c.lease_until >= before)
    unheld = or_(atoms.c.owner.is_(None), ~alive)
    # What is not known, or not done, is never too old to ask about.
    ended = deliveries.c.state.not_in([state.value for state in _OPEN])
    left = limit
    old_deliveries = (deliveries.c.updated_at < before) & ended
    left -= delete_some(connection, deliveries.c.uid, old_deliveries, left)
    left -= delete_some(connection, events.c.id, events.c.closed_at < before, left)
    # An alarm that is not OK is still to recover, however long ago it broke.
    at_rest = or_(atoms.c.last_state.is_(None), atoms.c.last_state == State.OK.value)
    old = (atoms.c.updated_at < before) & unheld & at_rest
    left -= delete_some(connection, atoms.c.atom, old, left)
    # A problem is remembered as long as its alarm is.
    over = ~exists().where(atoms.c.atom == problems.c.atom)
    left -= delete_some(connection, problems.c.id, (problems.c.noted_at < before) & over, left)
    left -= delete_some(connection, owners.c.owner, owners.c.lease_until < before, left)
    left -= delete_some(connection, gates.c.name, gates.c.opens_at < before, left)
    return limit - left


def delete_some(
    connection: Connection, key: Column[str], condition: ColumnElement[bool], limit: int
) -> int:
    """Delete up to `limit` rows; returns how many.

    Rows in use are skipped, and so are those of another process that prunes.
    """
    if limit <= 0:
        return 0
    some = select(key).where(condition).limit(limit).with_for_update(skip_locked=True)
    # Not as a subquery: PostgreSQL may run that again for each row it joins, and then the limit
    # is none.
    keys = connection.execute(some).scalars().all()
    if keys:
        connection.execute(delete(key.table).where(key.in_(keys)))
    return len(keys)
