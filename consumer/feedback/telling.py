"""A report as a tracking record, tied to its notification, event and alarm. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec

from consumer.domain.alarm import State, atom_of, ids_of
from consumer.domain.feedback import SentEmail
from consumer.domain.reasons import Kind
from consumer.domain.tracking import (
    Outcome,
    TrackedEvent,
    TrackedNotification,
    TrackedProvider,
    TrackingEvent,
)
from consumer.feedback.report import Report

#: Reports of what the email was sent for.
_GOOD: Final = frozenset({Kind.DELIVERED, Kind.OPENED, Kind.CLICKED})
#: What an email has to carry to be tied to its alarm where the ledger has forgotten it.
_NEEDED: Final = ("uid", "event_id", "tenant_id", "entity_id", "alarm_id", "check_id")


class Told(msgspec.Struct, frozen=True):
    """A tracking record and its key."""

    atom: str
    record: TrackingEvent


def tell(
    report: Report, sent: SentEmail | None, worker: str, installation: str = ""
) -> Told | None:
    """The record of a report; None: it is about an email that is not ours.

    The ledger's row says whose email it is. Where it was pruned, the email's own variables do,
    if it carries all of ours. One that names another installation is that one's; older emails
    name none.
    """
    if sent is not None:
        record = _record(report, _event(sent), _notification(sent), worker)
        return Told(sent.row.atom, msgspec.structs.replace(record, route=sent.row.route))
    found = report.variables
    if any(not found.get(name) for name in _NEEDED):
        return None
    if installation and found.get("installation", installation) != installation:
        return None
    event = TrackedEvent(
        id=found["event_id"],
        tenant_id=found["tenant_id"],
        entity_id=found["entity_id"],
        check_id=found["check_id"],
        alarm_id=found["alarm_id"],
        state=_state(found),
    )
    to = TrackedNotification(
        uid=report.uid,
        notification_id=found.get("target_id", ""),
        type=None,
        destination=report.recipient,
    )
    atom = atom_of(found["tenant_id"], found["entity_id"], found["alarm_id"], found["check_id"])
    return Told(atom, _record(report, event, to, worker))


def _event(sent: SentEmail) -> TrackedEvent:
    tenant, entity, alarm, check = ids_of(sent.row.atom) or (None,) * 4
    return TrackedEvent(
        id=sent.row.event_id,
        tenant_id=tenant,
        entity_id=entity,
        check_id=check,
        alarm_id=alarm,
        state=sent.state,
        timestamp=sent.timestamp_ms,
    )


def _notification(sent: SentEmail) -> TrackedNotification:
    row = sent.row
    return TrackedNotification(
        uid=row.uid,
        notification_id=row.target_id,
        type=row.type,
        destination=row.destination,
    )


def _record(
    report: Report, event: TrackedEvent, to: TrackedNotification, worker: str
) -> TrackingEvent:
    if event.state is None:
        event = msgspec.structs.replace(event, state=_state(report.variables))
    next_at = report.next_attempt_at
    return TrackingEvent(
        id=report.tracking_id,
        kind=report.kind,
        at=int(report.at * 1000),
        event=event,
        outcome=Outcome(
            success=report.kind in _GOOD,
            retryable=report.kind is Kind.DEFERRED,
            reason=report.reason,
            message=report.message or f"Mailgun says {report.event}",
        ),
        worker=worker,
        notification=to,
        provider=TrackedProvider(
            name="mailgun",
            message_id=None if report.message_id is None else f"<{report.message_id}>",
            event=report.event,
            code=report.code,
            enhanced_code=report.enhanced_code,
        ),
        next_attempt_at=None if next_at is None else int(next_at * 1000),
    )


def _state(variables: Mapping[str, str]) -> State | None:
    found = variables.get("state", "")
    return State(found) if found in set(State) else None
