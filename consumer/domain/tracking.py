"""The tracking record: one step of one event or notification, as others read it."""

from collections.abc import Hashable, Sequence
from typing import Final

import msgspec

from consumer.domain.alarm import State
from consumer.domain.reasons import Kind, Reason
from consumer.domain.resend import Resent

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

#: What readers do with an email. It says nothing about how it went.
_BY_READERS: Final = frozenset({Kind.COMPLAINED, Kind.OPENED, Kind.CLICKED, Kind.UNSUBSCRIBED})


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
    """One event to one destination."""

    #: None where the destination was never a valid one.
    uid: str | None
    notification_id: str
    type: str | None
    destination: str | None

    @property
    def identity(self) -> Hashable:
        """The same for all steps of one notification."""
        return self.uid or (self.notification_id, self.destination)


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
    #: On an accepted email: what the provider's statistics count it under.
    tags: tuple[str, ...] = ()
    #: Where the event was read: topic, partition, offset.
    source: tuple[str, int, int] | None = None
    #: The route by which the email goes, by name; None: none is named, or no email was made.
    route: str | None = None
    #: When a person sent the event's dead letter again, if this comes of that.
    redriven_at: int | None = None
    #: Of a notification that was held back: the uid of the one that tells of it.
    summary_uid: str | None = None
    #: The event repeats another one, as a person asked.
    resent: Resent | None = None

    @property
    def is_report(self) -> bool:
        """The provider said it of an email it had accepted: later than all steps of ours, whatever
        the two clocks say."""
        return self._is_delay or self.kind in _REPORTS

    @property
    def decides(self) -> bool:
        """How its notification stands after it is told by it: not what readers do, nor that the
        provider tries on."""
        return not self._is_delay and self.kind not in _BY_READERS

    @property
    def _is_delay(self) -> bool:
        """The receiving side asked the provider to come back."""
        return self.kind is Kind.DEFERRED and self.outcome.reason is Reason.REPORTED


def last_word(steps: Sequence[TrackingEvent]) -> TrackingEvent | None:
    """The step that says how a notification stands, of its steps in order; None: none does."""
    deciding = [step for step in steps if step.decides]
    reports = [step for step in deciding if step.is_report]
    return next(reversed(reports or deciding), None)
