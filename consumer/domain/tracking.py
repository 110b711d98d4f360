"""The tracking record: one step of one event or notification, as others read it."""

from typing import Final

import msgspec

from consumer.domain.alarm import State
from consumer.domain.reasons import Kind, Reason

TRACKING_SCHEMA: Final = "notification-tracking-event/1"

#: What only a provider says, of an email that it has accepted.
_REPORTS: Final = frozenset(
    {
        Kind.DELIVERED,
        Kind.BOUNCED_PERMANENT,
        Kind.BOUNCED_TEMPORARY,
        Kind.COMPLAINED,
        Kind.OPENED,
        Kind.CLICKED,
        Kind.UNSUBSCRIBED,
        Kind.REJECTED,
    }
)


class TrackedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Which event. For a record that could not be read only the ids that could be read are set."""

    id: str | None
    event_id: str | None = None
    tenant_id: str | None = None
    entity_id: str | None = None
    check_id: str | None = None
    alarm_id: str | None = None
    state: State | None = None
    previous_state: State | None = None
    timestamp: int | None = None
    txn_id: str | None = None


class TrackedNotification(msgspec.Struct, frozen=True, kw_only=True):
    #: None where the destination was never a valid one.
    uid: str | None
    notification_id: str
    type: str | None
    destination: str | None


class TrackedProvider(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    message_id: str | None = None
    event: str | None = None
    code: int | None = None
    #: RFC 3463's finer word beside an SMTP status: `5.1.1`.
    enhanced_code: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    success: bool
    retryable: bool
    reason: Reason
    message: str


class TrackingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One tracking record. Times are epoch milliseconds."""

    #: Deterministic: the same step told twice is the same id.
    id: str
    kind: Kind
    at: int
    event: TrackedEvent
    outcome: Outcome
    #: The consumer process that says so.
    worker: str
    schema: str = TRACKING_SCHEMA
    notification_plan_id: str | None = None
    notification: TrackedNotification | None = None
    #: 1-based.
    attempt: int | None = None
    provider: TrackedProvider | None = None
    duration_ms: int | None = None
    next_attempt_at: int | None = None
    #: A snapshot or an old answer stood in for the catalog.
    lookup_degraded: bool = False
    #: An event between the last known state and this one never arrived.
    gap: bool = False
    #: The provider could not say whether an earlier attempt was accepted.
    possible_duplicate: bool = False
    #: Where the event was read: topic, partition, offset.
    source: tuple[str, int, int] | None = None

    @property
    def is_report(self) -> bool:
        """The provider said it of an email it had accepted: later than all steps of ours, whatever
        the two clocks say."""
        delayed = self.kind is Kind.DEFERRED and self.outcome.reason is Reason.REPORTED
        return delayed or self.kind in _REPORTS
