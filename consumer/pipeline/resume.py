"""After `plan`: what an earlier run already did for the same event is not done again.

A process may have died anywhere between its first send and closing the event, and the plan may
have changed since. What was told once stays told: results are tracked again (under the same id)
and their addresses get no second mail.
"""

from collections.abc import Sequence

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.ledger import DeliveryRow, DeliveryState
from consumer.domain.notification import Ending, Notification, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.pipeline.plan import Planned


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that an earlier run already brought to a result; it is only tracked."""

    notification: Notification
    result: SendResult
    attempt: int


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be sent (with the number of the attempt), and what is only to be told."""

    to_send: Sequence[tuple[Notification, int]]
    known: Sequence[Known]
    endings: Sequence[Ending]


def resume(event: AlarmEvent, planned: Planned, rows: Sequence[DeliveryRow]) -> Resumed:
    """Hold the plan against the ledger's rows of this event."""
    if not rows:
        to_send = [(notification, 1) for notification in planned.notifications]
        return Resumed(to_send=to_send, known=[], endings=list(planned.endings))
    by_uid = {row.uid: row for row in rows}
    told = {row.destination for row in rows if row.state is not DeliveryState.DEFERRED}
    still: list[tuple[Notification, int]] = []
    known: list[Known] = []
    endings = list(planned.endings)
    for notification in planned.notifications:
        row = by_uid.pop(notification.uid, None)
        if row is not None and row.state is not DeliveryState.DEFERRED:
            known.append(_known(notification, row))
        elif row is None and notification.destination in told:
            endings.append(_told_before(notification))
        else:
            still.append((notification, 1 if row is None else row.attempt + 1))
    # No longer planned, but done: it has its record all the same.
    known.extend(
        _known(_notification(event, row), row)
        for row in by_uid.values()
        if row.state is not DeliveryState.DEFERRED
    )
    return Resumed(to_send=still, known=known, endings=endings)


_RESULTS = {
    DeliveryState.ACCEPTED: (Kind.ACCEPTED, Reason.QUEUED),
    DeliveryState.FAILED: (Kind.FAILED, Reason.PROVIDER_REJECTED),
    DeliveryState.SUPERSEDED: (Kind.SUPERSEDED, Reason.STATE_MOVED_ON),
    DeliveryState.EXPIRED: (Kind.EXPIRED, Reason.TOO_OLD),
    DeliveryState.IN_DOUBT: (Kind.IN_DOUBT, Reason.INTERRUPTED),
    DeliveryState.SENDING: (Kind.IN_DOUBT, Reason.INTERRUPTED),
}
_LEFT_BEHIND = "The process that was sending this ended before the answer"
#: Results of an attempt that was not made: the row still has the number of the one before.
_UNMARKED = frozenset({DeliveryState.SUPERSEDED, DeliveryState.EXPIRED})
_REASONS = frozenset(Reason)


def _known(notification: Notification, row: DeliveryRow) -> Known:
    kind, reason = _RESULTS[row.state]
    return Known(
        notification=notification,
        attempt=row.attempt + (row.state in _UNMARKED),
        result=SendResult(
            kind=kind,
            reason=Reason(row.reason) if row.reason in _REASONS else reason,
            message=_LEFT_BEHIND if row.state is DeliveryState.SENDING else row.message or "",
            transport=row.transport,
            provider_id=row.provider_id,
            code=row.code,
        ),
    )


def _notification(event: AlarmEvent, row: DeliveryRow) -> Notification:
    return Notification(
        uid=row.uid,
        event=event,
        target_id=row.target_id,
        type=row.type,
        destination=row.destination,
        plan_id=None,
    )


def _told_before(notification: Notification) -> Ending:
    return Ending(
        kind=Kind.DUPLICATE,
        reason=Reason.TOLD_BEFORE,
        message="An earlier run told this address of the event, by another notification",
        target_id=notification.target_id,
        type=notification.type,
        destination=notification.destination,
    )
