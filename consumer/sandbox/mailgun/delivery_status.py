"""What a `delivered` or `failed` event says of the attempt. Pure."""

from collections.abc import Mapping
from typing import Any

from consumer.sandbox.mailgun.mail import Mail

TEST_MODE_CODE = 650
"""Code of a mail that test mode kept from being delivered."""

MAX_AGE = 8 * 3600.0
"""Seconds after which Mailgun gives a mail up."""


def delivered(mail: Mail, attempt: int = 1) -> Mapping[str, Any]:
    """`attempt` counts from 1, here and below."""
    if mail.test_mode:
        status = _status(mail, attempt, TEST_MODE_CODE, "") | {"description": "test mode"}
    else:
        status = _status(mail, attempt, 250, "OK") | {"enhanced-code": "2.0.0"}
    return {"delivery-status": status}


def temporary(mail: Mail, code: int, message: str, attempt: int, wait: float) -> Mapping[str, Any]:
    """`wait` is the time to the next attempt in seconds."""
    status = _status(mail, attempt, code, message) | {
        "retry-seconds": round(wait),
        "bounce-type": "soft",
    }
    return {"severity": "temporary", "reason": "generic", "delivery-status": status}


def permanent(
    mail: Mail,
    code: int,
    reason: str,
    *,
    message: str = "",
    description: str = "",
    attempt: int = 1,
    bounce_type: str = "",
) -> Mapping[str, Any]:
    """Without a bounce type the mail never left: there is no host to speak of."""
    if bounce_type:
        status = _status(mail, attempt, code, message) | {"bounce-type": bounce_type}
    else:
        status = {
            "attempt-no": attempt,
            "code": code,
            "message": message,
            "session-seconds": 0.0,
        }
    status["description"] = description
    return {"severity": "permanent", "reason": reason, "delivery-status": status}


def _status(mail: Mail, attempt: int, code: int, message: str) -> dict[str, Any]:
    status: dict[str, Any] = {
        "attempt-no": attempt,
        "code": code,
        "message": message,
        "description": "",
        "mx-host": f"mx.{mail.recipient.rpartition('@')[2]}",
        "tls": True,
        "certificate-verified": True,
        "utf8": True,
        "session-seconds": 0.1,
        "first-delivery-attempt-seconds": 0.1,
    }
    first, _, _ = message.partition(" ")
    if first.count(".") == 2:
        status["enhanced-code"] = first
    return status
