"""What happened to a mail: the events, and the JSON of each kind. Pure."""

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from consumer.sandbox.mailgun.mail import Stored

TEST_MODE_CODE = 650
"""delivery-status code of a mail that test mode kept from being delivered."""

EventKey = tuple[float, float]
"""The place in the log: time stamp, then serial number."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one stored mail."""

    serial: int
    timestamp: float
    """Unix seconds."""
    visible_at: float
    """Unix seconds; the Events API does not know it earlier."""
    kind: str
    stored: Stored

    @property
    def key(self) -> EventKey:
        return (self.timestamp, self.serial)

    @property
    def id(self) -> str:
        digest = hashlib.blake2b(f"{self.serial} {self.stored.key}".encode(), digest_size=16)
        return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")


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
        "log-level": "info",
        "recipient": mail.recipient,
        "recipient-domain": mail.recipient.rpartition("@")[2],
        "tags": list(mail.tags),
        "user-variables": dict(mail.variables),
        "flags": {
            "is-routed": False,
            "is-authenticated": True,
            "is-system-test": False,
            "is-test-mode": mail.test_mode,
        },
        "envelope": {
            "sender": mail.sender,
            "transport": "smtp",
            "targets": mail.recipient,
        },
        "message": _message(event),
        "storage": _storage(event.stored, base_url),
    }
    if mail.batch_id is not None:
        item["batch"] = {"id": mail.batch_id}
    return item | _EXTRAS[event.kind](event)


def _message(event: Event) -> dict[str, Any]:
    mail = event.stored.mail
    message: dict[str, Any] = {
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
    if event.kind == "accepted":
        message["recipients"] = [mail.recipient]
        if mail.scheduled_for is not None:
            message["scheduled-for"] = mail.scheduled_for
    return message


def _storage(stored: Stored, base_url: str) -> dict[str, str]:
    return {
        "key": stored.key,
        "url": f"{base_url}/v3/domains/{stored.mail.domain}/messages/{stored.key}",
        "region": "us-east4",
        "env": "production",
    }


def _accepted(_: Event) -> dict[str, Any]:
    return {"method": "HTTP", "originating-ip": "127.0.0.1"}


def _delivered(event: Event) -> dict[str, Any]:
    mail = event.stored.mail
    status: dict[str, Any] = {
        "attempt-no": 1,
        "code": 250,
        "message": "OK",
        "description": "",
        "mx-host": f"mx.{mail.recipient.rpartition('@')[2]}",
        "enhanced-code": "2.0.0",
        "tls": True,
        "certificate-verified": True,
        "utf8": True,
        "session-seconds": 0.1,
        "first-delivery-attempt-seconds": 0.1,
    }
    if mail.test_mode:
        status |= {"code": TEST_MODE_CODE, "message": "", "description": "test mode"}
    return {"delivery-status": status, "recipient-provider": "Other", "primary-dkim": ""}


_EXTRAS: dict[str, Callable[[Event], dict[str, Any]]] = {
    "accepted": _accepted,
    "delivered": _delivered,
}
