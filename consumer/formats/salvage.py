"""Which ids can still be read from a message that cannot be processed.

So that the tracking record of a refused message can be found by tenant, alarm or event id.
"""

from typing import Any

import msgspec

from consumer.domain.alarm import State
from consumer.domain.tracking import TrackedEvent
from consumer.formats.checks import is_identifier, is_plausible
from consumer.formats.mending import object_or_none, to_milliseconds
from consumer.formats.problems import READ_ERRORS
from consumer.formats.reading import PARSE_LIMIT_BYTES


def salvage(value: bytes | None) -> TrackedEvent:
    """What can be read for sure; all None where the message is no JSON object or is huge."""
    if not value or len(value) > PARSE_LIMIT_BYTES:
        return TrackedEvent(id=None)
    try:
        raw = msgspec.json.decode(value)
    except READ_ERRORS:
        return TrackedEvent(id=None)
    return _readable(raw) if isinstance(raw, dict) else TrackedEvent(id=None)


def _readable(raw: dict[str, Any]) -> TrackedEvent:
    """Our own fields, or what other formats call them: the Rackspace payload, Monasca, Salus."""
    raw = object_or_none(raw.get("alarm-transitioned")) or raw
    details = object_or_none(raw.get("details")) or {}
    snapshots = {name: object_or_none(raw.get(name)) or {} for name in ("entity", "check", "alarm")}
    return TrackedEvent(
        id=_text(raw.get("id")) or _text(raw.get("log_entry_id")),
        event_id=_text(raw.get("event_id")),
        tenant_id=_text(raw.get("tenant_id")) or _text(raw.get("tenantId")),
        entity_id=_text(raw.get("entity_id")) or _text(snapshots["entity"].get("id")),
        check_id=_text(raw.get("check_id")) or _text(snapshots["check"].get("id")),
        alarm_id=_text(raw.get("alarm_id"))
        or _text(snapshots["alarm"].get("id"))
        or _text(raw.get("alarmId")),
        state=_state(raw.get("state")) or _state(details.get("state")),
        previous_state=_state(raw.get("previous_state")),
        timestamp=_time(raw.get("timestamp")) or _time(details.get("timestamp")),
        txn_id=_text(raw.get("txn_id")) or _text(details.get("txn_id")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and is_identifier(value) else None


def _state(value: object) -> State | None:
    return State(value) if isinstance(value, str) and value in State.__members__ else None


def _time(value: object) -> int | None:
    time = to_milliseconds(value)
    return time if type(time) is int and is_plausible(time) else None
