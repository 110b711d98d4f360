"""Events that ended, opened again: a person sends their dead letters to their topic once more."""

from collections.abc import Collection

from sqlalchemy import Connection, Text, bindparam, delete, null, select, update
from sqlalchemy.types import Double

from consumer.adapters.ledger.batch import given, rows
from consumer.adapters.ledger.locks import lock_atoms
from consumer.adapters.ledger.schema import deliveries, events
from consumer.domain.ledger import DeliveryState
from consumer.domain.reasons import Reason

_GIVEN = given(id=Text)
_IDS = select(_GIVEN.c.id)
_NOW = bindparam("now", type_=Double)

_ATOMS = select(events.c.atom).where(events.c.id.in_(_IDS))
_OPEN = delete(events).where(events.c.id.in_(_IDS)).returning(events.c.id)

#: Given up, and certainly not sent: another attempt may be made.
_TRY_AGAIN = (
    update(deliveries)
    .where(
        deliveries.c.event_id.in_(_IDS),
        deliveries.c.state.in_([DeliveryState.EXPIRED.value, DeliveryState.FAILED.value]),
    )
    .values(state=DeliveryState.DEFERRED.value, updated_at=_NOW)
)

#: Held for a person, who has spoken. When it may have been sent stays: it is looked up by that.
_LOOK_UP_AGAIN = (
    update(deliveries)
    .where(
        deliveries.c.event_id.in_(_IDS),
        deliveries.c.state == DeliveryState.IN_DOUBT.value,
        deliveries.c.reason == Reason.HELD.value,
    )
    .values(reason=null())
)


def reopen(connection: Connection, event_ids: Collection[str], now: float) -> Collection[str]:
    """The events that had ended and are open now; see the port."""
    wanted = {"rows": rows([id_] for id_ in sorted(event_ids))}
    lock_atoms(connection, connection.execute(_ATOMS, wanted).scalars())
    opened = connection.execute(_OPEN, wanted).scalars().all()
    if opened:
        theirs = {"rows": rows([id_] for id_ in sorted(opened))}
        connection.execute(_TRY_AGAIN, theirs | {"now": now})
        connection.execute(_LOOK_UP_AGAIN, theirs)
    return opened
