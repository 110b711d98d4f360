"""The rules that every event keeps, whatever format it came in.

What an event cannot be processed without is refused; what only informs is cut or cleared. An event
that passed here fits `schemas/alarm-state-event.v1.json`, whoever wrote it.
"""

import re
from typing import Any, Final

import msgspec

from consumer.domain.alarm import AlarmEvent, Observation
from consumer.formats.problems import mismatch

#: Characters; Rackspace's ids have about ten, CloudWatch's ARNs may have 200.
MAX_ID: Final = 255
#: Characters of `status`; the product's own messages end at 128.
MAX_STATUS: Final = 1024
#: UTF-8 bytes. The atom is a Kafka key and an indexed column: PostgreSQL refuses an index row
#: above about 2700 bytes.
MAX_ATOM_BYTES: Final = 1024
#: Levels of objects and arrays inside a snapshot or a metric.
MAX_DEPTH: Final = 64
#: 2000-01-01 and 2100-01-01 in milliseconds. Outside, it is another unit or a broken clock.
EARLIEST_MS: Final = 946_684_800_000
LATEST_MS: Final = 4_102_444_800_000

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_IDENTIFIERS: Final = ("id", "source", "tenant_id", "entity_id", "check_id", "alarm_id")
_REFERENCES: Final = ("event_id", "account_id", "notification_plan_id", "txn_id")


def is_identifier(text: str) -> bool:
    return 0 < len(text) <= MAX_ID and not _CONTROL.search(text)


def is_plausible(milliseconds: int | None) -> bool:
    """Whether it is a time of this century, or no time at all."""
    return milliseconds is None or EARLIEST_MS <= milliseconds <= LATEST_MS


def checked(event: AlarmEvent) -> AlarmEvent:
    """The event, tidied; raises InvalidMessage when it cannot be processed."""
    for name in _IDENTIFIERS:
        _check_text(name, getattr(event, name), smallest=1)
    for name in _REFERENCES:
        if text := getattr(event, name):
            _check_text(name, text, smallest=0)
    if not is_plausible(event.timestamp):
        raise mismatch("timestamp", f"{event.timestamp} is no time in milliseconds since 2000")
    if _may_be_long(event) and len(event.atom.encode()) > MAX_ATOM_BYTES:
        raise mismatch("tenant_id, entity_id, alarm_id, check_id", "too long together")
    changes = _tidying(event)
    return msgspec.structs.replace(event, **changes) if changes else event


def _may_be_long(event: AlarmEvent) -> bool:
    """Counting is quick and nearly always enough: no character takes more than four bytes there."""
    ids = len(event.tenant_id) + len(event.entity_id) + len(event.alarm_id) + len(event.check_id)
    return 4 * ids + len(":::") > MAX_ATOM_BYTES


def check_depth(event: AlarmEvent) -> None:
    """Refuse nesting that would later exhaust the stack of whoever walks the event."""
    level: list[Any] = [event.entity, event.check, event.alarm]
    level += [metric.data for metric in (event.metrics or {}).values()]
    for _ in range(MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise mismatch("message", f"nested more than {MAX_DEPTH} levels deep")


def _check_text(name: str, text: str, smallest: int) -> None:
    size = len(text)
    if not smallest <= size <= MAX_ID:
        raise mismatch(name, f"{size} characters, expected {smallest} to {MAX_ID}")
    if not text.isprintable() and _CONTROL.search(text):
        raise mismatch(name, "holds a control character")


def _tidying(event: AlarmEvent) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if event.status is not None and len(event.status) > MAX_STATUS:
        changes["status"] = event.status[:MAX_STATUS]
    if not is_plausible(event.produced_at):
        changes["produced_at"] = None
    if event.observations and not all(is_plausible(seen.timestamp) for seen in event.observations):
        changes["observations"] = [_without_implausible_time(seen) for seen in event.observations]
    return changes


def _without_implausible_time(seen: Observation) -> Observation:
    if is_plausible(seen.timestamp):
        return seen
    return msgspec.structs.replace(seen, timestamp=None)


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
