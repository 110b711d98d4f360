"""What tracing is tried on: a topic, a ledger, and what became of an email."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from consumer.adapters.ledger import SqlLedger, open_ledger
from consumer.domain.alarm import State
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.ledger import (
    ClaimRequest,
    Closing,
    DeliveryState,
    SendingMark,
    Settlement,
)
from consumer.domain.notification import Ending, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record
from consumer.domain.tracking import TrackingEvent
from consumer.pipeline.track import About, track_attempt, track_ending
from consumer.wire import encode_tracking
from tests.support.factories import make_event, make_notification

UID = "3ea90999-0802-5011-8804-564c26bd77b7"
EVENT = "a692ad20-933f-11e3-81e3-5839dd8ab955"
MESSAGE_ID = f"<{UID}@alerts.example.com>"
ADDRESS = "oncall@example.com"
T0 = 1_392_138_734_000


def attempt(kind: Kind, number: int = 1, at: int = T0, **changes: Any) -> TrackingEvent:
    """The record of an attempt, as the pipeline writes it."""
    notification = make_notification(**changes)
    about = About(
        event=notification.event, source=("alarm-events", 0, 7), worker="w-1", plan_id="npOnCall01"
    )
    result = SendResult(
        kind=kind,
        reason=Reason.QUEUED if kind is Kind.ACCEPTED else Reason.THROTTLED,
        message=f"says the provider of {kind}",
        transport="mailgun",
        provider_id=MESSAGE_ID if kind is Kind.ACCEPTED else None,
        duration_ms=143,
    )
    return track_attempt(about, notification, result, number, at)


def ending(kind: Kind, reason: Reason, at: int = T0, **changes: Any) -> TrackingEvent:
    about = About(event=make_event(**changes), source=("alarm-events", 0, 8), worker="w-1")
    return track_ending(about, Ending(kind=kind, reason=reason, message=f"is {reason}"), at)


class Topic:
    """A tracking topic to read, which counts how often it is read."""

    def __init__(self, *steps: TrackingEvent | bytes) -> None:
        self.reads = 0
        self._records = [
            Record("tracking", 0, n, b"key", s if isinstance(s, bytes) else encode_tracking(s))
            for n, s in enumerate(steps)
        ]

    def __call__(self, wanted: Callable[[Record], bool]) -> Iterator[Record]:
        self.reads += 1
        return iter([record for record in self._records if wanted(record)])


def no_topic(_wanted: Callable[[Record], bool]) -> Iterator[Record]:
    raise BrokerUnavailable("Kafka does not answer")


@pytest.fixture
def ledger() -> Iterator[SqlLedger]:
    """A ledger in memory."""
    opened = open_ledger("sqlite://")
    yield opened
    opened.close()


def sent(ledger: SqlLedger, event: str = EVENT, uid: str = UID, to: str = ADDRESS) -> None:
    """One email of one event, accepted."""
    atom = make_event().atom
    fence = ledger.claim("w", [ClaimRequest(atom, (event,))], 1.0).won[atom].fence
    mark = SendingMark(
        uid=uid,
        event_id=event,
        atom=atom,
        fence=fence,
        target_id="ntExAmPl02",
        type="email",
        destination=to,
        message_id=f"<{uid}@alerts.example.com>",
        transport="mailgun",
        attempt=1,
    )
    ledger.mark_sending("w", [mark], 2.0)
    state = DeliveryState.ACCEPTED
    ledger.settle(
        "w", [Settlement(uid=uid, atom=atom, fence=fence, state=state, transport="mailgun")], 3.0
    )


def ended(ledger: SqlLedger, event: str, outcome: str) -> None:
    atom = make_event().atom
    ledger.claim("w", [ClaimRequest(atom, (event,))], 1.0)
    closing = Closing(
        event_id=event,
        atom=atom,
        outcome=outcome,
        timestamp_ms=T0,
        state=State.CRITICAL,
        advances=True,
    )
    ledger.close_events([closing], 4.0)
