"""What a batch of events needs, in a few questions to a slow catalog."""

from collections.abc import Callable, Collection, Iterator
from typing import TypeAlias

from consumer.adapters.catalog.index import Index
from consumer.adapters.catalog.rows import SHARED, Row, ValueType
from consumer.adapters.catalog.source import Wanted
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
from consumer.ports import LookupKey

#: Answers with rows, and whether some of them are too old or could not be read.
Get: TypeAlias = Callable[[ValueType, Collection[Wanted]], tuple[list[Row], bool]]


def gather(keys: Collection[LookupKey], get: Get) -> tuple[Index, bool]:
    """One question per kind of row: each round asks for what the rounds before led to."""
    index, degraded = Index(), False

    def ask(kind: ValueType, wanted: set[Wanted]) -> None:
        nonlocal degraded
        rows, doubtful = get(kind, wanted)
        index.add(rows)
        degraded |= doubtful

    ask(Account, {(SHARED, tenant) for tenant, *_ in keys})
    owned = {(index.tenant_of(key[0]), *key[1:]) for key in keys}
    ask(Entity, {(tenant, entity) for tenant, entity, *_ in owned})
    ask(Check, {(tenant, check) for tenant, _, check, *_ in owned})
    ask(Alarm, {(tenant, alarm) for tenant, _, _, alarm, _ in owned})
    ask(Suppression, {(tenant, "") for tenant, *_ in owned})
    ask(Zone, {(SHARED, "")} if owned else set())
    plans = {(key[0], plan) for key in owned for plan in _plans(index, key)}
    ask(Plan, plans)
    ask(Target, {(tenant, id_) for tenant, plan in plans for id_ in _listed(index, tenant, plan)})
    return index, degraded


def _plans(index: Index, key: LookupKey) -> Iterator[str]:
    """The live alarm's plan, and the one that the event names."""
    tenant, entity, _, alarm_id, hint = key
    alarm = index.find(Alarm, tenant, alarm_id, entity)
    if alarm is not None and alarm.notification_plan_id:
        yield alarm.notification_plan_id
    if hint:
        yield hint


def _listed(index: Index, tenant: str, plan_id: str) -> Iterator[str]:
    plan = index.find(Plan, tenant, plan_id)
    if plan is not None:
        for ids in (plan.critical_state, plan.warning_state, plan.ok_state):
            yield from ids or ()
