"""A catalog for those who have none: whatever is asked for, it leads to one address."""

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.catalog import (
    Account,
    Alarm,
    Check,
    ContactPerson,
    Contacts,
    Entity,
    Plan,
    Suppression,
    Target,
    Zone,
)
from consumer.ports import LookupKey, Snapshot

PREVIEW_ADDRESS: Final = "preview@example.com"


class StandInCatalog:
    """`ports.Catalog` with an account, and a plan for each id; it knows no entity, check or alarm.

    So the event's own snapshots are used for these.
    """

    def snapshot(self, keys: Collection[LookupKey]) -> Snapshot:  # noqa: ARG002 - all are alike
        return _StandIn()

    def ping(self) -> None:
        """It is always there."""

    def close(self) -> None:
        """Nothing is held open."""


def with_snapshots(event: AlarmEvent) -> AlarmEvent:
    """The event with something to look at where it brings no snapshots: the bare ids."""
    return msgspec.structs.replace(
        event,
        entity=event.entity or {"id": event.entity_id},
        check=event.check or {"id": event.check_id},
        alarm=event.alarm or {"id": event.alarm_id},
    )


class _StandIn:
    degraded = False

    def account(self, tenant_id: str) -> Account:
        person = ContactPerson(email_address=PREVIEW_ADDRESS, role=["technical"])
        return Account(id=tenant_id, external_id=tenant_id, contacts=Contacts(contacts=[person]))

    def entity(self, *_ids: str) -> Entity | None:
        return None

    def check(self, *_ids: str) -> Check | None:
        return None

    def alarm(self, *_ids: str) -> Alarm | None:
        return None

    def plan(self, tenant_id: str, plan_id: str) -> Plan:  # noqa: ARG002 - for any tenant
        ids = ["ntPreview"]
        return Plan(id=plan_id, critical_state=ids, warning_state=ids, ok_state=ids)

    def target(self, tenant_id: str, target_id: str) -> Target:  # noqa: ARG002 - for any tenant
        return Target(id=target_id, type="email", details={"address": PREVIEW_ADDRESS})

    def zone(self, *_ids: str) -> Zone | None:
        return None

    def suppressions(self, tenant_id: str) -> Sequence[Suppression]:  # noqa: ARG002 - none
        return ()
