"""OpenStack Monasca: `alarm-transitioned`, as it lies in its topic `alarm-state-transitions`.

It has no id of its own: the event's is derived from alarm, states and time.
"""

from typing import Any, Final

import msgspec
from msgspec import UNSET

from consumer.domain.alarm import AlarmEvent, Emits, Metric, State
from consumer.domain.identity import derived_event_id
from consumer.formats.ids import as_labels
from consumer.formats.mapping import FormatMapping, first_of
from consumer.formats.markers import Markers
from consumer.formats.mending import object_or_none, text_or_none, to_milliseconds, typed
from consumer.formats.naming import identifier
from consumer.formats.parts import Headers
from consumer.formats.problems import mismatch, quoted
from consumer.formats.times import seconds_or_milliseconds

NAME: Final = "monasca"
EMITS: Final = Emits.CHANGES
MAPPING: Final = FormatMapping(
    source=NAME,
    entity=("hostname", "host", "resource_id", "instance_id", "device", "service", "cluster"),
    plan=("notification_plan",),
    states={
        "ok": State.OK,
        "undetermined": State.UNKNOWN,
        # ALARM means what the severity of the alarm's definition says.
        "low": State.WARNING,
        "medium": State.WARNING,
        "high": State.CRITICAL,
        "critical": State.CRITICAL,
    },
    default_state=State.CRITICAL,
)

_STATES: Final = ("OK", "ALARM", "UNDETERMINED")


class _Transition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    tenant_id: str
    alarm_id: str
    alarm_name: str
    new_state: str
    timestamp: int | float
    old_state: str | None = None
    alarm_definition_id: str | None = None
    alarm_description: str | None = None
    actions_enabled: bool = True
    state_change_reason: str | None = None
    severity: str | None = None
    link: str | None = None
    lifecycle_state: str | None = None
    metrics: Any = None
    sub_alarms: Any = None


class _Message(msgspec.Struct, frozen=True):
    transition: _Transition = msgspec.field(name="alarm-transitioned")


_DECODER: Final = msgspec.json.Decoder(_Message)


def matches(markers: Markers) -> bool:
    return markers.alarm_transitioned is not UNSET and markers.schema is UNSET


def decode(value: bytes, headers: Headers, mapping: FormatMapping) -> list[AlarmEvent]:  # noqa: ARG001 - the signature of all formats
    """The one event of a transition. Raises InvalidMessage."""
    told = typed(value, _DECODER, _mend).transition
    source = mapping.source or NAME
    timestamp = seconds_or_milliseconds(told.timestamp)
    dimensions, names = _metrics(told.metrics)
    entity = first_of(dimensions, mapping.entity) or told.alarm_name
    check_id = identifier(told.alarm_definition_id or told.alarm_name)
    event = AlarmEvent(
        id=derived_event_id(
            source, told.tenant_id, told.alarm_id, told.old_state, told.new_state, timestamp
        ),
        source=source,
        tenant_id=told.tenant_id,
        entity_id=identifier(entity),
        check_id=check_id,
        alarm_id=told.alarm_id,
        state=_state("newState", told.new_state, told.severity, mapping),
        previous_state=None
        if told.old_state is None
        else _state("oldState", told.old_state, told.severity, mapping),
        timestamp=timestamp,
        status=told.state_change_reason or told.alarm_description or None,
        notification_plan_id=first_of(dimensions, mapping.plan),
        metrics=_values(told.sub_alarms),
        entity={"id": identifier(entity), "label": entity},
        check={"id": check_id, "label": told.alarm_name, "type": ", ".join(names) or None},
        alarm={"id": told.alarm_id, "label": told.alarm_name},
        link=told.link or None,
        actions_enabled=told.actions_enabled,
        attributes=dimensions | _told_beside(told),
    )
    return [event]


def _state(field: str, word: str, severity: str | None, mapping: FormatMapping) -> State:
    if word not in _STATES:
        raise mismatch(field, f"{quoted(word)}, expected {', '.join(_STATES)}")
    state = mapping.state_of(word, severity)
    if state is None:
        raise mismatch("severity", f"{quoted(severity)} is no word of the mapping's states")
    return state


def _metrics(given: object) -> tuple[dict[str, str], list[str]]:
    """The dimensions in which all metrics agree, and the metrics' names; in no order of theirs."""
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    for metric in _objects(given):
        names.add(text_or_none(metric.get("name")) or "")
        dimensions = metric.get("dimensions")
        for name, text in as_labels(object_or_none(dimensions) or {}).items():
            found.setdefault(name, set()).add(text)
    agreed = {name: min(values) for name, values in sorted(found.items()) if len(values) == 1}
    return agreed, sorted(names - {""})


def _values(sub_alarms: object) -> dict[str, Metric] | None:
    """The last value of each part of the alarm's expression."""
    values = {}
    for each in _objects(sub_alarms):
        expression, seen = text_or_none(each.get("subAlarmExpression")), each.get("currentValues")
        if expression and isinstance(seen, list) and seen and isinstance(seen[-1], int | float):
            values[expression] = Metric(type="n", data=seen[-1])
    return values or None


def _objects(given: object) -> list[dict[str, Any]]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _told_beside(told: _Transition) -> dict[str, str]:
    beside = {
        "severity": told.severity,
        "lifecycle_state": told.lifecycle_state,
        "description": told.alarm_description,
    }
    return {name: text for name, text in beside.items() if text}


def _mend(raw: dict[str, Any]) -> dict[str, Any]:
    """Whatever is not vital and does not fit becomes unknown, so that the alarm still goes out."""
    told = raw.get("alarm-transitioned")
    if not isinstance(told, dict):
        return raw
    mended = dict(told)
    for name in ("tenantId", "alarmId", "alarmName"):
        if name in told:
            mended[name] = text_or_none(told[name])
    for name in (
        "oldState",
        "alarmDefinitionId",
        "alarmDescription",
        "stateChangeReason",
        "severity",
        "link",
        "lifecycleState",
    ):
        mended[name] = text_or_none(told.get(name))
    if "timestamp" in told:
        mended["timestamp"] = to_milliseconds(told["timestamp"])
    # Whoever switched the actions off said so with a plain false.
    mended["actionsEnabled"] = told.get("actionsEnabled") is not False
    return {"alarm-transitioned": mended}
