"""The webhook of Grafana Alerting, from version 9 on: Alertmanager's, and more of it.

A rule that gets no data, or none without an error, sends an alert of another name in its place:
DatasourceNoData or DatasourceError. What these mean is a word of the mapping like any severity.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET

from consumer.domain.alarm import Emits, State
from consumer.formats.alert_groups import ENTITIES, SEVERITIES, events_of, group_of
from consumer.formats.mapping import FormatMapping
from consumer.formats.markers import Markers
from consumer.formats.parts import Headers, Part

NAME: Final = "grafana"
EMITS: Final = Emits.REPEATS
MAPPING: Final = FormatMapping(
    source=NAME,
    default_tenant="",
    tenant=("tenant", "tenant_id"),
    entity=(*ENTITIES, "grafana_folder"),
    check=("job",),
    alarm=(),
    plan=("notification_plan",),
    severity=("severity",),
    status=("summary", "description", "message"),
    link=(),
    states={
        **SEVERITIES,
        "datasourcenodata": State.UNKNOWN,
        "datasourceerror": State.UNKNOWN,
    },
    default_state=State.WARNING,
)


def matches(markers: Markers) -> bool:
    return markers.schema is UNSET and markers.alerts is not UNSET and markers.org_id is not UNSET


def decode(value: bytes, headers: Headers, mapping: FormatMapping) -> Sequence[Part]:  # noqa: ARG001 - the signature of all formats
    """An event for each alert of the group. Raises InvalidMessage."""
    return events_of(group_of(value, frozenset({"1"})), mapping)
