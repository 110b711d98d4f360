"""What one of Mailgun's event documents means. Pure.

A webhook's `event-data`, an item of the Events API and an item of the Logs API say the same in
slightly different shapes. Mailgun may add words and fields at any time, so nothing here fails: a
part that is not what it should be is not there.

=====================  =====================================================================
Mailgun's event        our kind
=====================  =====================================================================
accepted               accepted: not told, it settles doubts
delivered              delivered; reason `test_mode` where test mode only said so (650)
failed, temporary      deferred: the receiving side asked to come back, Mailgun tries on
failed, permanent      bounced_permanent, or bounced_temporary where the address may be right:
                       Mailgun gave up after its last attempt, or calls the bounce soft
rejected               rejected: Mailgun took the email and threw it away
complained, opened, clicked, unsubscribed       the same
=====================  =====================================================================

Deferred and temporary bounce are the words of mail itself: the first is a delay, the second an
end, after which nothing more comes.
"""

import math
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from consumer.adapters.mailgun.answers import one_line
from consumer.domain.reasons import Kind, Reason
from consumer.feedback.report import FOREIGN, UNKNOWN, UNREADABLE, NoReport, Report

#: Longest text of a receiving server that is kept.
_MAX_TEXT: Final = 500
#: No id of Mailgun's is as long; it has to fit into a log line and a table.
_MAX_ID: Final = 200
#: Year 2000 and year 2100: a time beyond is none.
_TIMES: Final = (946_684_800.0, 4_102_444_800.0)

_SIMPLE: Final[Mapping[str, Kind]] = {
    "accepted": Kind.ACCEPTED,
    "delivered": Kind.DELIVERED,
    "rejected": Kind.REJECTED,
    "complained": Kind.COMPLAINED,
    "opened": Kind.OPENED,
    "clicked": Kind.CLICKED,
    "unsubscribed": Kind.UNSUBSCRIBED,
}
#: Seconds: Mailgun itself waits four hours at the most.
_LONGEST_WAIT: Final = 864_000.0
#: delivery-status codes that Mailgun made up itself.
_TEST_MODE: Final = 650
_TOO_OLD: Final = 602


def read(document: Any) -> Report | NoReport:
    """The report in a document, or why there is none. Never raises."""
    if not isinstance(document, dict):
        return UNREADABLE
    word, event_id, at = _text(document, "event"), _text(document, "id"), time_of(document)
    if not word or not event_id or len(event_id) > _MAX_ID or at is None:
        return UNREADABLE
    status = _dict(document, "delivery-status")
    judged = _judged(word.lower(), document, status)
    if judged is None:
        return UNKNOWN
    headers = _dict(_dict(document, "message"), "headers")
    message_id = _bare_id(headers)
    variables = _variables(document)
    uid = _uid(variables.get("uid")) or _uid((message_id or "").partition("@")[0])
    if uid is None:
        return FOREIGN
    kind, reason = judged
    return Report(
        kind=kind,
        reason=reason,
        event=one_line(word)[:_MAX_ID],
        event_id=event_id,
        at=at,
        uid=uid,
        message_id=message_id,
        recipient=_text(document, "recipient") or _text(headers, "to"),
        code=_code(status),
        enhanced_code=_text(status, "enhanced-code"),
        message=_words(document, status),
        next_attempt_at=_next_attempt(kind, at, status),
        variables=variables,
    )


def _judged(
    word: str, document: Mapping[str, Any], status: Mapping[str, Any]
) -> tuple[Kind, Reason] | None:
    if word == "failed":
        return _failed(document, status)
    kind = _SIMPLE.get(word)
    if kind is Kind.DELIVERED and _code(status) == _TEST_MODE:
        return kind, Reason.TEST_MODE
    return None if kind is None else (kind, Reason.REPORTED)


def _failed(document: Mapping[str, Any], status: Mapping[str, Any]) -> tuple[Kind, Reason] | None:
    severity = (_text(document, "severity") or "").lower()
    reason = (_text(document, "reason") or "").lower()
    if severity == "temporary":
        return Kind.DEFERRED, Reason.REPORTED
    if severity != "permanent":
        return None
    if reason.startswith("suppress"):
        return Kind.BOUNCED_PERMANENT, Reason.SUPPRESSED_BY_PROVIDER
    if reason == "old" or _code(status) == _TOO_OLD:
        return Kind.BOUNCED_TEMPORARY, Reason.GAVE_UP
    soft = (_text(status, "bounce-type") or "").lower() == "soft"
    return Kind.BOUNCED_TEMPORARY if soft else Kind.BOUNCED_PERMANENT, Reason.REPORTED


def _words(document: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """What the receiving server or Mailgun said, with Mailgun's reason before it."""
    reject = _dict(document, "reject")
    said = [
        _text(document, "reason"),
        _text(reject, "reason"),
        _text(reject, "description"),
        _text(status, "message") or _text(status, "last-message"),
        _text(status, "description"),
        _text(document, "url"),
    ]
    return one_line(": ".join(part for part in said if part))[:_MAX_TEXT]


def _code(status: Mapping[str, Any]) -> int | None:
    """A delayed bounce has its code under another name."""
    for name in ("code", "bounce-code", "last-code"):
        value = status.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 5:
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10_000:
            return value
    return None


def _next_attempt(kind: Kind, at: float, status: Mapping[str, Any]) -> float | None:
    seconds = status.get("retry-seconds")
    if kind is not Kind.DEFERRED or not isinstance(seconds, int | float):
        return None
    return at + seconds if 0 < seconds < _LONGEST_WAIT else None


def time_of(document: Mapping[str, Any]) -> float | None:
    """`timestamp` is epoch seconds; the Logs have `@timestamp`, ISO 8601."""
    value = document.get("timestamp", document.get("@timestamp"))
    if isinstance(value, str):
        value = _parsed(value)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value) if _TIMES[0] < value < _TIMES[1] else None


def _parsed(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None


def _variables(document: Mapping[str, Any]) -> Mapping[str, str]:
    """The Logs have them as JSON in a text."""
    found = document.get("user-variables")
    if isinstance(found, str):
        try:
            found = msgspec.json.decode(found)
        except (ValueError, RecursionError):
            return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _bare_id(headers: Mapping[str, Any]) -> str | None:
    for name, value in headers.items():
        if name.lower() == "message-id" and isinstance(value, str):
            return value.strip().removeprefix("<").removesuffix(">") or None
    return None


def _uid(text: str | None) -> str | None:
    """Ours are UUIDs. A placeholder that a batch left as it was is none."""
    try:
        return str(uuid.UUID(text)) if text and len(text) == 36 else None
    except ValueError:
        return None


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None


def _dict(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}
