"""Summaries of what was held back: whose time has come, and what they tell."""

from collections.abc import Collection, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Row,
    Select,
    Text,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.types import Double, Integer

from consumer.adapters.ledger.batch import given, rows
from consumer.adapters.ledger.schema import atoms, counted_notifications, recipients
from consumer.domain.alarm import State
from consumer.domain.rate_limit import WORST_FIRST, AlarmNow, HeldNotification, Owed, Summary

#: Notifications that one summary lists: more than anybody reads, and a bound for its size.
MOST_LISTED: Final = 250

_IDS = given(summary_id=Text)
_NAMES = given(recipient=Text)
_COUNTED: Final = counted_notifications.c
_SECONDS: Final = bindparam("seconds", type_=Double)


@cache
def _due(clock: ColumnElement[float]) -> Select[Any]:
    return (
        select(recipients)
        .where(recipients.c.due_at <= clock)
        .order_by(recipients.c.due_at)
        .limit(bindparam("most", type_=Integer))
    )


@cache
def _claim(clock: ColumnElement[float]) -> Executable:
    return (
        update(recipients)
        .where(recipients.c.recipient == _NAMES.c.recipient)
        .values(due_at=clock + _SECONDS)
    )


@cache
def _postpone(clock: ColumnElement[float]) -> Executable:
    return (
        update(recipients)
        .where(recipients.c.summary_id == _IDS.c.summary_id)
        .values(due_at=clock + _SECONDS)
    )


_LOCK = (
    select(recipients.c.recipient)
    .join(_IDS, recipients.c.summary_id == _IDS.c.summary_id)
    .order_by(recipients.c.recipient)
    .with_for_update(of=recipients)
)


@cache
def _seal(clock: ColumnElement[float]) -> Executable:
    row = recipients.c
    return (
        update(recipients)
        .where(row.summary_id == _IDS.c.summary_id)
        .values(
            last_summary_id=row.summary_id,
            sealed_at=clock,
            summary_id=null(),
            due_at=null(),
            updated_at=clock,
        )
    )


def _listed() -> Select[Any]:
    """Of each summary the newest of each alarm, worst first, then what went before, up to
    MOST_LISTED; and how much there is in all. A long list of alarms that are over must not push
    out one that is not."""
    newest_first = _COUNTED.timestamp_ms.desc(), _COUNTED.uid
    by_alarm = (
        select(
            *_COUNTED,
            func.row_number()
            .over(partition_by=[_COUNTED.summary_id, _COUNTED.atom], order_by=newest_first)
            .label("nth"),
        )
        .join(_IDS, _COUNTED.summary_id == _IDS.c.summary_id)
        .subquery("by_alarm")
    )
    row = by_alarm.c
    worst = case({state.value: place for place, state in enumerate(WORST_FIRST)}, value=row.state)
    order = row.nth, worst, row.timestamp_ms.desc(), row.uid
    of_summary = row.summary_id
    ranked = select(
        *row,
        func.row_number().over(partition_by=of_summary, order_by=order).label("place"),
        func.count().over(partition_by=of_summary).label("total"),
        func.sum(case((row.nth == 1, 1), else_=0)).over(partition_by=of_summary).label("alarms"),
        func.min(row.decided_at).over(partition_by=of_summary).label("opened_at"),
    ).subquery("ranked")
    return (
        select(ranked, recipients.c.tenant_id, recipients.c.destination)
        .join(recipients, recipients.c.recipient == ranked.c.recipient)
        .where(ranked.c.place <= MOST_LISTED)
        .order_by(ranked.c.summary_id, ranked.c.place)
    )


_LISTED = _listed()

_HELD = given(summary_id=Text, atom=Text)
#: Where each alarm stands: events that have ended.
_ATOMS: Select[Any] = (
    select(_HELD.c.summary_id, atoms.c.atom, atoms.c.last_state, atoms.c.last_timestamp_ms)
    .join(_HELD, atoms.c.atom == _HELD.c.atom)
    .where(atoms.c.last_state.is_not(None), atoms.c.last_timestamp_ms.is_not(None))
)

_WHOSE = given(summary_id=Text, recipient=Text)
#: And what the recipient was told meanwhile, or is being told right now. Of any alarm: to ask
#: alarm by alarm goes through all of the recipient's rows for each.
_TOLD: Select[Any] = (
    select(_WHOSE.c.summary_id, _COUNTED.atom, _COUNTED.state, _COUNTED.timestamp_ms)
    .join(_WHOSE, _COUNTED.recipient == _WHOSE.c.recipient)
    .where(
        _COUNTED.decided_at >= bindparam("opened_at", type_=Double),
        or_(_COUNTED.summary_id.is_(None), _COUNTED.summary_id != _WHOSE.c.summary_id),
    )
)


def any_due(connection: Connection, now: float, clock: ColumnElement[float]) -> bool:
    """Whether it is worth a transaction that writes."""
    return connection.execute(_due(clock), {"now": now, "most": 1}).first() is not None


def claim_due(
    connection: Connection,
    limit: int,
    again_after: float,
    now: float,
    clock: ColumnElement[float],
) -> Sequence[Owed]:
    """See SqlLimits. Those that another process claims at this moment are left to it."""
    due = _due(clock).with_for_update(skip_locked=True)
    found = connection.execute(due, {"now": now, "most": limit}).all()
    if found:
        names = rows([row.recipient] for row in found)
        connection.execute(_claim(clock), {"rows": names, "now": now, "seconds": again_after})
    return [
        Owed(id=row.summary_id, tenant_id=row.tenant_id, destination=row.destination)
        for row in found
    ]


def postpone(
    connection: Connection,
    summary_ids: Collection[str],
    again_after: float,
    now: float,
    clock: ColumnElement[float],
) -> None:
    """They come up again so many seconds from now, those that are still open."""
    wanted = _wanted(summary_ids)
    connection.execute(_LOCK, wanted).all()
    connection.execute(_postpone(clock), wanted | {"now": now, "seconds": again_after})


def seal(
    connection: Connection, summary_ids: Collection[str], now: float, clock: ColumnElement[float]
) -> dict[str, Summary]:
    """See SqlLimits."""
    wanted = _wanted(summary_ids)
    if connection.execute(_LOCK, wanted).all():
        connection.execute(_seal(clock), wanted | {"now": now})
    listed: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(_LISTED, wanted):
        listed.setdefault(row.summary_id, []).append(row)
    newest = _newest(connection, [row for held in listed.values() for row in held])
    return {
        id_: Summary(
            id=id_,
            tenant_id=held[0].tenant_id,
            destination=held[0].destination,
            total=held[0].total,
            alarms=held[0].alarms,
            held=[_held(row) for row in held],
            now=newest[id_],
        )
        for id_, held in listed.items()
    }


def _newest(connection: Connection, held: Sequence[Row[Any]]) -> dict[str, dict[str, AlarmNow]]:
    """By summary and atom, the newest state of all that is known, and since when.

    Of an alarm that was told again as it stood the ledger knows until when it stood so: it stands
    so since it changed.
    """
    newest: dict[str, dict[str, AlarmNow]] = {}
    for row in reversed(held):
        now = AlarmNow(state=State(row.state), timestamp_ms=row.timestamp_ms)
        newest.setdefault(row.summary_id, {})[row.atom] = now
    if not held:
        return newest
    whose = sorted({(row.summary_id, row.recipient) for row in held})
    since = min(row.opened_at for row in held)
    told = connection.execute(_TOLD, {"rows": rows(whose), "opened_at": since}).all()
    keys = [(id_, atom) for id_, of_summary in newest.items() for atom in of_summary]
    ended = connection.execute(_ATOMS, {"rows": rows(keys)}).all()
    for summary_id, atom, state, timestamp_ms in sorted([*told, *ended], key=itemgetter(3)):
        known = newest[summary_id].get(atom)
        if known is None or known.state == state:
            continue
        if timestamp_ms > known.timestamp_ms:
            newest[summary_id][atom] = AlarmNow(state=State(state), timestamp_ms=timestamp_ms)
    return newest


def _held(row: Row[Any]) -> HeldNotification:
    entity, check, alarm, status = msgspec.json.decode(row.words, type=tuple[str, str, str, str])
    return HeldNotification(
        uid=row.uid,
        atom=row.atom,
        event_id=row.event_id,
        state=State(row.state),
        timestamp_ms=row.timestamp_ms,
        entity=entity,
        check=check,
        alarm=alarm,
        status=status,
    )


def _wanted(summary_ids: Collection[str]) -> dict[str, Any]:
    return {"rows": rows([id_] for id_ in sorted(set(summary_ids)))}
