"""Rows in memory, and the snapshot that answers from them. Pure: nothing here does I/O."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from consumer.adapters.catalog.rows import NAMES, SHARED, Row, V, ValueType
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

_NONE: Final[Mapping[str, Row]] = MappingProxyType({})


class Index:
    """Rows by kind, tenant and id. Of two rows with one id the first one added counts."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        #: By kind, tenant and id.
        self._rows: dict[ValueType, dict[str, dict[str, Row]]] = {kind: {} for kind in NAMES}
        self._tenants: dict[str, str] = {}
        self.add(rows)

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            of_kind = self._rows[type(row.value)]
            of_kind.setdefault(row.tenant, {}).setdefault(row.value.id, row)
            if isinstance(row.value, Account):
                self._tenants.setdefault(row.value.id, row.tenant)

    def tenant_of(self, asked: str) -> str:
        """The tenant id for an internal account id; anything else is a tenant id already."""
        if asked in self._rows[Account]:
            return asked
        return self._tenants.get(asked, asked)

    def account(self, asked: str) -> Account | None:
        rows = self._rows[Account].get(self.tenant_of(asked), _NONE)
        for row in rows.values():
            if isinstance(row.value, Account):
                return row.value
        return None

    def find(self, kind: type[V], asked: str, row_id: str, entity_id: str = "") -> V | None:
        """The tenant's own row, or else the shared one, unless it is another entity's."""
        of_kind = self._rows[kind]
        row = of_kind.get(self.tenant_of(asked), _NONE).get(row_id)
        if row is None:
            row = of_kind.get(SHARED, _NONE).get(row_id)
            if row is None:
                return None
        strange = bool(entity_id) and row.entity_id not in (None, entity_id)
        return row.value if isinstance(row.value, kind) and not strange else None

    def every(self, kind: type[V], asked: str) -> list[V]:
        """The tenant's own rows and the shared ones."""
        of_kind = self._rows[kind]
        tenant = self.tenant_of(asked)
        found = list(of_kind.get(tenant, _NONE).values())
        if tenant != SHARED:
            found += of_kind.get(SHARED, _NONE).values()
        return [row.value for row in found if isinstance(row.value, kind)]


class CatalogSnapshot:
    """The catalog at one moment; see `consumer.ports.Snapshot`."""

    def __init__(self, index: Index, *, degraded: bool) -> None:
        self._index = index
        self.degraded = degraded

    def account(self, tenant_id: str) -> Account | None:
        return self._index.account(tenant_id)

    def entity(self, tenant_id: str, entity_id: str) -> Entity | None:
        return self._index.find(Entity, tenant_id, entity_id)

    def check(self, tenant_id: str, entity_id: str, check_id: str) -> Check | None:
        return self._index.find(Check, tenant_id, check_id, entity_id)

    def alarm(self, tenant_id: str, entity_id: str, alarm_id: str) -> Alarm | None:
        return self._index.find(Alarm, tenant_id, alarm_id, entity_id)

    def plan(self, tenant_id: str, plan_id: str) -> Plan | None:
        return self._index.find(Plan, tenant_id, plan_id)

    def target(self, tenant_id: str, target_id: str) -> Target | None:
        return self._index.find(Target, tenant_id, target_id)

    def zone(self, zone_id: str) -> Zone | None:
        return self._index.find(Zone, SHARED, zone_id)

    def suppressions(self, tenant_id: str) -> Sequence[Suppression]:
        return self._index.every(Suppression, tenant_id)
