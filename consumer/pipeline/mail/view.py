"""What a template sees of one mail: plain values and dicts, cleaned, bounded, in words.

Two parts: what all mails of an event share, and what differs by recipient. The names are
documented for authors in `consumer/pipeline/templates/README.md`; a test holds that list and
this code together. Nothing in here is escaped: the HTML templates do that.
"""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any, Final

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.catalog import Account, Alarm, Check, Entity, Target
from consumer.domain.follow_up import FALLBACK_TYPE, Unreached
from consumer.domain.notification import Context, Notification
from consumer.pipeline.mail import sections, words
from consumer.pipeline.mail.clean import block, one_line, safe_link
from consumer.pipeline.mail.palette import colour_of

_LABEL: Final = 120
_ID: Final = 120
_ADDRESS: Final = 320
_STATUS: Final = 2000
_STATUS_LINES: Final = 30
_SUMMARY: Final = 140
_REASON: Final = 500
#: Written later than this after the event, the mail says so.
_LATE_MS: Final = 5 * 60 * 1000


def event_values(
    event: AlarmEvent,
    context: Context,
    *,
    previous_state: State | None,
    now_ms: int,
    product_name: str,
    zone: tzinfo,
) -> dict[str, Any]:
    """The values that all mails of one event share.

    `previous_state` is the last state we know of; the producer's own word on it wins.
    """
    previous = event.previous_state or previous_state
    entity = _entity(event, context.entity)
    check = _check(event, context.check, entity["ip"])
    values: dict[str, Any] = {
        "product": product_name,
        "title": f"{product_name} notification",
        "headline": f"{check['label']} on {entity['label']}",
        "state": str(event.state),
        "previous_state": str(previous) if previous else "",
        "state_change": _state_change(event.state, previous),
        "colour": colour_of(event.state),
        "status": block(event.status, _STATUS, _STATUS_LINES),
        "summary": one_line(event.status, _SUMMARY),
        "date": words.date(event.timestamp, zone),
        "timestamp_ms": event.timestamp,
        "link": safe_link(event.link),
        "test": event.test,
        "notes": _notes(event, context, now_ms),
        "account": _account(event, context.account),
        "entity": entity,
        "check": check,
        "alarm": {
            "id": one_line(event.alarm_id, _ID),
            "label": _label(context.alarm, event.alarm_id),
        },
        "plan": _plan(context),
        "observations": sections.observations(event, context, now_ms),
        "tables": sections.tables(event),
    }
    values["facts"] = _facts(values)
    return values


def recipient_values(
    shared: Mapping[str, Any], notification: Notification, target: Target | None
) -> dict[str, Any]:
    """All values of one mail: the shared ones, and those of its recipient."""
    found = {
        "id": one_line(notification.target_id, _ID),
        "label": one_line(target.label if target else None, _LABEL),
        "type": one_line(notification.type, _ID),
    }
    name = one_line(notification.recipient_name, _LABEL)
    address = one_line(notification.destination, _ADDRESS)
    return {
        **shared,
        "notes": [*_told_instead(notification.instead_of), *shared["notes"]],
        "instead_of": one_line(
            notification.instead_of.address if notification.instead_of else None, _ADDRESS
        ),
        "notification": found,
        "recipient": {"name": name, "address": address, "line": f"{name} <{address}>".lstrip()},
        "why": _why(shared, found),
        "ids": _ids(shared, notification),
    }


def _state_change(state: State, previous: State | None) -> str:
    if previous is None:
        return str(state)
    return f"{state} (still)" if previous is state else f"{state} (was {previous})"


def _notes(event: AlarmEvent, context: Context, now_ms: int) -> list[str]:
    notes = []
    if event.test:
        notes.append("This is a test: no alarm has changed its state.")
    if event.replay:
        notes.append("This event was replayed: it may have been told before.")
    late = now_ms - event.timestamp
    if late > _LATE_MS:
        notes.append(f"This mail is late: the event is {words.duration(late)} old.")
    if context.degraded and context.in_catalog:
        notes.append("The catalog may not have all of this: names may be out of date.")
    return notes


def _told_instead(unreached: Unreached | None) -> list[str]:
    if unreached is None:
        return []
    who, why = one_line(unreached.address, _ADDRESS), one_line(unreached.why, _REASON)
    return [
        f"{who} could not be reached about this, so you are told instead. "
        f"The mail provider says: {why or 'nothing more'}"
    ]


def _label(row: Entity | Check | Alarm | None, fallback: str) -> str:
    """A row's label for people; where there is none, its id."""
    return one_line(row.label if row else None, _LABEL) or one_line(fallback, _LABEL) or "?"


def _account(event: AlarmEvent, account: Account | None) -> dict[str, str]:
    return {
        "tenant_id": one_line(event.tenant_id, _ID),
        "id": one_line(account.id if account else event.account_id, _ID),
        "label": one_line(account.label if account else None, _LABEL),
    }


def _entity(event: AlarmEvent, entity: Entity | None) -> dict[str, str]:
    addresses = (entity.ip_addresses if entity else None) or {}
    public = [address for name, address in addresses.items() if "public" in name.lower()]
    return {
        "id": one_line(event.entity_id, _ID),
        "label": _label(entity, event.entity_id),
        "ip": one_line(next(iter([*public, *addresses.values()]), None), _LABEL),
        "link": safe_link(entity.uri if entity else None),
    }


def _check(event: AlarmEvent, check: Check | None, entity_ip: str) -> dict[str, str]:
    target = one_line(event.target or (check.target_hostname if check else None), _LABEL)
    return {
        "id": one_line(event.check_id, _ID),
        "label": _label(check, event.check_id),
        "type": one_line(check.type if check else None, _ID),
        "target": "" if target == entity_ip else target,
    }


def _plan(context: Context) -> dict[str, str]:
    label = context.plan.label if context.plan else None
    return {"id": one_line(context.plan_id, _ID), "label": one_line(label, _LABEL)}


def _facts(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """The lines on top of every mail, in the order readers have known for years."""
    entity, check = values["entity"], values["check"]
    facts = [
        {"name": "Entity", "value": _beside(entity["label"], entity["ip"]), "link": entity["link"]},
        {"name": "Check", "value": _beside(check["label"], check["type"]), "link": ""},
        {"name": "Target", "value": check["target"], "link": ""},
        {"name": "Alarm", "value": values["alarm"]["label"], "link": ""},
        {"name": "Status", "value": values["state_change"], "link": ""},
        {"name": "Date", "value": values["date"], "link": ""},
    ]
    return [fact for fact in facts if fact["value"]]


def _beside(name: str, detail: str) -> str:
    """`name (detail)`, or the one of them that there is."""
    return f"{name} ({detail})" if name and detail and name != detail else name or detail


def _why(shared: Mapping[str, Any], notification: Mapping[str, str]) -> str:
    account = _beside(shared["account"]["label"], shared["account"]["tenant_id"])
    if notification["type"] == FALLBACK_TYPE:
        return (
            "You get this mail because you are to be told when somebody cannot be reached "
            f"about an alarm of account {account}."
        )
    if notification["type"] == "technicalContactsEmail":
        return f"You get this mail because you are a technical contact of account {account}."
    name = _beside(notification["label"], notification["id"])
    plan = _beside(shared["plan"]["label"], shared["plan"]["id"])
    sender = f"plan {plan} of account {account}" if plan else f"account {account}"
    return f"You get this mail because {sender} sends {shared['state']} to notification {name}."


def _ids(shared: Mapping[str, Any], notification: Notification) -> list[dict[str, str]]:
    """What to quote when asking about this mail."""
    event = notification.event
    ids = [
        {"name": "Mail", "value": notification.uid},
        {"name": "Event", "value": one_line(event.id, _ID)},
        {"name": "Tenant", "value": shared["account"]["tenant_id"]},
        {"name": "Entity", "value": shared["entity"]["id"]},
        {"name": "Check", "value": shared["check"]["id"]},
        {"name": "Alarm", "value": shared["alarm"]["id"]},
        {"name": "Transaction", "value": one_line(event.txn_id, _ID)},
    ]
    return [each for each in ids if each["value"]]
