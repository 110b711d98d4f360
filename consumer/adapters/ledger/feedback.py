"""What providers report later: what was told of it, and how far their events were read."""

from collections.abc import Collection, Mapping
from functools import cache

from sqlalchemy import (
    Connection,
    Executable,
    Text,
    bindparam,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.types import Double

from consumer.adapters.ledger.batch import given, rows, struct, upsert
from consumer.adapters.ledger.database import Database
from consumer.adapters.ledger.releasing import delete_some
from consumer.adapters.ledger.schema import deliveries, events, feeds, reports, webhook_tokens
from consumer.adapters.ledger.shared_clock import database_now
from consumer.domain.alarm import State
from consumer.domain.feedback import SentEmail
from consumer.domain.ledger import DeliveryRow

_GIVEN = given(id=Text)
_TOKENS = given(token=Text, used_for=Text)
_NOW = bindparam("now", type_=Double)
_ME = bindparam("me", type_=Text)
_NAME = bindparam("feed", type_=Text)

_SENT = (
    select(
        deliveries,
        events.c.state.label("event_state"),
        events.c.timestamp_ms.label("event_timestamp_ms"),
    )
    .join(_GIVEN, deliveries.c.uid == _GIVEN.c.id)
    .outerjoin(events, events.c.id == deliveries.c.event_id)
)
_TOLD = select(reports.c.id).join(_GIVEN, reports.c.id == _GIVEN.c.id)
_USED = select(webhook_tokens.c.token, webhook_tokens.c.used_for).join(
    _GIVEN, webhook_tokens.c.token == _GIVEN.c.id
)
_PLACE = select(feeds.c.place).where(feeds.c.name == _NAME)
_MOVE = (
    update(feeds)
    .where(feeds.c.name == _NAME, feeds.c.owner == _ME)
    .values(place=bindparam("to", type_=Double))
)
_LEAVE = (
    update(feeds).where(feeds.c.name == _NAME, feeds.c.owner == _ME).values(owner=null(), over_at=0)
)


@cache
def _note_reports(dialect: str) -> Executable:
    new = select(_GIVEN.c.id, _NOW).order_by(_GIVEN.c.id)
    insert = upsert(reports, dialect).from_select(["id", "noted_at"], new)
    return insert.on_conflict_do_nothing(index_elements=["id"])


@cache
def _note_tokens(dialect: str) -> Executable:
    new = select(_TOKENS.c.token, _TOKENS.c.used_for, _NOW).order_by(_TOKENS.c.token)
    insert = upsert(webhook_tokens, dialect)
    return insert.from_select(["token", "used_for", "noted_at"], new).on_conflict_do_nothing(
        index_elements=["token"]
    )


@cache
def _take_turn(dialect: str) -> Executable:
    """Answers a row when the turn is ours."""
    end = database_now() + bindparam("seconds", type_=Double)
    insert = upsert(feeds, dialect).values(name=_NAME, owner=_ME, over_at=end)
    free = or_(
        feeds.c.owner.is_(None),
        feeds.c.owner == insert.excluded.owner,
        feeds.c.over_at < database_now(),
    )
    return insert.on_conflict_do_update(
        index_elements=["name"],
        set_={"owner": insert.excluded.owner, "over_at": insert.excluded.over_at},
        where=free,
    ).returning(literal_column("1"))


class SqlFeedback:
    """`feedback.ports.FeedbackStore` on the ledger's database; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sent(self, uids: Collection[str]) -> Mapping[str, SentEmail]:
        if not uids:
            return {}
        return self._database.read(lambda c: _sent(c, uids))

    def told(self, ids: Collection[str]) -> Collection[str]:
        if not ids:
            return ()
        return self._database.read(lambda c: c.execute(_TOLD, _wanted(ids)).scalars().all())

    def used(self, tokens: Collection[str]) -> Mapping[str, str]:
        if not tokens:
            return {}
        found = self._database.read(lambda c: c.execute(_USED, _wanted(tokens)).all())
        return {row.token: row.used_for for row in found}

    def note(self, ids: Collection[str], tokens: Mapping[str, str], now: float) -> None:
        if ids or tokens:
            self._database.write(lambda c: _note(c, ids, tokens, now))

    def take_turn(self, name: str, owner: str, seconds: float) -> bool:
        parameters = {"feed": name, "me": owner, "seconds": seconds}
        return self._database.write(
            lambda c: c.execute(_take_turn(c.dialect.name), parameters).first() is not None
        )

    def leave_turn(self, name: str, owner: str) -> None:
        self._database.write(lambda c: c.execute(_LEAVE, {"feed": name, "me": owner}))

    def place(self, name: str) -> float | None:
        return self._database.read(lambda c: c.execute(_PLACE, {"feed": name}).scalar())

    def move(self, name: str, owner: str, place: float) -> bool:
        parameters = {"feed": name, "me": owner, "to": place}
        return self._database.write(lambda c: c.execute(_MOVE, parameters).rowcount == 1)

    def prune(self, before: float, limit: int) -> int:
        return self._database.write(lambda c: _prune(c, before, limit))


def _wanted(ids: Collection[str]) -> dict[str, str]:
    return {"rows": rows([id_] for id_ in sorted(ids))}


def _sent(connection: Connection, uids: Collection[str]) -> dict[str, SentEmail]:
    found = connection.execute(_SENT, _wanted(uids)).mappings()
    return {
        row["uid"]: SentEmail(
            row=struct(row, DeliveryRow),
            state=None if row["event_state"] is None else State(row["event_state"]),
            timestamp_ms=row["event_timestamp_ms"],
        )
        for row in found
    }


def _note(
    connection: Connection, ids: Collection[str], tokens: Mapping[str, str], now: float
) -> None:
    dialect = connection.dialect.name
    if ids:
        connection.execute(_note_reports(dialect), _wanted(ids) | {"now": now})
    if tokens:
        used = {"rows": rows(sorted(tokens.items())), "now": now}
        connection.execute(_note_tokens(dialect), used)


def _prune(connection: Connection, before: float, limit: int) -> int:
    left = limit - delete_some(connection, reports.c.id, reports.c.noted_at < before, limit)
    tokens = webhook_tokens.c
    left -= delete_some(connection, tokens.token, tokens.noted_at < before, left)
    return limit - left
