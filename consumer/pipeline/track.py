"""Stage `track`: what happened, in; tracking records, out. Ids are deterministic throughout."""

from collections.abc import Sequence
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import InvalidMessage
from consumer.domain.identity import tracking_id
from consumer.domain.notification import Ending, Notification, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record
from consumer.domain.resend import resent_of
from consumer.domain.tracking import (
    Outcome,
    TrackedEvent,
    TrackedNotification,
    TrackedProvider,
    TrackingEvent,
)

#: Results that no provider was asked for.
_NOT_SENT: Final = frozenset({Kind.SUPERSEDED, Kind.EXPIRED})


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What all records of one event share."""

    event: AlarmEvent
    source: tuple[str, int, int]
    worker: str
    plan_id: str | None = None
    lookup_degraded: bool = False
    gap: bool = False
    #: The route of its emails, by name; empty: of none.
    route: str = ""
    #: When a person sent its record again, epoch milliseconds.
    redriven_at_ms: int | None = None


def track_ending(about: About, ending: Ending, at_ms: int) -> TrackingEvent:
    """The record of an event, or of one destination, that ended without a send.

    A duplicate's record carries its position, so that a second duplicate has a record too;
    a destination's carries the address, because a target may lead to several.
    """
    subject = "|".join(filter(None, (about.event.id, ending.target_id, ending.destination)))
    again = ending.kind is Kind.DUPLICATE and ending.target_id is None
    return _record(
        about,
        at_ms,
        id=tracking_id(subject, ending.kind, _place(about.source) if again else None),
        kind=ending.kind,
        outcome=Outcome(
            success=False, retryable=False, reason=ending.reason, message=ending.message
        ),
        notification=None
        if ending.target_id is None
        else TrackedNotification(
            uid=None,
            notification_id=ending.target_id,
            type=ending.type,
            destination=ending.destination,
        ),
        summary_uid=ending.summary_uid,
    )


def track_attempt(
    about: About,
    notification: Notification,
    result: SendResult,
    attempt: int,
    at_ms: int,
    *,
    possible_duplicate: bool = False,
    tags: Sequence[str] = (),
) -> TrackingEvent:
    """The record of one attempt to send one notification."""
    return _record(
        about,
        at_ms,
        # Held is said of an attempt that was told to be in doubt before.
        id=tracking_id(
            notification.uid,
            result.kind,
            f"{attempt}/held" if result.reason is Reason.HELD else attempt,
        ),
        kind=result.kind,
        outcome=Outcome(
            success=result.kind is Kind.ACCEPTED,
            retryable=result.kind in (Kind.DEFERRED, Kind.IN_DOUBT),
            reason=result.reason,
            message=result.message,
        ),
        notification=TrackedNotification(
            uid=notification.uid,
            notification_id=notification.target_id,
            type=notification.type,
            destination=notification.destination,
        ),
        attempt=attempt,
        provider=None
        if result.kind in _NOT_SENT
        else TrackedProvider(
            name=result.transport,
            message_id=result.provider_id,
            code=result.code,
            enhanced_code=result.enhanced_code,
        ),
        duration_ms=result.duration_ms,
        route=about.route or None,
        possible_duplicate=possible_duplicate,
        tags=tuple(tags) if result.kind is Kind.ACCEPTED else (),
        next_attempt_at=None if result.retry_at is None else int(result.retry_at * 1000),
    )


def track_invalid(
    record: Record,
    error: InvalidMessage,
    salvaged: TrackedEvent | None,
    worker: str,
    at_ms: int,
) -> TrackingEvent:
    """The record of a record that could not be read; its place stands in for the event's id."""
    place = _place(record.position)
    return TrackingEvent(
        id=tracking_id(place, Kind.INVALID, None),
        kind=Kind.INVALID,
        at=at_ms,
        event=salvaged or TrackedEvent(id=None),
        outcome=Outcome(success=False, retryable=False, reason=error.reason, message=error.detail),
        worker=worker,
        source=record.position,
    )


def _place(position: tuple[str, int, int]) -> str:
    topic, partition, offset = position
    return f"{topic}/{partition}/{offset}"


def _record(about: About, at_ms: int, **fields: object) -> TrackingEvent:
    event = about.event
    common = {
        "at": at_ms,
        "event": TrackedEvent(
            id=event.id,
            event_id=event.event_id,
            tenant_id=event.tenant_id,
            entity_id=event.entity_id,
            check_id=event.check_id,
            alarm_id=event.alarm_id,
            state=event.state,
            previous_state=event.previous_state,
            timestamp=event.timestamp,
            txn_id=event.txn_id,
        ),
        "notification_plan_id": about.plan_id,
        "worker": about.worker,
        "lookup_degraded": about.lookup_degraded,
        "gap": about.gap,
        "source": about.source,
        "redriven_at": about.redriven_at_ms,
        "resent": resent_of(event),
    }
    return TrackingEvent(**(common | fields))  # type: ignore[arg-type]  # the callers' literals are checked by the tests
