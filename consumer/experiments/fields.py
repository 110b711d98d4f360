"""The names that filters and views know, and how each is read. Absent text is empty text."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from consumer.domain.alarm import AlarmEvent
from consumer.experiments.seen import Seen

Field = Callable[[Seen], Any]

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def _of_event(name: str) -> Field:
    """A text of the event, or of what is known of one that cannot be read."""

    def read(seen: Seen) -> str:
        value = getattr(seen.event or seen.known, name, None)
        return "" if value is None else str(value)

    return read


def _of_snapshot(snapshot: str, *names: str) -> Field:
    """The first of the names that the snapshot has as text."""

    def read(seen: Seen) -> str:
        there = _snapshot(seen.event, snapshot)
        return next((there[n] for n in names if isinstance(there.get(n), str)), "")

    return read


def _snapshot(event: AlarmEvent | None, name: str) -> dict[str, Any]:
    found = None if event is None else getattr(event, name)
    return found or {}


def _labels(seen: Seen) -> dict[str, str]:
    """Attributes, and the metadata of entity, check and alarm beneath them."""
    labels: dict[str, str] = {}
    for snapshot in ("entity", "check", "alarm"):
        metadata = _snapshot(seen.event, snapshot).get("metadata")
        if isinstance(metadata, dict):
            labels |= {name: str(value) for name, value in metadata.items()}
    return labels | ({} if seen.event is None else seen.event.attributes)


def _metrics(seen: Seen) -> dict[str, Any]:
    metrics = None if seen.event is None else seen.event.metrics
    return {name: metric.data for name, metric in (metrics or {}).items()}


def _headers(seen: Seen) -> dict[str, str]:
    return {name: _text(value) for name, value in seen.record.headers}


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "backslashreplace")


def _milliseconds(seen: Seen) -> int:
    """The event's own time; the record's where it has none."""
    told = seen.known.timestamp if seen.event is None else seen.event.timestamp
    return told or max(0, seen.record.timestamp)


def _time(seen: Seen) -> datetime:
    try:
        return datetime.fromtimestamp(_milliseconds(seen) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return _EPOCH  # a record's timestamp may be any number


#: In the order in which they are told.
FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        "tenant_id": _of_event("tenant_id"),
        "entity_id": _of_event("entity_id"),
        "entity_label": _of_snapshot("entity", "label", "name"),
        "check_id": _of_event("check_id"),
        "check_label": _of_snapshot("check", "label", "name"),
        "check_type": _of_snapshot("check", "type"),
        "alarm_id": _of_event("alarm_id"),
        "alarm_label": _of_snapshot("alarm", "label", "name"),
        "state": _of_event("state"),
        "previous_state": _of_event("previous_state"),
        "severity": lambda seen: _labels(seen).get("severity", ""),
        "status": _of_event("status"),
        "time": _time,
        "timestamp": _milliseconds,
        "id": _of_event("id"),
        "event_id": _of_event("event_id"),
        "source": _of_event("source"),
        "txn_id": _of_event("txn_id"),
        "notification_plan_id": _of_event("notification_plan_id"),
        "target": _of_event("target"),
        "test": lambda seen: seen.event is not None and seen.event.test,
        "replay": lambda seen: seen.event is not None and seen.event.replay,
        "labels": _labels,
        "metrics": _metrics,
        "entity": lambda seen: _snapshot(seen.event, "entity"),
        "check": lambda seen: _snapshot(seen.event, "check"),
        "alarm": lambda seen: _snapshot(seen.event, "alarm"),
        "atom": lambda seen: seen.atom or "",
        "format": lambda seen: seen.format or "",
        "topic": lambda seen: seen.record.topic,
        "partition": lambda seen: seen.record.partition,
        "offset": lambda seen: seen.record.offset,
        "record_timestamp": lambda seen: seen.record.timestamp,
        "key": lambda seen: _text(seen.record.key),
        "headers": _headers,
        "size": lambda seen: seen.record.size,
        "readable": lambda seen: seen.readable,
        "problem": lambda seen: "" if seen.problem is None else str(seen.problem),
        "kind": lambda seen: "" if seen.tracking is None else str(seen.tracking.kind),
        "reason": lambda seen: "" if seen.tracking is None else str(seen.tracking.outcome.reason),
        "destination": lambda seen: _destination(seen),
    }
)


def _destination(seen: Seen) -> str:
    to = None if seen.tracking is None else seen.tracking.notification
    return "" if to is None else to.destination or ""
