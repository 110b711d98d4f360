"""Salus EventNotification: the successor of Rackspace Cloud Monitoring tells a change of state.

Its `id` holds the time in steps of five minutes, so it is kept for correlation and the event's
identity is derived.
"""

from typing import Any, Final

import msgspec
from msgspec import UNSET

from consumer.domain.alarm import AlarmEvent, Emits, Metric, Observation, State
from consumer.domain.identity import derived_event_id
from consumer.formats.ids import as_labels, ids_among
from consumer.formats.mapping import FormatMapping, first_of, texts_of
from consumer.formats.markers import Markers
from consumer.formats.mending import object_or_none, text_or_none
from consumer.formats.parts import Headers
from consumer.formats.problems import mismatch
from consumer.formats.times import moment

NAME: Final = "salus"
EMITS: Final = Emits.CHANGES
MAPPING: Final = FormatMapping(
    source=NAME,
    default_tenant="",
    tenant=("tenantId",),
    entity=("resource_id", "taskId"),
    check=("metricGroup", "taskId"),
    # The task and the labels that it groups by: a state of its own for each group.
    alarm=("task",),
    plan=("notification_plan",),
    status=("message",),
    link=(),
    states={
        "ok": State.OK,
        "warning": State.WARNING,
        "critical": State.CRITICAL,
        "unknown": State.UNKNOWN,
    },
)

_TOLD: Final = frozenset({"tenantId", "task", "metricGroup", "message"})


class _Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    task_id: str
    state: str
    #: An instant in writing; Jackson may write seconds instead.
    timestamp: Any
    tenant_id: Any = None
    id: Any = None
    previous_state: Any = None
    observations: Any = None
    message: Any = None
    metric_group: Any = None
    metrics: Any = None
    grouping_labels: Any = None
    labels: Any = None


_DECODER: Final = msgspec.json.Decoder(_Event)


def matches(markers: Markers) -> bool:
    told = UNSET not in (markers.task_id, markers.tenant_id, markers.state)
    return told and markers.schema is UNSET


def decode(value: bytes, headers: Headers, mapping: FormatMapping) -> list[AlarmEvent]:  # noqa: ARG001 - the signature of all formats
    """The one event of a message. Raises InvalidMessage."""
    event = _DECODER.decode(value)
    state, timestamp = mapping.known_state("state", event.state), moment(event.timestamp)
    if timestamp is None:
        raise mismatch("timestamp", "is no time")
    labels = _labels(event)
    ids, source = ids_among(labels, mapping), mapping.source or NAME
    before = text_or_none(event.previous_state)
    previous = mapping.state_of(before) if before else None
    return [
        AlarmEvent(
            id=derived_event_id(source, ids.tenant, ids.alarm, previous, state, timestamp),
            event_id=text_or_none(event.id),
            source=source,
            tenant_id=ids.tenant,
            entity_id=ids.entity,
            check_id=ids.check,
            alarm_id=ids.alarm,
            state=state,
            previous_state=previous,
            status=texts_of(labels, mapping.status),
            timestamp=timestamp,
            notification_plan_id=first_of(labels, mapping.plan),
            metrics=_metrics(event.metrics),
            observations=_observations(event.observations),
            entity={"label": first_of(labels, mapping.entity)},
            check={"label": first_of(labels, mapping.check)},
            alarm={"label": labels.get("metricGroup", event.task_id)},
            link=first_of(labels, mapping.link),
            attributes={name: text for name, text in labels.items() if name not in _TOLD},
        )
    ]


def _labels(event: _Event) -> dict[str, str]:
    """Its labels, those that it groups by, and beside them what the event itself says."""
    groups = _grouping(event.grouping_labels)
    own = {
        "tenantId": event.tenant_id,
        "taskId": event.task_id,
        "task": "/".join([event.task_id, *(text for _, text in sorted(groups.items()))]),
        "metricGroup": event.metric_group,
        "message": event.message,
    }
    return as_labels(object_or_none(event.labels) or {}) | groups | as_labels(own)


def _grouping(listed: object) -> dict[str, str]:
    """A list of objects with one name each."""
    groups: dict[str, str] = {}
    for each in listed if isinstance(listed, list) else ():
        groups |= as_labels(object_or_none(each) or {})
    return groups


def _metrics(told: object) -> dict[str, Metric] | None:
    metrics = object_or_none(told) or {}
    return {
        name: Metric(type="s" if isinstance(data, str) else "n", data=data)
        for name, data in metrics.items()
    } or None


def _observations(told: object) -> list[Observation]:
    seen = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    return [
        Observation(
            monitoring_zone_id=text_or_none(each.get("zone")),
            state=text_or_none(each.get("state")),
        )
        for each in seen
    ]
