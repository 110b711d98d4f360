"""The webhook payload of Rackspace Cloud Monitoring, as it was sent from 2012 on.

Snapshots of entity, check and alarm may be null or missing: the ids are then read from `event_id`,
which is `{account}:{entity}:{alarm}:{check}:{time}:{STATE}`. A press of the test button has the
same shape with `event_id: "test_check"`, and the id of a notification as `log_entry_id`.
"""

import re
import uuid
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET

from consumer.domain.alarm import AlarmEvent, Emits, Metric, Observation, State
from consumer.domain.identity import NS_EVENT, derived_event_id
from consumer.formats.mapping import FormatMapping
from consumer.formats.markers import Markers
from consumer.formats.mending import object_or_none, text_or_none, to_milliseconds, typed
from consumer.formats.parts import Headers
from consumer.formats.problems import mismatch

NAME: Final = "rackspace"
EMITS: Final = Emits.CHANGES
#: The name that the product's alerting engine goes by, as `source` of its events.
SOURCE: Final = "ele"
#: Nothing to choose: the product's words are ours.
MAPPING: Final = FormatMapping()

_TEST: Final = "test_check"
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class _Details(msgspec.Struct, frozen=True, kw_only=True):
    state: State
    timestamp: int
    status: str | None = None
    previous_state: State | None = None
    target: str | None = None
    txn_id: str | None = None
    metrics: dict[str, Metric] | None = None
    observations: list[Observation] | None = None


class _Payload(msgspec.Struct, frozen=True, kw_only=True):
    details: _Details
    event_id: str | None = None
    log_entry_id: str | None = None
    tenant_id: str | None = None
    #: The release notes speak of one and no known payload has it: read where it turns up.
    previous_state: State | None = None
    entity: dict[str, Any] | None = None
    check: dict[str, Any] | None = None
    alarm: dict[str, Any] | None = None
    dashboard_link: str | None = None


class _Ids(NamedTuple):
    """The ids inside `event_id`; None where it has another shape."""

    account: str | None = None
    entity: str | None = None
    alarm: str | None = None
    check: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Payload)


def matches(markers: Markers) -> bool:
    return (
        markers.schema is UNSET and markers.event_id is not UNSET and markers.details is not UNSET
    )


def decode(value: bytes, headers: Headers, mapping: FormatMapping) -> list[AlarmEvent]:  # noqa: ARG001 - the signature of all formats
    """The one event of a webhook payload. Raises InvalidMessage."""
    payload = typed(value, _DECODER, _mend)
    details = payload.details
    ids = _ids_of(payload.event_id)
    tenant_id = _required("tenant_id", payload.tenant_id or ids.account)
    alarm_id = _required("alarm_id", _snapshot_text(payload.alarm, "id") or ids.alarm)
    previous = details.previous_state or payload.previous_state
    event = AlarmEvent(
        id=_event_id(payload, tenant_id, alarm_id, previous),
        event_id=payload.event_id,
        source=SOURCE,
        tenant_id=tenant_id,
        account_id=ids.account,
        entity_id=_required("entity_id", _snapshot_text(payload.entity, "id") or ids.entity),
        check_id=_required("check_id", _snapshot_text(payload.check, "id") or ids.check),
        alarm_id=alarm_id,
        state=details.state,
        previous_state=previous,
        status=details.status,
        timestamp=details.timestamp,
        txn_id=details.txn_id,
        notification_plan_id=_snapshot_text(payload.alarm, "notification_plan_id"),
        target=details.target or None,
        metrics=details.metrics,
        observations=details.observations or [],
        entity=payload.entity,
        check=payload.check,
        alarm=payload.alarm,
        link=payload.dashboard_link or None,
        test=payload.event_id == _TEST,
    )
    return [event]


def _ids_of(event_id: str | None) -> _Ids:
    parts = (event_id or "").split(":")
    return _Ids(*(part or None for part in parts[:4])) if len(parts) == 6 else _Ids()


def _event_id(payload: _Payload, tenant_id: str, alarm_id: str, previous: State | None) -> str:
    details, entry = payload.details, payload.log_entry_id or ""
    if payload.event_id == _TEST:
        # Two presses of the button are two events, one press delivered twice is one.
        name = f"{SOURCE}|{_TEST}|{entry}|{details.timestamp}|{details.txn_id or ''}"
        return str(uuid.uuid5(NS_EVENT, name))
    if _UUID.fullmatch(entry):
        return entry.lower()
    return derived_event_id(SOURCE, tenant_id, alarm_id, previous, details.state, details.timestamp)


def _snapshot_text(snapshot: dict[str, Any] | None, name: str) -> str | None:
    return text_or_none(snapshot.get(name)) if snapshot else None


def _required(field: str, text: str | None) -> str:
    if text is None:
        raise mismatch(field, "neither in the payload nor in event_id")
    return text


def _mend(raw: dict[str, Any]) -> dict[str, Any]:
    """Whatever is not vital and does not fit becomes unknown, so that the alarm still goes out."""
    mended = dict(raw)
    for name in ("event_id", "log_entry_id", "tenant_id", "dashboard_link"):
        mended[name] = text_or_none(raw.get(name))
    for name in ("entity", "check", "alarm"):
        mended[name] = object_or_none(raw.get(name))
    mended["previous_state"] = _state_or_none(raw.get("previous_state"))
    if isinstance(details := raw.get("details"), dict):
        mended["details"] = _mended_details(details)
    return mended


def _mended_details(raw: dict[str, Any]) -> dict[str, Any]:
    mended = dict(raw)
    if "timestamp" in raw:
        mended["timestamp"] = to_milliseconds(raw["timestamp"])
    for name in ("status", "target", "txn_id"):
        mended[name] = text_or_none(raw.get(name))
    mended["previous_state"] = _state_or_none(raw.get("previous_state"))
    metrics = object_or_none(raw.get("metrics")) or {}
    mended["metrics"] = {
        name: {
            "type": text_or_none(metric.get("type")),
            "data": metric.get("data"),
            "unit": text_or_none(metric.get("unit")),
        }
        for name, metric in metrics.items()
        if isinstance(metric, dict)
    } or None
    seen = raw.get("observations")
    mended["observations"] = [
        _mended_observation(one)
        for one in (seen if isinstance(seen, list) else ())
        if isinstance(one, dict)
    ]
    return mended


def _mended_observation(raw: dict[str, Any]) -> dict[str, Any]:
    mended: dict[str, Any] = {
        name: text_or_none(raw.get(name))
        for name in ("monitoring_zone_id", "state", "status", "collectorState")
    }
    time = to_milliseconds(raw.get("timestamp"))
    return mended | {"timestamp": time if type(time) is int else None}


def _state_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value in State.__members__ else None
