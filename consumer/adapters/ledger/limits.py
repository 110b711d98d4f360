"""How many emails each recipient got in the last hour, and what is held back: decided, counted.

Whoever decides about a recipient locks its row first, so that processes which do so at the same
time count one after the other. All locks are taken in the order of the names.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Executable,
    Select,
    Text,
    and_,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.types import Double

from consumer.adapters.ledger import summaries
from consumer.adapters.ledger.batch import given, rows, upsert
from consumer.adapters.ledger.database import Database
from consumer.adapters.ledger.releasing import delete_some
from consumer.adapters.ledger.schema import counted_notifications, events, recipients
from consumer.adapters.ledger.shared_clock import DATABASE_CLOCK
from consumer.domain.rate_limit import WINDOW_SECONDS, Asked, Owed, Standing, Summary, decide

_RECIPIENTS = given(recipient=Text, tenant_id=Text, destination=Text)
_UIDS = given(uid=Text)
_DECIDED = given(
    uid=Text,
    recipient=Text,
    summary_id=Text,
    event_id=Text,
    atom=Text,
    state=Text,
    timestamp_ms=BigInteger,
    words=Text,
)
_OPENED = given(recipient=Text, summary_id=Text)
_AT: Final = bindparam("at", type_=Double)

_COUNTED: Final = counted_notifications.c
_KNOWN = select(_COUNTED.uid, _COUNTED.summary_id).join(_UIDS, _COUNTED.uid == _UIDS.c.uid)
_OPEN = (
    update(recipients)
    .where(recipients.c.recipient == _OPENED.c.recipient)
    .values(
        summary_id=_OPENED.c.summary_id,
        due_at=_AT + bindparam("after", type_=Double),
        updated_at=_AT,
    )
)


@cache
def _lock(dialect: str, clock: ColumnElement[float]) -> Executable:
    """Insert the recipients, or only lock them."""
    new = select(*_RECIPIENTS.c, clock).order_by(_RECIPIENTS.c.recipient)
    insert = upsert(recipients, dialect).from_select([*_RECIPIENTS.c.keys(), "updated_at"], new)
    return insert.on_conflict_do_update(
        index_elements=["recipient"], set_={"updated_at": insert.excluded.updated_at}
    )


@cache
def _standings(clock: ColumnElement[float]) -> Select[Any]:
    """A summary that was closed is under way until its event has ended; for an hour at most,
    should that never be."""
    row = recipients.c
    sent = (
        select(func.count())
        .where(
            _COUNTED.recipient == row.recipient,
            _COUNTED.summary_id.is_(None),
            _COUNTED.decided_at > clock - WINDOW_SECONDS,
        )
        .scalar_subquery()
    )
    under_way = and_(
        row.last_summary_id.is_not(None),
        row.sealed_at > clock - WINDOW_SECONDS,
        events.c.id.is_(None),
    )
    return (
        select(
            row.recipient,
            row.summary_id,
            sent.label("sent"),
            func.coalesce(under_way, False).label("under_way"),
            clock.label("at"),
        )
        .join(_RECIPIENTS, row.recipient == _RECIPIENTS.c.recipient)
        .outerjoin(events, events.c.id == row.last_summary_id)
    )


@cache
def _note(dialect: str) -> Executable:
    source = select(*_DECIDED.c, _AT).order_by(_DECIDED.c.uid)
    columns = [*_DECIDED.c.keys(), "decided_at"]
    insert = upsert(counted_notifications, dialect).from_select(columns, source)
    return insert.on_conflict_do_nothing(index_elements=["uid"])


class SqlLimits:
    """Recipients and their limits on the ledger's database; each method is one transaction.

    `now` is the caller's clock. What counts is the database's, which all processes share.
    """

    def __init__(self, database: Database, clock: ColumnElement[float] = DATABASE_CLOCK) -> None:
        self._database = database
        self._clock = clock

    def admit(
        self, asked: Sequence[Asked], summary_after: float, now: float
    ) -> Mapping[str, str | None]:
        """By uid: None for those that may be sent, or the id of the summary that tells of it. The
        first of a summary has it written so many seconds later. Who asks again gets the same
        answer."""
        if not asked:
            return {}
        return self._database.write(lambda c: _admit(c, asked, summary_after, now, self._clock))

    def seal(self, summary_ids: Collection[str], now: float) -> Mapping[str, Summary]:
        """Close these summaries, so that nothing more joins them, and read them; again, as often
        as asked. One of which nothing is known is not there."""
        if not summary_ids:
            return {}
        return self._database.write(lambda c: summaries.seal(c, summary_ids, now, self._clock))

    def claim_due(self, limit: int, again_after: float, now: float) -> Sequence[Owed]:
        """Summaries whose time has come, for the caller to write: others get them again only after
        so many seconds."""
        if not self._database.read(lambda c: summaries.any_due(c, now, self._clock)):
            return ()
        return self._database.write(
            lambda c: summaries.claim_due(c, limit, again_after, now, self._clock)
        )

    def written(self, summary_ids: Collection[str], again_after: float, now: float) -> None:
        """Their events are in Kafka: they are due again only should they still be open by then."""
        if summary_ids:
            self._database.write(
                lambda c: summaries.postpone(c, summary_ids, again_after, now, self._clock)
            )


def _admit(
    connection: Connection,
    asked: Sequence[Asked],
    summary_after: float,
    now: float,
    clock: ColumnElement[float],
) -> dict[str, str | None]:
    theirs = {each.recipient: each for each in reversed(asked)}
    wanted = rows((name, each.tenant_id, each.destination) for name, each in sorted(theirs.items()))
    dialect = connection.dialect.name
    connection.execute(_lock(dialect, clock), {"rows": wanted, "now": now})
    uids = {"rows": rows([each.uid] for each in asked)}
    known: dict[str, str | None] = {
        row.uid: row.summary_id for row in connection.execute(_KNOWN, uids)
    }
    new = [each for each in asked if each.uid not in known]
    if not new:
        return known
    found = connection.execute(_standings(clock), {"rows": wanted, "now": now}).mappings().all()
    standings = {
        row["recipient"]: Standing(
            sent=row["sent"], summary_id=row["summary_id"], under_way=bool(row["under_way"])
        )
        for row in found
    }
    decided = decide(new, standings)
    at = found[0]["at"]
    connection.execute(_note(dialect), {"rows": rows(_rows(new, decided)), "at": at})
    opened = {
        each.recipient: summary_id
        for each in new
        if (summary_id := decided[each.uid]) is not None
        and standings[each.recipient].summary_id is None
    }
    if opened:
        parameters = {"rows": rows(sorted(opened.items())), "at": at, "after": summary_after}
        connection.execute(_OPEN, parameters)
    return known | decided


def _rows(
    asked: Sequence[Asked], decided: Mapping[str, str | None]
) -> Sequence[Sequence[str | int | None]]:
    return [
        (
            each.uid,
            each.recipient,
            decided[each.uid],
            each.event_id,
            each.atom,
            each.state,
            each.timestamp_ms,
            None if decided[each.uid] is None else _words(each),
        )
        for each in {one.uid: one for one in reversed(asked)}.values()
    ]


def _words(asked: Asked) -> str:
    return msgspec.json.encode((asked.entity, asked.check, asked.alarm, asked.status)).decode()


def prune(connection: Connection, before: float, limit: int) -> int:
    """Forget up to `limit` of those decided before `before`; what is still to be told stays."""
    still_open = select(recipients.c.summary_id).where(recipients.c.summary_id.is_not(None))
    old = (_COUNTED.decided_at < before) & (
        _COUNTED.summary_id.is_(None) | _COUNTED.summary_id.not_in(still_open)
    )
    left = limit - delete_some(connection, _COUNTED.uid, old, limit)
    idle = (recipients.c.updated_at < before) & recipients.c.summary_id.is_(None)
    left -= delete_some(connection, recipients.c.recipient, idle, left)
    return limit - left
