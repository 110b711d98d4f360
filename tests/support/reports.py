"""Mailgun's event documents, as a webhook brings them, complete and changed by keyword."""

import hashlib
import hmac
import json
from typing import Any

UID = "3ea90999-0802-5011-8804-564c26bd77b7"
AT = 1_392_138_739.641821
SIGNING_KEY = "key-example-signing"

VARIABLES = {
    "uid": UID,
    "event_id": "a692ad20-933f-11e3-81e3-5839dd8ab955",
    "tenant_id": "487000",
    "entity_id": "enW3bSrv01",
    "check_id": "chHttpW3b1",
    "alarm_id": "alBodyM4tc",
    "state": "CRITICAL",
}


def document(event: str = "delivered", /, **changes: Any) -> dict[str, Any]:
    """An event of the email that `factories.make_email` makes."""
    values: dict[str, Any] = {
        "event": event,
        "id": "hK7mQVt1QtqRiOfQXta4sw",
        "timestamp": AT,
        "log-level": "info",
        "recipient": "oncall@example.com",
        "recipient-domain": "example.com",
        "tags": ["critical"],
        "user-variables": VARIABLES,
        "flags": {"is-test-mode": False},
        "message": {
            "headers": {
                "to": "oncall@example.com",
                "from": "Alarms <alarms@alerts.example.com>",
                "subject": "** CRITICAL **",
                "message-id": f"{UID}@alerts.example.com",
            },
            "attachments": [],
            "size": 586,
        },
    }
    if event == "delivered":
        values["delivery-status"] = {"code": 250, "message": "OK", "enhanced-code": "2.0.0"}
    return values | changes


def failed(severity: str, reason: str = "bounce", /, **status: Any) -> dict[str, Any]:
    """A delivery that did not succeed."""
    told = {"attempt-no": 1, "code": 550, "message": "5.1.1 No such user", "description": ""}
    return document(
        "failed", severity=severity, reason=reason, **{"delivery-status": told | status}
    )


def as_log_item(event: dict[str, Any], moment: str) -> dict[str, Any]:
    """The same event as the Logs API has it; `moment` is its time in ISO 8601."""
    item = {name: value for name, value in event.items() if name != "timestamp"}
    return item | {
        "@timestamp": moment,
        "user-variables": json.dumps(event["user-variables"]),
        "domain": {"name": "alerts.example.com"},
        "account": {"id": "0123456789abcdef01234567"},
    }


def signature(timestamp: float, token: str, key: str = SIGNING_KEY) -> dict[str, str]:
    """What Mailgun puts beside an event."""
    told = f"{timestamp:.0f}"
    digest = hmac.new(key.encode(), f"{told}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": told, "token": token, "signature": digest}
