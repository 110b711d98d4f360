"""Zabbix's real-time export: a problem with all there is to say of it, and later its end.

The end names the problem's event id and nothing else: `consumer/domain/recovery.py` says what
becomes of it. Hosts were plain names before 4.4, and older versions tell no severity. One recovery
may end several problems, so its id alone does not make the event's.
"""

import re
import uuid
from typing import Any, Final

import msgspec
from msgspec import UNSET

from consumer.domain.alarm import AlarmEvent, Emits, State
from consumer.domain.identity import NS_EVENT
from consumer.domain.recovery import recovers, remembered
from consumer.formats.ids import as_labels, ids_among
from consumer.formats.mapping import FormatMapping, first_of, texts_of
from consumer.formats.markers import Markers
from consumer.formats.mending import text_or_none
from consumer.formats.parts import Headers
from consumer.formats.problems import mismatch

NAME: Final = "zabbix"
EMITS: Final = Emits.CHANGES
MAPPING: Final = FormatMapping(
    source=NAME,
    default_tenant="default",
    tenant=("tenant",),
    entity=("host",),
    check=("component", "name"),
    alarm=("name",),
    plan=("notification_plan",),
    status=("name",),
    link=(),
    severity=("severity",),
    # The words that Zabbix shows for these numbers are asked for first.
    states={
        **dict.fromkeys("0123", State.WARNING),
        **dict.fromkeys("45", State.CRITICAL),
    },
    default_state=State.CRITICAL,
)

_PROBLEM: Final = 1
_RECOVERY: Final = 0
_NUMBER: Final = re.compile(r"[0-9]{1,20}")
#: 10000-01-01; the times of a problem are checked after this by what all formats must keep.
_LAST_CLOCK: Final = 253_402_300_800
_NANOSECONDS: Final = 1_000_000_000
_SEVERITIES: Final = ("not classified", "information", "warning", "average", "high", "disaster")
_WORDS: Final = {str(number): word for number, word in enumerate(_SEVERITIES)}
_TOLD: Final = frozenset({"host", "visible name", "group", "name"})


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    clock: int
    value: int
    eventid: Any
    ns: Any = None
    p_eventid: Any = None
    name: Any = None
    severity: Any = None
    hosts: Any = None
    groups: Any = None
    tags: Any = None


_DECODER: Final = msgspec.json.Decoder(_Event)


def matches(markers: Markers) -> bool:
    told = UNSET not in (markers.clock, markers.eventid, markers.value)
    return told and markers.schema is UNSET


def decode(value: bytes, headers: Headers, mapping: FormatMapping) -> list[AlarmEvent]:  # noqa: ARG001 - the signature of all formats
    """The one event of a line. Raises InvalidMessage."""
    event = _DECODER.decode(value)
    if event.value == _PROBLEM:
        return [_problem(event, mapping)]
    if event.value == _RECOVERY:
        return [_recovery(event, mapping)]
    raise mismatch("value", f"{event.value} is neither 1, a problem, nor 0, its end")


def _problem(event: _Event, mapping: FormatMapping) -> AlarmEvent:
    number = _number("eventid", event.eventid)
    labels = _labels(event)
    ids, source = ids_among(labels, mapping), mapping.source or NAME
    severity = first_of(labels, mapping.severity)
    state = mapping.state_of(_WORDS.get(severity or ""), severity)
    if state is None:
        raise mismatch("severity", "means no state that we know")
    return AlarmEvent(
        id=_event_id(source, number),
        event_id=number,
        source=source,
        tenant_id=ids.tenant,
        entity_id=ids.entity,
        check_id=ids.check,
        alarm_id=ids.alarm,
        state=state,
        status=texts_of(labels, mapping.status),
        timestamp=_milliseconds(event),
        notification_plan_id=first_of(labels, mapping.plan),
        entity={"label": labels.get("visible name") or first_of(labels, mapping.entity)},
        check={"label": first_of(labels, mapping.alarm)},
        alarm={"label": first_of(labels, mapping.alarm)},
        link=first_of(labels, mapping.link),
        attributes=_shown(labels) | remembered(),
    )


def _recovery(event: _Event, mapping: FormatMapping) -> AlarmEvent:
    source = mapping.source or NAME
    number, problem = _number("eventid", event.eventid), _number("p_eventid", event.p_eventid)
    unknown = f"problem {problem}"
    return AlarmEvent(
        id=_event_id(source, number, problem),
        event_id=problem,
        source=source,
        tenant_id=mapping.default_tenant or source,
        entity_id=unknown,
        check_id=unknown,
        alarm_id=unknown,
        state=State.OK,
        status="Resolved",
        timestamp=_milliseconds(event),
        attributes=recovers(_event_id(source, problem)),
    )


def _event_id(source: str, *numbers: str) -> str:
    return str(uuid.uuid5(NS_EVENT, "|".join((source, *numbers))))


def _number(field: str, value: object) -> str:
    """The number of an event: 64 bits, as a number or in a text."""
    text = text_or_none(value) or ""
    if not _NUMBER.fullmatch(text):
        raise mismatch(field, "is not the number of an event")
    return text


def _milliseconds(event: _Event) -> int:
    if not 0 <= event.clock < _LAST_CLOCK:
        raise mismatch("clock", "is no time in seconds")
    exact = type(event.ns) is int and 0 <= event.ns < _NANOSECONDS
    return event.clock * 1000 + (event.ns // 1_000_000 if exact else 0)


def _labels(event: _Event) -> dict[str, str]:
    """Tags by their names, and beside them what the problem itself says.

    Of a tag with several values the first in alphabetical order counts: an alarm keeps its ids.
    """
    tags = sorted(
        (tag, text)
        for each in _objects(event.tags)
        if (tag := text_or_none(each.get("tag"))) and (text := text_or_none(each.get("value")))
    )
    own = {
        "host": _host(event.hosts, "host"),
        "visible name": _host(event.hosts, "name"),
        "group": next(iter(_texts(event.groups)), None),
        "groups": ", ".join(_texts(event.groups)),
        "severity": event.severity,
        "name": event.name,
    }
    return as_labels(dict(reversed(tags))) | as_labels(own)


def _shown(labels: dict[str, str]) -> dict[str, str]:
    """What the mail does not say elsewhere, the severity as people know it."""
    shown = {name: text for name, text in labels.items() if name not in _TOLD}
    number = shown.get("severity", "")
    return shown | ({"severity": _WORDS[number]} if number in _WORDS else {})


def _objects(listed: object) -> list[dict[str, Any]]:
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _texts(listed: object) -> list[str]:
    found = (text_or_none(each) for each in listed) if isinstance(listed, list) else ()
    return [text for text in found if text]


def _host(hosts: object, name: str) -> str | None:
    """Of the first host: its technical or its visible name, which may be all there is."""
    first = hosts[0] if isinstance(hosts, list) and hosts else None
    return text_or_none(first.get(name)) if isinstance(first, dict) else text_or_none(first)
