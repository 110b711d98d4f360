"""The lists of suppressed addresses: what is asked, and what a page holds. Pure."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from consumer.adapters.mailgun.answers import one_line
from consumer.adapters.mailgun.lookup_questions import Question
from consumer.domain.suppression import (
    ALL_TAGS,
    SuppressedAddress,
    SuppressionList,
    SuppressionPage,
)

#: What Mailgun gives at the most.
PAGE_LIMIT: Final = 1000
#: Characters of a bounce's words that are kept.
_MAX_WHY: Final = 300
#: What leads to a page; anything else in a link is not handed back.
_PLACE: Final = ("page", "address", "term")


def ask(domain: str, of: SuppressionList, after: str | None = None) -> Question:
    """One page; `after` is what an earlier page said."""
    place = dict(parse_qsl(after or "", keep_blank_values=True))
    query = urlencode({**place, "limit": PAGE_LIMIT})
    return Question(method="GET", path=f"/v3/{domain}/{of}?{query}")


def read(of: SuppressionList, document: Any, asked: str | None) -> SuppressionPage | None:
    """The page in an answer's JSON; None: it is none. What is no entry is left out.

    `asked` is where this page was: a link that leads to itself is the end as well.
    """
    match document:
        case {"items": list(items), "paging": dict(paging)}:
            entries = [entry for item in items if (entry := _entry(of, item)) is not None]
            after = _next(paging) if items else None
            return SuppressionPage(entries=entries, after=None if after == asked else after)
        case _:
            return None


def addition(domain: str, entry: SuppressedAddress) -> Question:
    """Put one on its list."""
    fields = {"address": entry.address}
    if entry.list is SuppressionList.ALLOWLIST:
        name = "address" if "@" in entry.address else "domain"
        fields = {name: entry.address, "reason": entry.why}
    elif entry.list is SuppressionList.BOUNCES:
        fields["error"] = entry.why
    elif entry.list is SuppressionList.UNSUBSCRIBES:
        fields["tag"] = ALL_TAGS
    return Question(
        method="POST",
        path=f"/v3/{domain}/{entry.list}",
        body=urlencode(fields).encode(),
        content_type="application/x-www-form-urlencoded",
    )


def removal_path(domain: str, of: SuppressionList, address: str) -> str:
    return f"/v3/{domain}/{of}/{quote(address, safe='')}"


def _entry(of: SuppressionList, item: Any) -> SuppressedAddress | None:
    if not isinstance(item, dict):
        return None
    address = item.get("value" if of is SuppressionList.ALLOWLIST else "address")
    if not isinstance(address, str) or not address.strip():
        return None
    tags = item.get("tags")
    named = tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
    return SuppressedAddress(
        list=of,
        address=address.strip().lower(),
        since=_moment(item.get("created_at", item.get("createdAt"))),
        why=_why(item),
        tags=named or (ALL_TAGS,),
    )


def _why(item: Mapping[str, Any]) -> str:
    """A bounce's code and words, or the reason of an entry of the allowlist."""
    parts = [item.get(name) for name in ("code", "error", "reason")]
    return one_line(" ".join(str(part) for part in parts if part))[:_MAX_WHY]


def _moment(text: Any) -> float | None:
    """`Thu, 11 Dec 2025 01:49:40 UTC` as epoch seconds."""
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _next(paging: Mapping[str, Any]) -> str | None:
    """Of the whole address that Mailgun gives, the part that leads on."""
    given = paging.get("next")
    if not isinstance(given, str):
        return None
    found = parse_qsl(urlsplit(given).query, keep_blank_values=True)
    place = [(name, value) for name, value in found if name in _PLACE]
    return urlencode(place) or None
