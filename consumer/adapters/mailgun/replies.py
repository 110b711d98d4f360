"""What Mailgun's answers to a send mean. Pure: status, headers and body in, a verdict out.

The table (mailgun.com documentation and field reports; statuses not listed behave as their class):

=====================  =============================================================
200, JSON, `Queued`    accepted (queued, which is all that a 200 says)
200 otherwise, 1xx...  in doubt: something answered, nobody knows what was done
3xx, 401, 404          the configuration is wrong, whatever the email: deferred
420, 429               throttled: deferred until the time that the answer names
400, 402, 403          refused; deferred when the account is at fault, not the email
other 4xx              refused
408, 5xx               in doubt: customers saw such answers for mail that went out
=====================  =============================================================

An operator's mistake must not lose alarms. So whatever blames the key, the domain, the account
or the URL is deferred and goes out when it is put right; only what blames the email is final.
"""

import html
import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from consumer.domain.reasons import Kind, Reason

#: Longest text of an answer that goes into a message.
MAX_TEXT: Final = 300
#: A wait beyond a day is not believed: asking again once a day costs nothing, a misread
#: time (milliseconds for seconds) would stop the domain for ever.
MAX_WAIT_SECONDS: Final = 86_400.0
#: How much of an answer that is not JSON is looked at.
_TEXT_BYTES: Final = 4096

#: What Mailgun answers, with status 200, on a path that it does not route.
_NOT_ROUTED: Final = "Mailgun Magnificent API"
#: The operator's fault: account unverified, not activated, sandbox, free, unpaid; a sender
#: address that is none.
_ACCOUNT: Final = re.compile(
    r"is not allowed to send:|upgrade your account|^from parameter ", re.IGNORECASE
)
_LIMIT: Final = re.compile(r"limit exceeded,? try again (?:after|in) (.+)", re.IGNORECASE)
_SECONDS: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(?:s|secs?|seconds?)?\.?", re.IGNORECASE)
_INVISIBLE: Final = re.compile(r"<(script|style)\b.*?(?:</\1>|$)", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]*>")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one call came to; the fields mean what they mean in `SendResult`."""

    kind: Kind
    reason: Reason
    message: str
    code: int | None = None
    provider_id: str | None = None
    retry_at: float | None = None


def read(
    status: int, headers: Mapping[str, str], body: bytes, *, message_id: str, now: float
) -> Verdict:
    """Say what an answer means. `message_id` is the one we sent, `now` is in epoch seconds."""
    document = _json(body)
    text = _one_line(_error_text(document, body))
    if status == 200:
        return _success(document, text, message_id)
    if 300 <= status < 400:
        return _misconfigured(status, text, "a redirect is not followed, check mailgun.base_url")
    if status == 408 or 500 <= status < 600:
        return _verdict(Kind.IN_DOUBT, Reason.SERVER_ERROR, status, text)
    if 400 <= status < 500:
        return _refusal(status, headers, document, body, text, now)
    return _verdict(Kind.IN_DOUBT, Reason.UNREADABLE_ANSWER, status, text)


def _success(document: Any, text: str, message_id: str) -> Verdict:
    if isinstance(document, dict):
        provider_id, message = document.get("id"), document.get("message")
        queued = isinstance(message, str) and message.startswith("Queued")
        if queued and isinstance(provider_id, str) and provider_id:
            if provider_id.strip("<>") != message_id.strip("<>"):
                # Not documented, but seen when ours is malformed: Mailgun then makes its own.
                text = f"{text} Mailgun uses its own id {provider_id} instead of {message_id}."
            return Verdict(
                kind=Kind.ACCEPTED,
                reason=Reason.QUEUED,
                message=text,
                code=200,
                provider_id=provider_id,
            )
    if text.startswith(_NOT_ROUTED):
        return _misconfigured(200, text, "check mailgun.domain and mailgun.base_url")
    return _verdict(Kind.IN_DOUBT, Reason.UNREADABLE_ANSWER, 200, text)


def _refusal(
    status: int, headers: Mapping[str, str], document: Any, body: bytes, text: str, now: float
) -> Verdict:
    if status in (420, 429) or _LIMIT.search(text):
        retry_at = _retry_at(headers, document, text, now)
        return _verdict(Kind.DEFERRED, Reason.THROTTLED, status, text, retry_at)
    advice = _advice(status, body, text)
    if advice is not None:
        return _misconfigured(status, text, advice)
    return _verdict(Kind.FAILED, Reason.PROVIDER_REJECTED, status, text)


def _advice(status: int, body: bytes, text: str) -> str | None:
    """What the operator should do about a refusal; None when it is about the email."""
    if status == 401:
        return "check mailgun.api_key"
    if status == 404:
        # Nothing of an email is part of the path, and Mailgun's 404 may pass by itself.
        return "check mailgun.domain and the region in mailgun.base_url"
    if status == 403 and "large batches" not in text:
        return "check the key's role and the account's allowed addresses"
    if status in (400, 402) and _ACCOUNT.search(text):
        return "put the domain or the account right at Mailgun"
    if status != 413 and _is_html(body):
        return "this is not Mailgun's own answer, check mailgun.base_url and proxies"
    return None


def _misconfigured(status: int, text: str, advice: str) -> Verdict:
    verdict = _verdict(Kind.DEFERRED, Reason.CONFIGURATION, status, text)
    return msgspec.structs.replace(verdict, message=f"{verdict.message} ({advice})")


def _verdict(
    kind: Kind, reason: Reason, status: int, text: str, retry_at: float | None = None
) -> Verdict:
    said = f": {text}" if text else " without a text"
    return Verdict(
        kind=kind,
        reason=reason,
        message=_clipped(f"HTTP {status}{said}"),
        code=status,
        retry_at=retry_at,
    )


def _retry_at(headers: Mapping[str, str], document: Any, text: str, now: float) -> float | None:
    """The first believable time that the answer gives, in epoch seconds."""
    named = {name.lower(): value for name, value in headers.items()}
    limit = _LIMIT.search(text)
    webhooks_style = document.get("retry-seconds") if isinstance(document, dict) else None
    candidates = (
        _moment(named.get("retry-after", ""), now),
        _number(named.get("x-ratelimit-reset", "")),
        _moment(limit[1], now) if limit else None,
        _moment(str(webhooks_style), now),
    )
    for moment in candidates:
        if moment is not None and now < moment <= now + MAX_WAIT_SECONDS:
            return moment
    return None


def _moment(text: str, now: float) -> float | None:
    """`120`, `120 seconds` or an RFC 2822 date as epoch seconds."""
    seconds = _SECONDS.fullmatch(text.strip())
    if seconds:
        return now + float(seconds[1])
    try:
        date = parsedate_to_datetime(text.strip(" ."))
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None


def _is_html(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"


def _error_text(document: Any, body: bytes) -> str:
    """The words of an answer, from whichever of Mailgun's envelopes it came in."""
    if isinstance(document, str):
        return document
    if isinstance(document, dict):
        for key in ("message", "Reason", "Description", "error"):
            if document.get(key):
                return _as_text(document[key])
        if "Field" in document or "Value" in document:
            return f"{_as_text(document.get('Field'))}: {_as_text(document.get('Value'))}"
    text = body[:_TEXT_BYTES].decode(errors="replace")
    if _is_html(body):
        text = html.unescape(_TAG.sub(" ", _INVISIBLE.sub(" ", text)))
    return text


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _clipped(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
