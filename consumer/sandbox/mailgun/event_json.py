"""The JSON of an event, as the Events API and the webhooks show it. Pure."""

from collections.abc import Callable, Iterable
from typing import Any

from consumer.sandbox.mailgun.delivery_status import delivered
from consumer.sandbox.mailgun.events import Event
from consumer.sandbox.mailgun.mail import Stored

_LEVELS = {"rejected": "warn", "complained": "warn"}


def bodies(events: Iterable[Event], base_url: str) -> list[dict[str, Any]]:
    """The items of an Events API page. `base_url` is where the storage URLs lead."""
    return [body(event, base_url) for event in events]


def body(event: Event, base_url: str) -> dict[str, Any]:
    """The event as the Events API shows it."""
    mail = event.stored.mail
    item: dict[str, Any] = {
        "event": event.kind,
        "id": event.id,
        "timestamp": event.timestamp,
        "log-level": _level(event),
        "tags": list(mail.tags),
        "user-variables": dict(mail.variables),
        "flags": {
            "is-routed": False,
            "is-authenticated": True,
            "is-system-test": False,
            "is-test-mode": mail.test_mode,
        },
    }
    item |= _PARTS[event.kind](event, base_url)
    if mail.batch_id is not None:
        item["batch"] = {"id": mail.batch_id}
    if mail.template and event.kind == "failed":
        item["template"] = {"name": mail.template}
    more = dict(event.details)
    item["flags"] |= more.pop("flags", {})
    return item | more


def _level(event: Event) -> str:
    if event.kind == "failed":
        return "error" if event.severity == "permanent" else "warn"
    return _LEVELS.get(event.kind, "info")


def _accepted(event: Event, base_url: str) -> dict[str, Any]:
    mail = event.stored.mail
    message = _message(event) | {"recipients": [mail.recipient]}
    if mail.scheduled_for is not None:
        message["scheduled-for"] = mail.scheduled_for
    return {
        **_recipient(event),
        "method": "HTTP",
        "originating-ip": "127.0.0.1",
        "api-key-id": "00000000-00000001",
        "envelope": _envelope(event),
        "message": message,
        "storage": _storage(event.stored, base_url),
    }


def _rejected(event: Event, _: str) -> dict[str, Any]:
    """It has no recipient; the one of the header is all there is."""
    return {
        "message": _message(event),
        "reject": {"reason": "Message flagged as spam", "description": ""},
    }


def _delivered(event: Event, base_url: str) -> dict[str, Any]:
    return {
        **_failed(event, base_url),
        **delivered(event.stored.mail),
        "envelope": _envelope(event) | {"sending-ip": "192.0.2.25"},
        "primary-dkim": "",
    }


def _failed(event: Event, base_url: str) -> dict[str, Any]:
    return {
        **_recipient(event),
        "envelope": _envelope(event),
        "message": _message(event),
        "storage": _storage(event.stored, base_url),
        "recipient-provider": "Other",
    }


def _complained(event: Event, _: str) -> dict[str, Any]:
    return {**_recipient(event), "message": _message(event)}


def _engaged(event: Event, _: str) -> dict[str, Any]:
    """Opened, clicked, unsubscribed: what a browser tells, and of the mail only its id."""
    return {
        **_recipient(event),
        "ip": "192.0.2.99",
        "geolocation": {"country": "US", "region": "TX", "city": "Austin"},
        "client-info": {
            "client-type": "browser",
            "client-os": "Linux",
            "device-type": "desktop",
            "client-name": "Firefox",
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "bot": "",
        },
        "message": {
            "headers": {"message-id": event.stored.mail.message_id},
            "attachments": [],
            "size": event.stored.mail.size,
        },
    }


_PARTS: dict[str, Callable[[Event, str], dict[str, Any]]] = {
    "accepted": _accepted,
    "rejected": _rejected,
    "delivered": _delivered,
    "failed": _failed,
    "complained": _complained,
    "opened": _engaged,
    "clicked": _engaged,
    "unsubscribed": _engaged,
}

KINDS = frozenset(_PARTS)


def _recipient(event: Event) -> dict[str, str]:
    recipient = event.stored.mail.recipient
    return {"recipient": recipient, "recipient-domain": recipient.rpartition("@")[2]}


def _envelope(event: Event) -> dict[str, str]:
    mail = event.stored.mail
    return {"sender": mail.sender, "transport": "smtp", "targets": mail.recipient}


def _message(event: Event) -> dict[str, Any]:
    mail = event.stored.mail
    return {
        "headers": {
            "to": mail.to,
            "from": mail.from_,
            "subject": mail.subject,
            "message-id": mail.message_id,
        },
        "attachments": [
            {
                "filename": upload.filename,
                "content-type": upload.content_type,
                "size": len(upload.content),
            }
            for upload in mail.attachments
        ],
        "size": mail.size,
    }


def _storage(stored: Stored, base_url: str) -> dict[str, str]:
    return {
        "key": stored.key,
        "url": f"{base_url}/v3/domains/{stored.mail.domain}/messages/{stored.key}",
        "region": "us-east4",
        "env": "production",
    }
