"""What runs through the worker: records, events and works with little text, and results."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.notification import Ending, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record
from consumer.pipeline.lock import Locked, Progress
from consumer.pipeline.pipeline import Prepared
from consumer.pipeline.sends import Send
from consumer.worker.offsets import Offsets, Ticket, TopicPartition
from consumer.worker.work import Work
from tests.support.factories import make_email, make_event, make_notification

TOPIC = "alarm-events"
FIRST: TopicPartition = (TOPIC, 0)
SECOND: TopicPartition = (TOPIC, 1)
OWNER = "one"
#: Seconds in which whatever a test waits for has long happened.
SOON = 5.0
CRITICAL, OK, WARNING = State.CRITICAL, State.OK, State.WARNING


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for what other threads do."""
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline, f"did not happen: {what}"
        threading.Event().wait(0.002)


def event(id_: str, alarm: str = "a", **changes: Any) -> AlarmEvent:
    """One event; its alarm is its atom."""
    return make_event(**({"id": id_, "alarm_id": alarm} | changes))


def send(of: AlarmEvent, number: int = 0, attempt: int = 1) -> Send:
    uid = f"{of.id}/{number}"
    return Send(
        notification=make_notification(uid=uid, event=of, destination=f"{number}@example.com"),
        email=make_email(uid=uid, to=f"{number}@example.com"),
        options=SendOptions(),
        attempt=attempt,
    )


def locked(of: AlarmEvent, *, fence: int = 1, advances: bool = True) -> Locked:
    return Locked(
        event=of,
        progress=Progress(fence=fence, last_event_id=of.id, last_state=of.state),
        previous_state=of.previous_state,
        thread_event_id=of.id,
        advances=advances,
    )


def work(
    id_: str,
    alarm: str = "a",
    *,
    sends: int = 1,
    attempt: int = 1,
    advances: bool = True,
    at: tuple[TopicPartition, int] = (FIRST, 0),
    ticket: Ticket | None = None,
    prepared: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Work:
    """An event on its way to a number of destinations."""
    of = event(id_, alarm, **changes)
    (topic, partition), offset = at
    values: dict[str, Any] = {
        "locked": locked(of, advances=advances),
        "sends": [send(of, number, attempt) for number in range(sends)],
    }
    return Work(
        Prepared(**(values | dict(prepared or {}))),
        Record(topic, partition, offset, of.atom.encode(), b"{}", timestamp=of.timestamp),
        ticket or Offsets().begin((topic, partition), offset),
        "worker-1",
    )


def result(kind: Kind = Kind.ACCEPTED, **changes: Any) -> SendResult:
    values: dict[str, Any] = {
        "kind": kind,
        "reason": Reason.QUEUED if kind is Kind.ACCEPTED else Reason.UNREACHABLE,
        "message": "as told",
        "transport": "mailgun",
    }
    return SendResult(**(values | changes))


def record(
    offset: int, *events: AlarmEvent, partition: int = 0, value: bytes | None = None
) -> Record:
    """A record of some events; with a value of its own it cannot be read."""
    encoded = msgspec.json.encode(events) if value is None else value
    return Record(TOPIC, partition, offset, b"key", encoded)


def ending(kind: Kind = Kind.UNCHANGED, reason: Reason = Reason.SAME_STATE) -> Ending:
    return Ending(kind=kind, reason=reason, message="as told")
