"""Shares of routes that are changed while processes run, and how emails fare by route."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Connection,
    Executable,
    RowMapping,
    Text,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.types import Boolean, Double, Integer

from consumer.adapters.ledger.batch import upsert
from consumer.adapters.ledger.database import Database
from consumer.adapters.ledger.schema import atoms, deliveries, shares
from consumer.adapters.ledger.shared_clock import database_now
from consumer.domain.alarm import ids_of
from consumer.domain.ledger import DeliveryState
from consumer.domain.rollout import Share, Shares, Tally

_NEWEST: Final = (
    select(shares.c.route, func.max(shares.c.number).label("number"))
    .group_by(shares.c.route)
    .subquery("newest")
)
_HOLDING: Final = select(shares).join(
    _NEWEST, (shares.c.route == _NEWEST.c.route) & (shares.c.number == _NEWEST.c.number)
)
_HISTORY: Final = (
    select(shares)
    .where(shares.c.route == bindparam("of_route", type_=Text))
    .order_by(shares.c.number.desc())
    .limit(bindparam("most", type_=Integer))
)
_ATOMS: Final = select(atoms.c.atom)

#: What is under way has come to nothing yet. Of two conditions the first finds the rows, by their
#: index; the second leaves out what was begun before and only ended since.
_SINCE: Final = bindparam("since", type_=Double)
_LATEST: Final = (
    select(
        deliveries.c.route,
        deliveries.c.transport,
        deliveries.c.state,
        # A doubt that was decided without an answer has cost more than one attempt, too.
        or_(deliveries.c.attempt > 1, deliveries.c.possible_duplicate).label("again"),
        (deliveries.c.updated_at - deliveries.c.created_at > bindparam("slow", type_=Double)).label(
            "slow"
        ),
    )
    .where(
        deliveries.c.updated_at >= _SINCE,
        deliveries.c.created_at >= _SINCE,
        deliveries.c.route.is_not(None),
        deliveries.c.state != DeliveryState.SENDING.value,
    )
    .order_by(deliveries.c.updated_at.desc())
    .limit(bindparam("most", type_=Integer))
    .subquery("latest")
)
_TALLIES: Final = select(*_LATEST.c, func.count().label("emails")).group_by(*_LATEST.c)


@cache
def _add(dialect: str) -> Executable:
    """Answers a row when it was written: nobody else has written that number."""
    given = {
        "route": bindparam("of_route", type_=Text),
        "number": bindparam("next", type_=Integer),
        "percent": bindparam("share", type_=Double),
        "tenants": bindparam("whom", type_=Text),
        "at": database_now(),
        "by": bindparam("who", type_=Text),
        "why": bindparam("reason", type_=Text),
        "tripped": bindparam("guarded", type_=Boolean),
    }
    insert = upsert(shares, dialect).values(given)
    return insert.on_conflict_do_nothing(index_elements=["route", "number"]).returning(
        literal_column("1")
    )


class SqlRollout:
    """`rollout.ports.RolloutStore` on the ledger's database; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def shares(self) -> Shares:
        found = self._database.read(lambda c: c.execute(_HOLDING).mappings().all())
        return {row["route"]: _share(row) for row in found}

    def history(self, route: str, limit: int) -> Sequence[Share]:
        parameters = {"of_route": route, "most": limit}
        found = self._database.read(lambda c: c.execute(_HISTORY, parameters).mappings().all())
        return [_share(row) for row in found]

    def change(self, share: Share) -> bool:
        return self._database.write(lambda c: _change(c, share))

    def tallies(self, since: float, slow_seconds: float, limit: int) -> Sequence[Tally]:
        parameters = {"since": since, "slow": slow_seconds, "most": limit}
        found = self._database.read(lambda c: c.execute(_TALLIES, parameters).mappings().all())
        return [_tally(row) for row in found]

    def tenants(self) -> frozenset[str]:
        names = self._database.read(lambda c: c.execute(_ATOMS).scalars().all())
        return frozenset(ids[0] for name in names if (ids := ids_of(name)) is not None)


def _change(connection: Connection, share: Share) -> bool:
    tenants = None if share.tenants is None else msgspec.json.encode(share.tenants).decode()
    parameters: dict[str, Any] = {
        "of_route": share.route,
        "next": share.number,
        "share": share.percent,
        "whom": tenants,
        "who": share.by,
        "reason": share.why,
        "guarded": share.tripped,
    }
    added = connection.execute(_add(connection.dialect.name), parameters)
    return added.first() is not None


def _share(row: RowMapping) -> Share:
    tenants = row["tenants"]
    return Share(
        route=row["route"],
        number=row["number"],
        percent=row["percent"],
        tenants=None if tenants is None else msgspec.json.decode(tenants, type=tuple[str, ...]),
        at=row["at"],
        by=row["by"],
        why=row["why"],
        tripped=bool(row["tripped"]),
    )


def _tally(row: RowMapping) -> Tally:
    return Tally(
        route=row["route"],
        transport=row["transport"],
        state=DeliveryState(row["state"]),
        again=bool(row["again"]),
        slow=bool(row["slow"]),
        emails=row["emails"],
    )
