"""Bytes and domain values: what is on our own topics.

The other side of each pair is a file in `schemas/`: events and tracking records are JSON, a dead
letter is the record as read with a few headers more.
"""

import re
from collections.abc import Hashable, Sequence
from typing import Any, Final

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import DeadLetter, Position, Record, Undelivered
from consumer.domain.tracking import (
    TRACKING_SCHEMA,
    TrackedNotification,
    TrackingEvent,
    last_word,
)

Headers = Sequence[tuple[str, bytes]]

DEAD_LETTER_HEADERS: Final = (
    "messenger-reason",
    "messenger-error",
    "messenger-source-topic",
    "messenger-source-partition",
    "messenger-source-offset",
    "messenger-source-timestamp",
    "messenger-first-seen",
)
#: On a dead letter that is about notifications, and on its record when that is redriven: which, and
#: to whom, as JSON.
UNDELIVERED_HEADER: Final = "messenger-undelivered"
#: All headers of a dead letter that are ours.
OWN_HEADERS: Final = frozenset({*DEAD_LETTER_HEADERS, UNDELIVERED_HEADER})

#: On a record that could not be read from Kafka at all, so that it has no value: why.
UNREADABLE_HEADER: Final = "messenger-unreadable"

#: On a record that was sent to its topic again: when, epoch milliseconds.
REDRIVEN_HEADER: Final = "messenger-redriven-at"
#: And where it was read for the first time: topic/partition/offset.
ORIGIN_HEADER: Final = "messenger-redriven-from"
#: And when it was written then, epoch milliseconds; not there if that is not known.
WRITTEN_HEADER: Final = "messenger-redriven-timestamp"
#: On a note beside the dead letters: which of them was redriven, partition/offset.
LETTER_HEADER: Final = "messenger-redriven-letter"

#: No time of ours has more digits. Whatever is longer was not written by us.
_MAX_DIGITS: Final = 15
_PLACE: Final = re.compile(r"(\d{1,9})/(\d{1,19})")
_ORIGIN: Final = re.compile(rf"([A-Za-z0-9._-]{{1,249}})/{_PLACE.pattern}")
_REDRIVEN: Final = frozenset({REDRIVEN_HEADER, ORIGIN_HEADER, WRITTEN_HEADER})

#: Steps at which a transport was asked to send.
_ATTEMPTS: Final = frozenset({Kind.ACCEPTED, Kind.FAILED, Kind.DEFERRED, Kind.IN_DOUBT})
#: Steps after which there is more to come.
_UNDECIDED: Final = frozenset({Kind.DEFERRED, Kind.IN_DOUBT, Kind.FALLBACK})
#: How the history names the destination of a type.
_DETAIL_NAMES: Final = {"webhook": "url", "sms": "phone_number", "pagerduty": "service_key"}

#: Characters of an error that are quoted in another error.
_MAX_QUOTED: Final = 200

_ENCODER: Final = msgspec.json.Encoder()
_TRACKING_DECODER: Final = msgspec.json.Decoder(TrackingEvent)
_UNDELIVERED_DECODER: Final = msgspec.json.Decoder(tuple[Undelivered, ...])
_READABLE: Final = re.compile(r"notification-tracking-event/1(\.[0-9]+)?")


class _SchemaOnly(msgspec.Struct, frozen=True):
    schema: Any = None


_SCHEMA_DECODER: Final = msgspec.json.Decoder(_SchemaOnly)


def encode_event(event: AlarmEvent) -> bytes:
    """The event in our own format, `alarm-state-event/1`."""
    return _ENCODER.encode(event)


def encode_tracking(tracking: TrackingEvent) -> bytes:
    """The value of a record on the tracking topic."""
    return _ENCODER.encode(tracking)


def decode_tracking(value: bytes | None) -> TrackingEvent:
    """The tracking record in `value`; raises InvalidMessage when it is none that we can read."""
    if not value:
        raise InvalidMessage(Reason.EMPTY, "tracking record: no value")
    try:
        schema = _SCHEMA_DECODER.decode(value).schema
        if not isinstance(schema, str) or not _READABLE.fullmatch(schema):
            detail = f"schema: expected {TRACKING_SCHEMA}, got {_quoted(schema)}"
            raise InvalidMessage(Reason.UNKNOWN_VERSION, detail)
        return _TRACKING_DECODER.decode(value)
    except msgspec.ValidationError as error:
        detail = f"tracking record: {_quoted(error)}"
        raise InvalidMessage(Reason.SCHEMA_MISMATCH, detail) from None
    except (ValueError, RecursionError) as error:
        raise InvalidMessage(Reason.NOT_JSON, f"tracking record: {_quoted(error)}") from None


def dead_letter_headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The record's own headers, then ours. Those of an earlier dead letter are replaced."""
    record = letter.record
    values = (
        letter.reason,
        letter.error,
        record.topic,
        str(record.partition),
        str(record.offset),
        str(record.timestamp),
        str(letter.first_seen),
    )
    ours = zip(DEAD_LETTER_HEADERS, values, strict=True)
    headers = _foreign(record.headers) + [(name, value.encode()) for name, value in ours]
    return headers + _told_of(letter.undelivered)


def decode_dead_letter(record: Record) -> DeadLetter:
    """A record of the dead-letter topic as what it was: where it was first read, and why it failed.

    Raises InvalidMessage when the headers are not all there.
    """
    try:
        # The last of a name counts: whatever stands before it was there when we wrote.
        told = {name: value.decode() for name, value in record.headers if name in OWN_HEADERS}
        reason, error, topic, *numbers = (told[name] for name in DEAD_LETTER_HEADERS)
        partition, offset, timestamp, first_seen = (int(number) for number in numbers)
    except KeyError as missing:
        detail = f"dead letter: no header {missing.args[0]}"
        raise InvalidMessage(Reason.SCHEMA_MISMATCH, detail) from None
    except ValueError as broken:
        detail = f"dead letter: unreadable header, {_quoted(broken)}"
        raise InvalidMessage(Reason.SCHEMA_MISMATCH, detail) from None
    source = Record(
        topic, partition, offset, record.key, record.value, _foreign(record.headers), timestamp
    )
    return DeadLetter(
        record=source,
        reason=reason,
        error=error,
        first_seen=first_seen,
        undelivered=_undelivered(told.get(UNDELIVERED_HEADER)),
    )


def redriven_headers(
    record: Record, at: int, undelivered: Sequence[Undelivered] = ()
) -> list[tuple[str, bytes]]:
    """The headers of a record that goes to its topic again: its own, when (milliseconds), where
    it was read for the first time and when it was written, and who was not told."""
    own = [header for header in _foreign(record.headers) if header[0] not in _REDRIVEN]
    topic, partition, offset = origin(record)
    from_ = f"{topic}/{partition}/{offset}"
    headers = [*own, (REDRIVEN_HEADER, str(at).encode()), (ORIGIN_HEADER, from_.encode())]
    if written := written_at(record):
        headers.append((WRITTEN_HEADER, str(written).encode()))
    return headers + _told_of(undelivered)


def left_undelivered(record: Record, event_id: str) -> Sequence[Undelivered]:
    """Whom the event's dead letter was for and the ledger has no row of: there was no usable
    address. None of a record that was not redriven."""
    if redriven_at(record.headers) is None:
        return ()
    text = _told(record, UNDELIVERED_HEADER)
    return [each for each in _undelivered(text or None) if each.event_id == event_id]


def redriven_at(headers: Headers) -> int | None:
    """When a person sent this record out of the dead-letter topic again, epoch milliseconds."""
    return _time(headers, REDRIVEN_HEADER)


def written_at(record: Record) -> int:
    """When the record was written for the first time, epoch milliseconds; 0: nobody knows."""
    is_again = redriven_at(record.headers) is not None
    return _time(record.headers, WRITTEN_HEADER) or 0 if is_again else max(0, record.timestamp)


def origin(record: Record) -> Position:
    """Where the record was read for the first time, however often it has been redriven since."""
    told = _ORIGIN.fullmatch(_told(record, ORIGIN_HEADER))
    return (told[1], int(told[2]), int(told[3])) if told else record.position


def redriven_note(partition: int, offset: int, at: int) -> list[tuple[str, bytes]]:
    """The headers of a note: this dead letter was redriven at `at` (milliseconds)."""
    place = f"{partition}/{offset}"
    return [(LETTER_HEADER, place.encode()), (REDRIVEN_HEADER, str(at).encode())]


def decode_note(record: Record) -> tuple[tuple[int, int], int] | None:
    """Partition and offset of the dead letter that was redriven, and when; None: it is no note."""
    told, at = _PLACE.fullmatch(_told(record, LETTER_HEADER)), redriven_at(record.headers)
    return None if told is None or at is None else ((int(told[1]), int(told[2])), at)


def unreadable(record: Record) -> str | None:
    """Why the record could not be read from Kafka; None: it could."""
    if record.value is not None:
        return None
    told = next((value for name, value in record.headers if name == UNREADABLE_HEADER), None)
    return None if told is None else told.decode(errors="replace")


def history_record(steps: Sequence[TrackingEvent], status: str | None = None) -> dict[str, Any]:
    """All tracking records of one event as one record of Rackspace's notification history.

    `status` is the alarm's own message, where the caller still has the event; without it the
    message of what ended the event stands in. Each attempt also has its time (`at`), which
    Rackspace's has not. Raises ValueError without steps.
    """
    if not steps:
        raise ValueError("a history needs at least one tracking record")
    unique = {step.id: step for step in steps}
    ordered = sorted(unique.values(), key=lambda step: step.at)
    event = ordered[0].event
    endings = [step.outcome.message for step in ordered if step.notification is None]
    plans = [step.notification_plan_id for step in ordered if step.notification_plan_id]
    return {
        "id": event.id,
        "timestamp": event.timestamp,
        "notification_plan_id": plans[-1] if plans else None,
        "transaction_id": event.txn_id or "",
        "status": status or (endings[-1] if endings else ""),
        "state": event.state,
        "previous_state": event.previous_state,
        "notification_results": [_result(told) for told in _by_notification(ordered)],
    }


def _by_notification(steps: Sequence[TrackingEvent]) -> list[list[TrackingEvent]]:
    groups: dict[Hashable, list[TrackingEvent]] = {}
    for step in steps:
        if (to := step.notification) is not None:
            groups.setdefault(to.identity, []).append(step)
    return list(groups.values())


def _result(steps: Sequence[TrackingEvent]) -> dict[str, Any]:
    last = last_word(steps) or steps[-1]
    to = steps[0].notification
    assert to is not None  # grouped by it
    return {
        "notification_id": to.notification_id,
        "notification_type": to.type,
        "notification_details": _details(to),
        "in_progress": last.kind in _UNDECIDED,
        "success": last.outcome.success,
        "message": last.outcome.message,
        "attempts": [
            {"message": step.outcome.message, "from": step.worker, "at": step.at}
            for step in steps
            if step.kind in _ATTEMPTS and not step.is_report
        ],
    }


def _details(to: TrackedNotification) -> dict[str, str]:
    if to.destination is None:
        return {}
    return {_DETAIL_NAMES.get(to.type or "", "address"): to.destination}


def _told_of(undelivered: Sequence[Undelivered]) -> list[tuple[str, bytes]]:
    return [(UNDELIVERED_HEADER, _ENCODER.encode(undelivered))] if undelivered else []


def _undelivered(text: str | None) -> Sequence[Undelivered]:
    """None where the header is missing, or not ours: a letter is read without it."""
    try:
        return () if text is None else _UNDELIVERED_DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return ()


def _time(headers: Headers, header: str) -> int | None:
    told = next((value for name, value in headers if name == header), b"")
    return int(told) if told.isdigit() and len(told) <= _MAX_DIGITS else None


def _told(record: Record, header: str) -> str:
    told = next((value for name, value in record.headers if name == header), b"")
    return told.decode(errors="replace")


def _foreign(headers: Headers) -> list[tuple[str, bytes]]:
    return [(name, value) for name, value in headers if name not in OWN_HEADERS]


def _quoted(text: object) -> str:
    return "".join(c if c.isprintable() else " " for c in str(text)[:_MAX_QUOTED])
