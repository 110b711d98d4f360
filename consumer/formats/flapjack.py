"""Flapjack's events: the result of one check, short enough to be written by hand.

A check tells its state each time it runs. `time` is in seconds; tags such as `tenant:487000` are
labels.
"""

import re
from typing import Any, Final

import msgspec
from msgspec import UNSET

from consumer.domain.alarm import AlarmEvent, Emits, State
from consumer.domain.identity import derived_event_id
from consumer.formats.ids import as_labels, ids_among
from consumer.formats.mapping import FormatMapping, first_of, texts_of
from consumer.formats.markers import Markers
from consumer.formats.mending import text_or_none
from consumer.formats.parts import Headers
from consumer.formats.problems import mismatch
from consumer.formats.times import moment

NAME: Final = "flapjack"
EMITS: Final = Emits.REPEATS
MAPPING: Final = FormatMapping(
    source=NAME,
    default_tenant="default",
    tenant=("tenant",),
    entity=("entity",),
    check=("check",),
    alarm=("check",),
    plan=("notification_plan",),
    status=("summary", "details"),
    link=(),
    states={
        "ok": State.OK,
        "warning": State.WARNING,
        "critical": State.CRITICAL,
        "unknown": State.UNKNOWN,
    },
)

_TOLD: Final = frozenset({"entity", "check", "summary", "details"})
_TAG: Final = re.compile(r"([^:=]+)[:=](.+)", re.DOTALL)


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    entity: str
    check: str
    state: str
    type: str = "service"
    time: Any = None
    #: What it is called in older writings.
    timestamp: Any = None
    summary: Any = None
    details: Any = None
    tags: Any = None


_DECODER: Final = msgspec.json.Decoder(_Event)


def matches(markers: Markers) -> bool:
    """Last to be tried: entity, check and state are everybody's words."""
    told = UNSET not in (markers.entity, markers.check, markers.state)
    return told and markers.schema is UNSET


def decode(value: bytes, headers: Headers, mapping: FormatMapping) -> list[AlarmEvent]:  # noqa: ARG001 - the signature of all formats
    """The one event of a message. Raises InvalidMessage, for acknowledgements as well."""
    event = _DECODER.decode(value)
    if event.type != "service":
        raise mismatch("type", f"{event.type} is not service: only checks have states")
    state = mapping.known_state("state", event.state)
    timestamp = moment(event.time if event.time is not None else event.timestamp)
    if timestamp is None:
        raise mismatch("time", "is no time in seconds")
    labels = _labels(event)
    ids, source = ids_among(labels, mapping), mapping.source or NAME
    # Many entities have a check of the same name, and may run it in the same second.
    one = f"{ids.entity}:{ids.alarm}"
    return [
        AlarmEvent(
            id=derived_event_id(source, ids.tenant, one, None, state, timestamp),
            source=source,
            tenant_id=ids.tenant,
            entity_id=ids.entity,
            check_id=ids.check,
            alarm_id=ids.alarm,
            state=state,
            status=texts_of(labels, mapping.status),
            timestamp=timestamp,
            notification_plan_id=first_of(labels, mapping.plan),
            entity={"label": first_of(labels, mapping.entity)},
            check={"label": first_of(labels, mapping.check)},
            alarm={"label": first_of(labels, mapping.alarm)},
            link=first_of(labels, mapping.link),
            attributes={name: text for name, text in labels.items() if name not in _TOLD},
        )
    ]


def _labels(event: _Event) -> dict[str, str]:
    """What its tags say, and what it says itself."""
    tags = [text_or_none(tag) or "" for tag in event.tags] if isinstance(event.tags, list) else []
    told = [(found[1].strip(), found[2].strip()) for tag in tags if (found := _TAG.fullmatch(tag))]
    own = {
        "entity": event.entity,
        "check": event.check,
        "summary": event.summary,
        "details": event.details,
    }
    return as_labels(dict(sorted(told, reverse=True))) | as_labels(own)
