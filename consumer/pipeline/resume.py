"""After `plan`: what an earlier run already did for the same event is not done again.

A process may have died anywhere between its first send and closing the event, and the plan may
have changed since. What was told once stays told: results are tracked again (under the same id)
and their addresses get no second mail. A send that was under way is in doubt: it is looked up,
before anything is sent, and also where nothing is to be sent any more.
"""

from collections.abc import Sequence

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.ledger import DeliveryRow, DeliveryState
from consumer.domain.notification import Ending, Notification, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Undelivered
from consumer.pipeline.plan import Planned


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that an earlier run already brought to a result; it is only tracked."""

    notification: Notification
    result: SendResult
    attempt: int
    possible_duplicate: bool = False
    #: It ends by our word of now: the ledger is still to be told.
    is_news: bool = False


class LeftInDoubt(msgspec.Struct, frozen=True):
    """An attempt of an earlier run whose outcome nobody knows."""

    #: When it may have left, and when the first attempt may have, epoch seconds.
    since: float
    first_sent: float
    #: Who may have it, and by which Message-Id (without brackets).
    transport: str
    message_id: str


class ToSend(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that is still to be sent, or first to be looked up."""

    notification: Notification
    #: The number of the attempt: of the next one, or of the one in doubt.
    attempt: int = 1
    doubt: LeftInDoubt | None = None
    possible_duplicate: bool = False
    #: Why it is not sent whatever the lookup says: it is only looked up. None: it may be sent.
    obsolete: Reason | None = None


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be sent, and what is only to be told."""

    to_send: Sequence[ToSend]
    known: Sequence[Known]
    endings: Sequence[Ending]


def resume(
    event: AlarmEvent,
    planned: Planned,
    rows: Sequence[DeliveryRow],
    undelivered: Sequence[Undelivered] = (),
) -> Resumed:
    """Hold the plan against the ledger's rows of this event, and against those that had no usable
    address when its dead letter was written: of them there are no rows."""
    endings = [*planned.endings, *_never_told(planned, undelivered)]
    if not rows:
        to_send = [ToSend(notification=each) for each in planned.notifications]
        return Resumed(to_send=to_send, known=[], endings=endings)
    by_uid = {row.uid: row for row in rows}
    told = {row.destination for row in rows if row.state is not DeliveryState.DEFERRED}
    addressed = {notification.destination for notification in planned.notifications}
    obsolete = _why_obsolete(planned.endings)
    still: list[ToSend] = []
    known: list[Known] = []
    for notification in planned.notifications:
        row = by_uid.pop(notification.uid, None)
        if row is not None:
            to_send_or_known = _of_row(notification, row)
            if isinstance(to_send_or_known, Known):
                known.append(to_send_or_known)
            else:
                still.append(to_send_or_known)
        elif notification.destination in told:
            endings.append(_told_before(notification))
        else:
            still.append(ToSend(notification=notification))
    for row in by_uid.values():
        if _is_open(row) and row.destination in addressed:
            # By another notification: its one email may well be this one, sent again.
            still.append(_in_doubt(_notification(event, row), row))
            continue
        left = _of_unplanned(_notification(event, row), row, obsolete)
        if isinstance(left, Known):
            known.append(left)
        elif left is not None:
            still.append(left)
    return Resumed(to_send=still, known=known, endings=endings)


def _never_told(planned: Planned, undelivered: Sequence[Undelivered]) -> list[Ending]:
    """The last word on those whom the event is not told any more."""
    if not undelivered:
        return []
    obsolete = _why_obsolete(planned.endings)
    if obsolete is None:
        return []
    named = {to.target_id for to in planned.notifications}
    named |= {ending.target_id for ending in planned.endings if ending.target_id is not None}
    return [
        Ending(
            kind=Kind.SUPERSEDED,
            reason=obsolete,
            message=_NOT_SENT[obsolete],
            target_id=each.target_id,
            destination=each.destination or None,
        )
        for each in undelivered
        if each.target_id not in named
    ]


def _why_obsolete(endings: Sequence[Ending]) -> Reason | None:
    """Why what is not planned is not sent any more; None: the whole event comes again, out of the
    dead letters."""
    kinds = {ending.kind for ending in endings if ending.target_id is None}
    if Kind.LOOKUP_FAILED in kinds:
        return None
    return Reason.STATE_MOVED_ON if kinds & _OVERTAKEN else Reason.NO_LONGER_PLANNED


#: Ends of an event whose alarm is further than that.
_OVERTAKEN = frozenset({Kind.STALE, Kind.UNCHANGED})
_NOT_SENT = {
    Reason.STATE_MOVED_ON: "The alarm's state has moved on",
    Reason.NO_LONGER_PLANNED: "The plan no longer names it",
}
_RESULTS = {
    DeliveryState.ACCEPTED: (Kind.ACCEPTED, Reason.QUEUED),
    DeliveryState.FAILED: (Kind.FAILED, Reason.PROVIDER_REJECTED),
    DeliveryState.SUPERSEDED: (Kind.SUPERSEDED, Reason.STATE_MOVED_ON),
    DeliveryState.EXPIRED: (Kind.EXPIRED, Reason.TOO_OLD),
    DeliveryState.IN_DOUBT: (Kind.IN_DOUBT, Reason.HELD),
    DeliveryState.SENDING: (Kind.IN_DOUBT, Reason.HELD),
}
_HELD = "It is not known whether an earlier run sent it; held for a person"
#: Results of an attempt that was not made: the row still has the number of the one before.
_UNMARKED = frozenset({DeliveryState.SUPERSEDED, DeliveryState.EXPIRED})
_REASONS = frozenset(Reason)


def _of_row(notification: Notification, row: DeliveryRow) -> ToSend | Known:
    """A notification that is planned still, by how far an earlier run got with it."""
    if row.state is DeliveryState.DEFERRED:
        return ToSend(
            notification=notification,
            attempt=row.attempt + 1,
            possible_duplicate=row.possible_duplicate,
        )
    return _in_doubt(notification, row) if _is_open(row) else _known(notification, row)


def _of_unplanned(
    notification: Notification, row: DeliveryRow, obsolete: Reason | None
) -> ToSend | Known | None:
    """One that is not sent again, whatever became of it; None: that is for the event's next time.

    What is done has its record all the same, and what waited for its next attempt ends.
    """
    if obsolete is None:
        return None if row.state is DeliveryState.DEFERRED else _known(notification, row)
    if row.state is DeliveryState.DEFERRED:
        result = SendResult(
            kind=Kind.SUPERSEDED,
            reason=obsolete,
            message=_NOT_SENT[obsolete],
            transport=row.transport,
            calls=0,
        )
        return Known(
            notification=notification,
            attempt=row.attempt + 1,
            possible_duplicate=row.possible_duplicate,
            result=result,
            is_news=True,
        )
    return _in_doubt(notification, row, obsolete) if _is_open(row) else _known(notification, row)


def _is_open(row: DeliveryRow) -> bool:
    """Somebody has to ask whether it was accepted; what is held has been asked about."""
    in_doubt = row.state is DeliveryState.IN_DOUBT and row.reason != Reason.HELD
    return in_doubt or row.state is DeliveryState.SENDING


def _in_doubt(
    notification: Notification, row: DeliveryRow, obsolete: Reason | None = None
) -> ToSend:
    return ToSend(
        notification=notification,
        attempt=row.attempt,
        doubt=LeftInDoubt(row.updated_at, row.created_at, row.transport, row.message_id),
        possible_duplicate=row.possible_duplicate,
        obsolete=obsolete,
    )


def _known(notification: Notification, row: DeliveryRow) -> Known:
    kind, reason = _RESULTS[row.state]
    in_doubt = kind is Kind.IN_DOUBT
    return Known(
        notification=notification,
        attempt=row.attempt + (row.state in _UNMARKED),
        possible_duplicate=row.possible_duplicate,
        result=SendResult(
            kind=kind,
            reason=reason if in_doubt or row.reason not in _REASONS else Reason(row.reason),
            message=_HELD if in_doubt else row.message or "",
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
