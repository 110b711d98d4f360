"""Stage `plan`: in come an event and its context; out come its notifications, or why none.

Here an event can end as disabled, suppressed or without recipients; a single destination can
end as failed (unknown notification, unsupported type, no address) while the others go on.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from consumer.domain.address import valid_address
from consumer.domain.alarm import AlarmEvent
from consumer.domain.catalog import Account, ContactPerson, Target
from consumer.domain.identity import normalised_address, notification_uid
from consumer.domain.notification import Context, Ending, Notification
from consumer.domain.reasons import Kind, Reason

#: Those on call are told of many alarms.
_ADDRESSES: Final = 2048


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What an event leads to: emails to create, and ends of the event or of destinations."""

    notifications: Sequence[Notification] = ()
    endings: Sequence[Ending] = ()


def plan(event: AlarmEvent, context: Context) -> Planned:
    """Choose the destinations for the new state."""
    ending = _nobody_to_tell(event, context)
    if ending is not None:
        return Planned(endings=(ending,))
    notifications: list[Notification] = []
    endings: list[Ending] = []
    told: set[str] = set()
    for target_id in context.listed:
        for found in destinations(event, context, target_id):
            if isinstance(found, Ending):
                endings.append(found)
            elif found.destination in told:
                endings.append(
                    _end(
                        Kind.DUPLICATE,
                        Reason.SAME_ADDRESS,
                        "Another notification of the plan has the same address",
                        target_id,
                        found.type,
                        found.destination,
                    )
                )
            else:
                told.add(found.destination)
                notifications.append(found)
    return Planned(notifications=notifications, endings=endings)


def _nobody_to_tell(event: AlarmEvent, context: Context) -> Ending | None:
    """Why the whole event is not sent, the strongest reason first."""
    if not event.actions_enabled:
        return _end(Kind.DISABLED, Reason.ACTIONS_DISABLED, "The producer disabled actions")
    for name, row in (
        ("alarm", context.alarm),
        ("check", context.check),
        ("entity", context.entity),
    ):
        if row is not None and row.deleted_at is not None:
            return _end(Kind.DISABLED, Reason.DELETED, f"The {name} was deleted")
    if context.alarm is not None and context.alarm.disabled:
        return _end(Kind.DISABLED, Reason.ALARM_DISABLED, "The alarm is disabled")
    if context.check is not None and context.check.disabled:
        return _end(Kind.DISABLED, Reason.CHECK_DISABLED, "The check is disabled")
    if context.suppressed_by:
        ids = ", ".join(context.suppressed_by)
        return _end(Kind.SUPPRESSED, Reason.MAINTENANCE, f"Suppressed by {ids}")
    if not context.listed:
        return _end(
            Kind.NO_RECIPIENTS,
            Reason.EMPTY_LIST,
            f"Plan {context.plan_id} lists nobody for {event.state}",
        )
    return None


def destinations(
    event: AlarmEvent, context: Context, target_id: str
) -> Iterator[Notification | Ending]:
    """Whom one of the plan's notifications leads to, and why it does not."""
    target = context.targets.get(target_id)
    if target is None:
        yield _end(
            Kind.FAILED,
            Reason.UNKNOWN_NOTIFICATION,
            f"Plan {context.plan_id} names {target_id}, which does not exist",
            target_id,
        )
    elif target.type == "email":
        address = (target.details or {}).get("address")
        yield _to_address(event, context, target, address if isinstance(address, str) else "")
    elif target.type == "technicalContactsEmail":
        yield from _to_contacts(event, context, target)
    else:
        yield _end(
            Kind.FAILED,
            Reason.UNSUPPORTED_TYPE,
            f"Notifications of type {target.type} are not sent",
            target_id,
            target.type,
        )


def _to_contacts(
    event: AlarmEvent, context: Context, target: Target
) -> Iterator[Notification | Ending]:
    people = technical_contacts(context.account)
    if not people:
        yield _end(
            Kind.NO_RECIPIENTS,
            Reason.NO_CONTACTS,
            "The account has neither a technical nor a primary contact",
            target.id,
            target.type,
        )
    for person in people:
        name = " ".join(filter(None, (person.first_name, person.last_name)))
        yield _to_address(event, context, target, person.email_address or "", name)


def technical_contacts(account: Account | None) -> list[ContactPerson]:
    """Every technical contact; if there is none, the primary contact."""
    people = account.contacts.contacts if account is not None else []
    technical = [p for p in people if any(r.lower() == "technical" for r in p.role)]
    return technical or [p for p in people if any(r.lower() == "primary" for r in p.role)][:1]


def _to_address(
    event: AlarmEvent, context: Context, target: Target, address: str, name: str = ""
) -> Notification | Ending:
    destination, is_valid = _destination(address)
    if not is_valid:
        return _end(
            Kind.FAILED,
            Reason.INVALID_ADDRESS,
            f"Notification {target.id} has no valid email address",
            target.id,
            target.type,
            destination or None,
        )
    return Notification(
        uid=notification_uid(event.id, target.id, target.type, destination),
        event=event,
        target_id=target.id,
        type=target.type,
        destination=destination,
        plan_id=context.plan_id,
        recipient_name=name or target.label or "",
    )


@lru_cache(_ADDRESSES)
def _destination(address: str) -> tuple[str, bool]:
    """The normalised address, and whether it is one."""
    destination = normalised_address(address)
    return destination, valid_address(destination)


def _end(
    kind: Kind,
    reason: Reason,
    message: str,
    target_id: str | None = None,
    type_: str | None = None,
    destination: str | None = None,
) -> Ending:
    return Ending(
        kind=kind,
        reason=reason,
        message=message,
        target_id=target_id,
        type=type_,
        destination=destination,
    )
