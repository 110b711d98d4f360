"""What happens to one notification: SENDING before the request, its result after the answer."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Executable,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.types import Double

from consumer.adapters.ledger.batch import given, rows, upsert
from consumer.adapters.ledger.locks import is_ours, lock_atoms
from consumer.adapters.ledger.reading import bare_message_id
from consumer.adapters.ledger.schema import deliveries
from consumer.adapters.ledger.statement import Statement
from consumer.domain.ledger import DeliveryState, SendingMark, Settlement

_OWNER = bindparam("me", type_=Text)
_NOW = bindparam("now", type_=Double)

_MARKS = given(
    uid=Text,
    event_id=Text,
    atom=Text,
    target_id=Text,
    type=Text,
    destination=Text,
    message_id=Text,
    transport=Text,
    attempt=Integer,
    fence=BigInteger,
    route=Text,
)

_RESULTS = given(
    uid=Text,
    fence=BigInteger,
    state=Text,
    transport=Text,
    provider_id=Text,
    reason=Text,
    message=Text,
    code=Integer,
    # 0 or 1: the two databases read a JSON `true` differently.
    possible_duplicate=Integer,
)


def _mark(dialect: str) -> Executable:
    """Insert, or begin the next attempt; counts what may be sent now.

    SENDING of another owner or fence is in doubt: to be looked up, not to be sent again.
    """
    new = {
        **{column.name: column for column in _MARKS.c},
        "owner": _OWNER,
        "state": literal(DeliveryState.SENDING.value),
        "created_at": _NOW,
        "updated_at": _NOW,
    }
    insert = upsert(deliveries, dialect)
    # ORDER BY is for SQLite too: without it the parser takes ON CONFLICT for a join's ON.
    source = select(*new.values()).order_by(_MARKS.c.uid)
    row, mark = deliveries.c, insert.excluded
    changed: dict[str, Any] = {
        name: mark[name] for name in new.keys() - {"uid", "event_id", "atom", "created_at"}
    }
    changed |= dict.fromkeys(("provider_id", "reason", "message", "code"), null())
    ours = and_(
        row.state == DeliveryState.SENDING.value, row.owner == mark.owner, row.fence == mark.fence
    )
    return insert.from_select(list(new), source).on_conflict_do_update(
        index_elements=["uid"],
        set_=changed,
        where=or_(row.state == DeliveryState.DEFERRED.value, ours),
    )


_MARK = Statement(_mark)


def _marked(_dialect: str) -> Executable:
    """Which uids stand as `_MARK` left them."""
    row = deliveries.c
    return select(row.uid).where(
        row.uid == _MARKS.c.uid,
        row.state == DeliveryState.SENDING.value,
        row.owner == _OWNER,
        row.fence == _MARKS.c.fence,
    )


_MARKED = Statement(_marked)


def _settle(_dialect: str) -> Executable:
    """ACCEPTED is final, and a fact whoever says it. All else yields to a newer fence."""
    row, result = deliveries.c, _RESULTS.c
    newer = row.fence > result.fence
    return (
        update(deliveries)
        .where(
            row.uid == result.uid,
            row.state != DeliveryState.ACCEPTED.value,
            or_(result.state == DeliveryState.ACCEPTED.value, ~newer),
        )
        .values(
            owner=case((newer, row.owner), else_=_OWNER),
            fence=case((newer, row.fence), else_=result.fence),
            # Of a doubt the time of its attempt stays: by it it is looked up, and its budget runs.
            updated_at=case(
                (result.state == DeliveryState.IN_DOUBT.value, row.updated_at), else_=_NOW
            ),
            possible_duplicate=or_(row.possible_duplicate, result.possible_duplicate == 1),
            **{
                name: result[name]
                for name in ("state", "transport", "provider_id", "reason", "message", "code")
            },
        )
    )


_SETTLE = Statement(_settle)

#: What does not contradict that the provider has the email.
_MAY_BE_ACCEPTED = (DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT)
#: Accepted, as a webhook told, while we thought otherwise.
_OVERRULED = Statement(
    lambda _: select(deliveries.c.uid).where(
        deliveries.c.uid == _RESULTS.c.uid,
        deliveries.c.state == DeliveryState.ACCEPTED.value,
        *(_RESULTS.c.state != state.value for state in _MAY_BE_ACCEPTED),
    )
)


def mark_sending(
    connection: Connection, owner: str, marks: Sequence[SendingMark], now: float
) -> Collection[str]:
    """The uids refused; see the port."""
    held = lock_atoms(connection, (mark.atom for mark in marks))
    ours = {m.uid: m for m in marks if is_ours(held, owner, m.atom, m.fence)}
    allowed: set[str] = set()
    if ours:
        wanted = rows(
            (
                mark.uid,
                mark.event_id,
                mark.atom,
                mark.target_id,
                mark.type,
                mark.destination,
                bare_message_id(mark.message_id),
                mark.transport,
                mark.attempt,
                mark.fence,
                mark.route or None,
            )
            for mark in ours.values()
        )
        count = _MARK.run(connection, rows=wanted, me=owner, now=now).rowcount
        if count == len(ours):
            allowed.update(ours)
        else:
            found = _MARKED.run(connection, rows=wanted, me=owner).fetchall()
            allowed.update(uid for (uid,) in found)
    return {mark.uid for mark in marks} - allowed


def settle(
    connection: Connection, owner: str, settlements: Sequence[Settlement], now: float
) -> Collection[str]:
    """The uids that do not count; see the port. A uid that was never marked is no row."""
    held = lock_atoms(connection, (settlement.atom for settlement in settlements))
    wanted = rows(
        (
            result.uid,
            result.fence,
            result.state,
            result.transport,
            result.provider_id,
            result.reason,
            result.message,
            result.code,
            int(result.possible_duplicate),
        )
        for result in last_words(settlements).values()
    )
    _SETTLE.run(connection, rows=wanted, me=owner, now=now)
    lost = {s.uid for s in settlements if not is_ours(held, owner, s.atom, s.fence)}
    if any(s.state not in _MAY_BE_ACCEPTED for s in settlements):
        lost.update(uid for (uid,) in _OVERRULED.run(connection, rows=wanted).fetchall())
    return lost


def last_words(settlements: Iterable[Settlement]) -> Mapping[str, Settlement]:
    """One result per notification: the last one told, but ACCEPTED stays."""
    result: dict[str, Settlement] = {}
    for settlement in settlements:
        earlier = result.get(settlement.uid)
        if earlier is None or earlier.state is not DeliveryState.ACCEPTED:
            result[settlement.uid] = settlement
    return result
