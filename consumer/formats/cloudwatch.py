"""AWS CloudWatch: an alarm's change of state, as EventBridge delivers it.

EventBridge delivers at least once; its `id` stays the same. A metric alarm names its metric and
dimensions, one on an expression perhaps several, a composite alarm has a rule instead.
"""

from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import UNSET

from consumer.domain.alarm import AlarmEvent, Emits, State
from consumer.domain.identity import derived_event_id
from consumer.formats.ids import as_labels, ids_among
from consumer.formats.mapping import FormatMapping, first_of, texts_of
from consumer.formats.markers import Markers
from consumer.formats.mending import object_or_none, text_or_none
from consumer.formats.parts import Headers
from consumer.formats.problems import mismatch
from consumer.formats.times import written_time

NAME: Final = "cloudwatch"
EMITS: Final = Emits.CHANGES
#: A dimension that names a thing by itself comes before all dimensions together.
MAPPING: Final = FormatMapping(
    source=NAME,
    default_tenant="",
    tenant=("account",),
    entity=(
        *("InstanceId", "DBInstanceIdentifier", "LoadBalancer", "FunctionName", "QueueName"),
        *("TableName", "AutoScalingGroupName", "dimensions", "resource", "alarmName"),
    ),
    check=("metric", "alarmName"),
    alarm=("resource", "alarmName"),
    plan=(),
    status=("reason",),
    link=(),
    states={"ok": State.OK, "alarm": State.CRITICAL, "insufficient_data": State.UNKNOWN},
)

_DETAIL_TYPE: Final = "CloudWatch Alarm State Change"
#: Of the labels, what the mail says elsewhere.
_TOLD: Final = frozenset(
    {"account", "resource", "alarmName", "reason", "dimensions", "namespace", "link"}
)


class _State(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    value: str
    reason: Any = None
    timestamp: Any = None
    #: On a composite alarm: what holds its actions back at the moment.
    actions_suppressed_by: Any = None


class _Detail(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    alarm_name: str
    state: _State
    previous_state: Any = None
    configuration: Any = None


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    detail: _Detail
    id: Any = None
    account: Any = None
    region: Any = None
    time: Any = None
    resources: Any = None


class _Kind(msgspec.Struct, frozen=True):
    """Read first: what is no change of state has other fields as well."""

    detail_type: str = msgspec.field(name="detail-type")


_DECODER: Final = msgspec.json.Decoder(_Event)
_KIND: Final = msgspec.json.Decoder(_Kind)


def matches(markers: Markers) -> bool:
    told = UNSET not in (markers.detail_type, markers.detail)
    return told and markers.schema is UNSET


def decode(value: bytes, headers: Headers, mapping: FormatMapping) -> list[AlarmEvent]:  # noqa: ARG001 - the signature of all formats
    """The one event of a message. Raises InvalidMessage."""
    kind = _KIND.decode(value).detail_type
    if kind != _DETAIL_TYPE:
        raise mismatch("detail-type", f"{kind} is not {_DETAIL_TYPE}")
    event = _DECODER.decode(value)
    detail, labels = event.detail, _labels(event)
    ids, source = ids_among(labels, mapping), mapping.source or NAME
    state = mapping.known_state("detail.state.value", detail.state.value)
    timestamp = _timestamp(event)
    before = text_or_none((object_or_none(detail.previous_state) or {}).get("value"))
    previous = mapping.state_of(before) if before else None
    derived = derived_event_id(source, ids.tenant, ids.alarm, previous, state, timestamp)
    return [
        AlarmEvent(
            id=text_or_none(event.id) or derived,
            source=source,
            tenant_id=ids.tenant,
            entity_id=ids.entity,
            check_id=ids.check,
            alarm_id=ids.alarm,
            state=state,
            previous_state=previous,
            status=texts_of(labels, mapping.status),
            timestamp=timestamp,
            produced_at=written_time(event.time),
            notification_plan_id=first_of(labels, mapping.plan),
            entity={"label": first_of(labels, mapping.entity)},
            check={"label": detail.alarm_name, "type": labels.get("namespace")},
            alarm={"label": detail.alarm_name},
            link=first_of(labels, mapping.link) or labels.get("link"),
            actions_enabled=detail.state.actions_suppressed_by is None,
            attributes={name: text for name, text in labels.items() if name not in _TOLD},
        )
    ]


def _timestamp(event: _Event) -> int:
    """When the state changed, or else when EventBridge heard of it."""
    changed = written_time(event.detail.state.timestamp)
    moment = written_time(event.time) if changed is None else changed
    if moment is None:
        raise mismatch("detail.state.timestamp", "is no time, nor is that of the event")
    return moment


def _labels(event: _Event) -> dict[str, str]:
    """Dimensions by their names, and beside them what the alarm itself has to say."""
    detail, resources = event.detail, event.resources
    configuration = object_or_none(detail.configuration) or {}
    statistic = _statistic(configuration.get("metrics"))
    metric = object_or_none(statistic.get("metric")) or {}
    dimensions = as_labels(object_or_none(metric.get("dimensions")) or {})
    names = [text for key in ("namespace", "name") if (text := text_or_none(metric.get(key)))]
    arn = text_or_none(resources[0]) if isinstance(resources, list) and resources else None
    own = {
        "account": event.account,
        "region": event.region,
        "resource": arn,
        "alarmName": detail.alarm_name,
        "namespace": metric.get("namespace"),
        "metric": "/".join(names),
        "dimensions": "/".join(text for _, text in sorted(dimensions.items())),
        "statistic": statistic.get("stat"),
        "period": statistic.get("period"),
        "rule": configuration.get("alarmRule"),
        "description": configuration.get("description"),
        "reason": detail.state.reason,
        "link": _console(arn, event.region, detail.alarm_name),
    }
    return dimensions | as_labels(own)


def _statistic(metrics: object) -> dict[str, Any]:
    """The first metric of the alarm: of an expression it is one among several."""
    listed = metrics if isinstance(metrics, list) else []
    found = (object_or_none(each.get("metricStat")) for each in listed if isinstance(each, dict))
    return next((statistic for statistic in found if statistic), {})


def _console(arn: str | None, region: object, name: str) -> str | None:
    """The alarm's page; not where the console has another address, as in China."""
    if not isinstance(region, str) or arn is None or not arn.startswith("arn:aws:"):
        return None
    place = f"https://{quote(region)}.console.aws.amazon.com/cloudwatch/home"
    return f"{place}?region={quote(region)}#alarmsV2:alarm/{quote(name, safe='')}"
