"""Stage `lookup`: in come events; out comes, for each, what the catalog knows about it.

A snapshot inside the event stands in for what the catalog lacks. Without one, the event is
`Missing`: it is looked up again for a while, and then goes to the dead-letter topic.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.catalog import Account, Alarm, Check, Entity, Plan, Suppression, Target, Zone
from consumer.domain.converting import convert
from consumer.domain.notification import Context
from consumer.domain.rate_limit import is_summary
from consumer.domain.recovery import problem_of
from consumer.ports import Catalog, Snapshot

#: Plans and notifications that every account has without owning them.
TECHNICAL_CONTACTS_PLAN = "npTechnicalContactsEmail"
MANAGED_PLAN = "npManaged"
TECHNICAL_CONTACTS = Target(id="ntTechnicalContactsEmail", type="technicalContactsEmail")
MANAGED = Target(id="ntManaged", type="managed")
_BUILT_IN_TARGETS = {target.id: target for target in (TECHNICAL_CONTACTS, MANAGED)}

_Row = TypeVar("_Row", Entity, Check, Alarm)


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """What neither the catalog nor the event has, in words."""

    what: str
    #: The source is away at the moment: nothing can be said for good.
    degraded: bool = False


def lookup(
    events: Sequence[AlarmEvent], catalog: Catalog, now_ms: int, unknown_as: State | None = None
) -> list[Context | Missing]:
    """Look a batch up in one go. Raises CatalogUnavailable."""
    if not events:
        return []
    snapshot = catalog.snapshot(
        {(e.tenant_id, e.entity_id, e.check_id, e.alarm_id, _plan_hint(e)) for e in events}
    )
    return [_context(event, snapshot, now_ms, unknown_as) for event in events]


def _context(
    event: AlarmEvent, snapshot: Snapshot, now_ms: int, unknown_as: State | None
) -> Context | Missing:
    tenant = event.tenant_id
    if is_summary(event):
        return _of_account(snapshot.account(tenant), degraded=snapshot.degraded)
    entity = snapshot.entity(tenant, event.entity_id)
    check = snapshot.check(tenant, event.entity_id, event.check_id)
    alarm = live_alarm = snapshot.alarm(tenant, event.entity_id, event.alarm_id)
    degraded = snapshot.degraded or entity is None or check is None or alarm is None
    in_catalog = snapshot.degraded or any(row is not None for row in (entity, check, alarm))
    entity = entity or _from_event(event.entity, event.entity_id, Entity)
    check = check or _from_event(event.check, event.check_id, Check)
    alarm = alarm or _from_event(event.alarm, event.alarm_id, Alarm)
    if entity is None or check is None or alarm is None:
        rows = {"entity": entity, "check": check, "alarm": alarm}
        return Missing(what=_missing(event, rows), degraded=snapshot.degraded)
    plan, plan_id = _plan_in_force(event, live_alarm, snapshot)
    state = unknown_as if event.state is State.UNKNOWN and unknown_as else event.state
    listed = plan.targets_for(state)
    return Context(
        account=snapshot.account(tenant),
        entity=entity,
        check=check,
        alarm=alarm,
        plan=plan,
        plan_id=plan_id,
        listed=listed,
        targets=_targets(tenant, plan.all_targets, snapshot),
        suppressed_by=tuple(
            s.id for s in snapshot.suppressions(tenant) if suppresses(s, event, plan_id, now_ms)
        ),
        zones=_zones(event, snapshot),
        degraded=degraded,
        in_catalog=in_catalog,
    )


def _missing(event: AlarmEvent, rows: Mapping[str, object | None]) -> str:
    if problem_of(event) is not None:
        return (
            f"{event.entity_id}, which this recovery ends, is not known: it came before its topic "
            "was connected, has not come yet, or is forgotten"
        )
    ids = {"entity": event.entity_id, "check": event.check_id, "alarm": event.alarm_id}
    unknown = ", ".join(f"{kind} {ids[kind]}" for kind, row in rows.items() if row is None)
    return f"{unknown} of tenant {event.tenant_id}: not in the catalog, no snapshot"


def _of_account(account: Account | None, *, degraded: bool) -> Context:
    """Of what is no alarm's: nothing of it is in the catalog, and no plan says whom to tell."""
    return Context(
        account=account,
        entity=None,
        check=None,
        alarm=None,
        plan=None,
        plan_id=None,
        degraded=degraded,
    )


def _plan_hint(event: AlarmEvent) -> str | None:
    """The plan to fetch beside the live alarm's: what the event says, or its alarm snapshot."""
    return event.notification_plan_id or _text((event.alarm or {}).get("notification_plan_id"))


def _plan_in_force(
    event: AlarmEvent, live_alarm: Alarm | None, snapshot: Snapshot
) -> tuple[Plan, str]:
    """The live alarm's plan, or else the event's hint; an unknown plan is the account's default."""
    wanted = (live_alarm and live_alarm.notification_plan_id) or _plan_hint(event)
    if wanted == MANAGED_PLAN:
        return _every_state(MANAGED_PLAN, MANAGED), MANAGED_PLAN
    if wanted is not None and wanted != TECHNICAL_CONTACTS_PLAN:
        plan = snapshot.plan(event.tenant_id, wanted)
        if plan is not None and plan.deleted_at is None:
            return plan, wanted
    return _every_state(TECHNICAL_CONTACTS_PLAN, TECHNICAL_CONTACTS), TECHNICAL_CONTACTS_PLAN


def _every_state(plan_id: str, target: Target) -> Plan:
    ids = [target.id]
    return Plan(id=plan_id, critical_state=ids, warning_state=ids, ok_state=ids)


def _targets(tenant: str, ids: Sequence[str], snapshot: Snapshot) -> dict[str, Target]:
    found: dict[str, Target] = {}
    for id_ in ids:
        target = _BUILT_IN_TARGETS.get(id_) or snapshot.target(tenant, id_)
        if target is not None and target.deleted_at is None:
            found[id_] = target
    return found


def _zones(event: AlarmEvent, snapshot: Snapshot) -> dict[str, Zone]:
    if not event.observations:
        return {}
    ids = {o.monitoring_zone_id for o in event.observations if o.monitoring_zone_id}
    return {id_: zone for id_ in ids if (zone := snapshot.zone(id_)) is not None}


def suppresses(suppression: Suppression, event: AlarmEvent, plan_id: str, now_ms: int) -> bool:
    """Whether a maintenance window silences this event now.

    Any of the scopes matches; the plans are an extra filter, and alone they are the scope.
    A window without scopes and plans silences the whole account.
    """
    if suppression.deleted_at is not None:
        return False
    if not suppression.start_time <= now_ms < suppression.end_time:
        return False
    plans = suppression.notification_plans or []
    if plans and plan_id not in plans:
        return False
    scopes = (
        (suppression.entities or [], event.entity_id),
        (suppression.checks or [], f"{event.entity_id}:{event.check_id}"),
        (suppression.alarms or [], f"{event.entity_id}:{event.alarm_id}"),
    )
    scoped = [(listed, wanted) for listed, wanted in scopes if listed]
    return not scoped or any(wanted in listed for listed, wanted in scoped)


def _from_event(snapshot: dict[str, Any] | None, id_: str, row: type[_Row]) -> _Row | None:
    """The event's own snapshot as a row; fields of a wrong kind make it unusable, not the event."""
    if not snapshot:
        return None
    try:
        return convert(snapshot | {"id": id_}, row, strict=False)
    except msgspec.ValidationError:
        return row(id=id_, label=_text(snapshot.get("label")))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
