"""AWS CloudWatch: an alarm's change of state, as EventBridge delivers it.

EventBridge delivers at least once; its `id` stays the same. A metric alarm names its metric and
dimensions, one on a mathematical expression perhaps several, a composite alarm none.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import UNSET

from consumer.domain.alarm import AlarmEvent, Emits, State
from consumer.domain.identity import derived_event_id
from consumer.formats.mapping import FormatMapping, first_of
from consumer.formats.markers import Markers
from consumer.formats.mending import object_or_none, text_or_none
from consumer.formats.naming import identifier
from consumer.formats.parts import Headers
from consumer.formats.problems import mismatch
from consumer.formats.times import written_time

NAME: Final = "cloudwatch"
EMITS: Final = Emits.CHANGES
#: Dimensions that name a thing on their own come before all dimensions together.
MAPPING: Final = FormatMapping(
    source="cloudwatch",
    tenant=("account",),
    entity=(
        *("InstanceId", "DBInstanceIdentifier", "LoadBalancer", "FunctionName", "QueueName"),
        *("TableName", "AutoScalingGroupName", "dimensions", "resource", "alarmName"),
    ),
    check=("metric", "alarmName"),
    alarm=("resource", "alarmName"),
    states={"ok": State.OK, "alarm": State.CRITICAL, "insufficient_data": State.UNKNOWN},
)

_DETAIL_TYPE: Final = "CloudWatch Alarm State Change"
_SHOWN: Final = ("region", "metric", "statistic", "period", "rule")


class _State(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    value: str
    reason: Any = None
    timestamp: Any = None
    #: On a composite alarm whose actions another alarm, or a pause, holds back at the moment.
    actions_suppressed_by: Any = None


class _Detail(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    alarm_name: str
    state: _State
    previous_state: Any = None
    configuration: Any = None


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    detail_type: str = msgspec.field(name="detail-type")
    detail: _Detail
    id: Any = None
    account: Any = None
    region: Any = None
    time: Any = None
    resources: Any = None


_DECODER: Final = msgspec.json.Decoder(_Event)
#: Only to look at the type before the rest is asked to fit.
_TYPE_DECODER: Final = msgspec.json.Decoder(Markers)


def matches(markers: Markers) -> bool:
    return markers.detail_type is not UNSET and markers.detail is not UNSET


def decode(value: bytes, headers: Headers, mapping: FormatMapping) -> list[AlarmEvent]:  # noqa: ARG001 - the signature of all formats
    """The one event of a message. Raises InvalidMessage."""
    event = _DECODER.decode(value)
    if event.detail_type != _DETAIL_TYPE:
        raise mismatch("detail-type", f"{event.detail_type} is not {_DETAIL_TYPE}")
    detail, labels = event.detail, _labels(event)
    state, timestamp = _state(detail, mapping), _timestamp(event)
    previous = _previous(detail, mapping)
    tenant_id = _required("account", first_of(labels, mapping.tenant) or mapping.default_tenant)
    alarm_id = _required("resources", first_of(labels, mapping.alarm))
    entity_id = _required("resources", first_of(labels, mapping.entity))
    check_id = _required("detail.configuration.metrics", first_of(labels, mapping.check))
    source = mapping.source or NAME
    return [
        AlarmEvent(
            id=text_or_none(event.id)
            or derived_event_id(source, tenant_id, alarm_id, previous, state, timestamp),
            source=source,
            tenant_id=tenant_id,
            entity_id=entity_id,
            check_id=check_id,
            alarm_id=alarm_id,
            state=state,
            previous_state=previous,
            status=text_or_none(detail.state.reason),
            timestamp=timestamp,
            produced_at=written_time(event.time),
            notification_plan_id=first_of(labels, mapping.plan),
            entity={"label": first_of(labels, mapping.entity)},
            check={"label": first_of(labels, mapping.check), "type": labels.get("namespace")},
            alarm={"label": detail.alarm_name},
            link=first_of(labels, mapping.link) or _console(labels),
            actions_enabled=detail.state.actions_suppressed_by is None,
            attributes={name: labels[name] for name in labels if name not in _IDS},
        )
    ]
