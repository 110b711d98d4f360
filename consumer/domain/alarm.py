"""The alarm-state event: one change of one alarm on one check of one entity."""

from enum import StrEnum
from typing import Any, Final

import msgspec

EVENT_SCHEMA: Final = "alarm-state-event/1"


class State(StrEnum):
    """The state an alarm changed to. Foreign systems may also say UNKNOWN."""

    OK = "OK"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"
    UNKNOWN = "UNKNOWN"


class Emits(StrEnum):
    """Whether a source tells only changes of state, or repeats a state while it lasts."""

    CHANGES = "changes"
    REPEATS = "repeats"


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric as the check saw it. `type` is the collector's letter (i, I, l, L, n, s)."""

    type: str | None = None
    data: Any = None
    unit: str | None = None


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What one monitoring zone saw. Informative: the alarm's state is not derived from these."""

    monitoring_zone_id: str | None = None
    state: str | None = None
    status: str | None = None
    #: Milliseconds since the epoch.
    timestamp: int | None = None
    collector_state: str | None = msgspec.field(default=None, name="collectorState")


class AlarmEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm-state event, whatever format it came in. Times are epoch milliseconds."""

    #: Identity of the transition; a second event with this id is a duplicate.
    id: str
    source: str
    tenant_id: str
    entity_id: str
    check_id: str
    alarm_id: str
    state: State
    timestamp: int
    schema: str = EVENT_SCHEMA
    #: Correlation id in the manner of Rackspace; never a reason to drop an event.
    event_id: str | None = None
    #: Internal account id, where the source knows it.
    account_id: str | None = None
    #: None: the producer did not say.
    previous_state: State | None = None
    status: str | None = None
    produced_at: int | None = None
    txn_id: str | None = None
    #: A hint; the plan of the live alarm wins.
    notification_plan_id: str | None = None
    target: str | None = None
    metrics: dict[str, Metric] | None = None
    observations: list[Observation] = []
    #: Snapshots taken when the event happened; used where the catalog knows nothing.
    entity: dict[str, Any] | None = None
    check: dict[str, Any] | None = None
    alarm: dict[str, Any] | None = None
    #: Dashboard or runbook.
    link: str | None = None
    actions_enabled: bool = True
    test: bool = False
    replay: bool = False
    attributes: dict[str, str] = {}

    @property
    def atom(self) -> str:
        """The unit of order and of locking; see `atom_of`."""
        return atom_of(self.tenant_id, self.entity_id, self.alarm_id, self.check_id)


def atom_of(tenant_id: str, entity_id: str, alarm_id: str, check_id: str) -> str:
    """The ids joined by colons.

    A colon inside an id is written `%3A`, so that two atoms never share a name.
    """
    plain = f"{tenant_id}:{entity_id}:{alarm_id}:{check_id}"
    if plain.count(":") == 3 and "%" not in plain:
        return plain
    ids = (tenant_id, entity_id, alarm_id, check_id)
    return ":".join(part.replace("%", "%25").replace(":", "%3A") for part in ids)


def ids_of(atom: str) -> tuple[str, str, str, str] | None:
    """Tenant, entity, alarm and check, taken out of an atom's name; None: it is no atom's."""
    match [part.replace("%3A", ":").replace("%25", "%") for part in atom.split(":")]:
        case [tenant, entity, alarm, check]:
            return tenant, entity, alarm, check
        case _:
            return None
