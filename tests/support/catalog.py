"""A catalog in memory, which a test fills, changes, breaks, and asks what it was asked."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias, TypeVar

from consumer.domain.catalog import (
    Account,
    Alarm,
    Check,
    Entity,
    Plan,
    Suppression,
    Target,
    Zone,
)
from consumer.domain.errors import CatalogUnavailable
from consumer.ports import LookupKey
from tests.support.factories import make_context

Row: TypeAlias = Account | Alarm | Check | Entity | Plan | Suppression | Target | Zone
_Rows: TypeAlias = Mapping[tuple[type, str], Row]
_R = TypeVar("_R", Alarm, Check, Entity, Plan, Target, Zone)


class MemoryCatalog:
    """The rows of one tenant. As with the real ones, only plans that were asked for are known:
    those of live alarms, and those named as hints."""

    def __init__(self, *rows: Row, tenant: str = "487000") -> None:
        self._tenant = tenant
        self._rows: dict[tuple[type, str], Row] = {}
        self.put(*rows)
        #: The next snapshots say so.
        self.degraded = False
        #: The source does not answer.
        self.away = False
        #: The keys of each call.
        self.asked: list[set[LookupKey]] = []

    def put(self, *rows: Row) -> None:
        """Add rows, or replace those of the same kind and id."""
        self._rows |= {(type(row), row.id): row for row in rows}

    def remove(self, kind: type[Row], id_: str) -> None:
        del self._rows[kind, id_]

    def snapshot(self, keys: Collection[LookupKey]) -> "MemorySnapshot":
        self.asked.append(set(keys))
        self.ping()
        rows = {place: row for place, row in self._rows.items() if place[0] is not Plan}
        alarms = [rows.get((Alarm, alarm)) for _, _, _, alarm, _ in keys]
        plans = {hint for *_, hint in keys}
        plans |= {row.notification_plan_id for row in alarms if isinstance(row, Alarm)}
        rows |= {(Plan, p): self._rows[Plan, p] for p in plans if p and (Plan, p) in self._rows}
        return MemorySnapshot(self._tenant, rows, degraded=self.degraded)

    def ping(self) -> None:
        if self.away:
            raise CatalogUnavailable("the catalog does not answer")

    def close(self) -> None:
        """Nothing is open."""


class MemorySnapshot:
    """The rows at one moment."""

    def __init__(self, tenant: str, rows: _Rows, *, degraded: bool) -> None:
        self._tenant = tenant
        self._rows = rows
        self.degraded = degraded

    def account(self, tenant_id: str) -> Account | None:
        return next((row for row in self._every(tenant_id) if isinstance(row, Account)), None)

    def entity(self, tenant_id: str, entity_id: str) -> Entity | None:
        return self._find(Entity, tenant_id, entity_id)

    def check(self, tenant_id: str, entity_id: str, check_id: str) -> Check | None:
        return self._find(Check, tenant_id, check_id)

    def alarm(self, tenant_id: str, entity_id: str, alarm_id: str) -> Alarm | None:
        return self._find(Alarm, tenant_id, alarm_id)

    def plan(self, tenant_id: str, plan_id: str) -> Plan | None:
        return self._find(Plan, tenant_id, plan_id)

    def target(self, tenant_id: str, target_id: str) -> Target | None:
        return self._find(Target, tenant_id, target_id)

    def zone(self, zone_id: str) -> Zone | None:
        return self._find(Zone, self._tenant, zone_id)

    def suppressions(self, tenant_id: str) -> Sequence[Suppression]:
        return [row for row in self._every(tenant_id) if isinstance(row, Suppression)]

    def _every(self, tenant_id: str) -> Collection[Row]:
        return self._rows.values() if tenant_id == self._tenant else ()

    def _find(self, kind: type[_R], tenant_id: str, id_: str) -> _R | None:
        row = self._rows.get((kind, id_)) if tenant_id == self._tenant else None
        return row if isinstance(row, kind) else None


def whole_catalog(*rows: Row) -> MemoryCatalog:
    """All that `make_event` refers to, and `rows`."""
    context = make_context()
    found = (context.account, context.entity, context.check, context.alarm, context.plan)
    known = (row for row in found if row is not None)
    return MemoryCatalog(*known, *context.targets.values(), *rows)
