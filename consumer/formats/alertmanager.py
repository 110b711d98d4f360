"""The webhook of Prometheus Alertmanager, version 4; many systems speak it, such as vmalert."""

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET

from consumer.domain.alarm import Emits, State
from consumer.formats.alert_groups import ENTITIES, SEVERITIES, events_of, group_of
from consumer.formats.mapping import FormatMapping
from consumer.formats.markers import Markers
from consumer.formats.parts import Headers, Part

NAME: Final = "alertmanager"
EMITS: Final = Emits.REPEATS
MAPPING: Final = FormatMapping(
    source=NAME,
    default_tenant="",
    tenant=("tenant", "tenant_id"),
    entity=ENTITIES,
    check=("job",),
    alarm=(),
    plan=("notification_plan",),
    severity=("severity",),
    status=("summary", "description", "message"),
    link=("dashboard_url", "dashboard", "runbook_url"),
    states=SEVERITIES,
    default_state=State.WARNING,
)


def matches(markers: Markers) -> bool:
    return (
        markers.schema is UNSET
        and markers.alerts is not UNSET
        and markers.version is not UNSET
        and markers.org_id is UNSET
    )


def decode(value: bytes, headers: Headers, mapping: FormatMapping) -> Sequence[Part]:  # noqa: ARG001 - the signature of all formats
    """An event for each alert of the group. Raises InvalidMessage."""
    return events_of(group_of(value, frozenset({"4"})), mapping)
