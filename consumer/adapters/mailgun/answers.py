"""An answer taken apart: its JSON, its words, the time that it asks to wait. Pure."""

import html
import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

#: A wait beyond a day is not believed: asking again once a day costs nothing, a misread
#: time (milliseconds for seconds) would stop the domain for ever.
MAX_WAIT_SECONDS: Final = 86_400.0
#: How much of an answer that is not JSON is looked at.
_TEXT_BYTES: Final = 4096

#: No number of emails has as many.
_MOST_DIGITS: Final = 10

#: What Mailgun answers, with status 200, on a path that it does not route.
_NOT_ROUTED: Final = "Mailgun Magnificent API"
_LIMIT: Final = re.compile(r"limit exceeded,? try again (?:after|in) (.+)", re.IGNORECASE)
_SECONDS: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(?:s|secs?|seconds?)?\.?", re.IGNORECASE)
_INVISIBLE: Final = re.compile(r"<(script|style)\b.*?(?:</\1>|$)", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]*>")


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer holds, whichever of Mailgun's envelopes it came in."""

    status: int
    headers: Mapping[str, str]
    #: Its JSON; None: it has none.
    document: Any
    #: Its words, on one line.
    text: str
    is_html: bool

    @property
    def not_routed(self) -> bool:
        """The path is none of Mailgun's: the domain or the base URL is wrong."""
        return self.text.startswith(_NOT_ROUTED)

    @property
    def throttled(self) -> bool:
        """A refusal that is only about the moment. 420 is undocumented, and seen."""
        return self.status in (420, 429) or _LIMIT.search(self.text) is not None

    @property
    def remaining(self) -> int | None:
        """How much is left of the limit that it names; None: it does not say."""
        named = {name.lower(): value for name, value in self.headers.items()}
        text = named.get("x-ratelimit-remaining", "")
        return int(text) if text.isdecimal() and len(text) < _MOST_DIGITS else None

    def retry_at(self, now: float) -> float | None:
        """The first believable time that a throttling answer gives, in epoch seconds."""
        named = {name.lower(): value for name, value in self.headers.items()}
        limit = _LIMIT.search(self.text)
        in_json = self.document.get("retry-seconds") if isinstance(self.document, dict) else None
        candidates = (
            _moment(named.get("retry-after", ""), now),
            _number(named.get("x-ratelimit-reset", "")),
            _moment(limit[1], now) if limit else None,
            _moment(str(in_json), now),
        )
        for moment in candidates:
            if moment is not None and now < moment <= now + MAX_WAIT_SECONDS:
                return moment
        return None


def take_apart(status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    """Never fails: an answer that holds nothing we know has at least a text."""
    document = _json(body)
    return Reply(
        status=status,
        headers=headers,
        document=document,
        text=one_line(_words(document, body)),
        is_html=_is_html(body),
    )


def one_line(text: str) -> str:
    """Without line breaks and other characters that would confuse a log."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None


def _is_html(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"


def _words(document: Any, body: bytes) -> str:
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
