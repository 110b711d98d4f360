"""Reading all events of a domain, page by page: what is asked, and what a page holds. Pure."""

import math
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from consumer.adapters.mailgun.lookup_questions import Api, Question, equals, rfc2822
from consumer.domain.feedback import EventsPage

#: Events of one page: what each API gives at the most.
LIMITS: Final[Mapping[Api, int]] = {"events": 300, "logs": 100}


def ask(api: Api, domain: str, begin: float, end: float, after: str | None = None) -> Question:
    """The events from `begin` to `end` (epoch seconds), oldest first; `after`: a page's token.

    Whole seconds, rounded outwards: the Logs API knows no finer ones.
    """
    begin, end = math.floor(begin), math.ceil(end)
    if api == "events":
        return _events(domain, begin, end, after)
    search = {
        "start": rfc2822(begin),
        "end": rfc2822(end),
        "filter": {"AND": [equals("domain", domain)]},
        "include_subaccounts": False,
        "include_totals": False,
        "pagination": {
            "sort": "timestamp:asc",
            "limit": LIMITS["logs"],
            **({} if after is None else {"token": after}),
        },
    }
    return Question(
        method="POST",
        path="/v1/analytics/logs",
        body=msgspec.json.encode(search),
        content_type="application/json",
    )


def _events(domain: str, begin: float, end: float, after: str | None) -> Question:
    query = {"begin": begin, "end": end, "ascending": "yes", "limit": LIMITS["events"]}
    place = "" if after is None else f"/{quote(after, safe='')}"
    return Question(method="GET", path=f"/v3/{domain}/events{place}?{urlencode(query)}")


def read(api: Api, document: Any) -> EventsPage | None:
    """The page in an answer's JSON; None: it is none. What is no event is left out."""
    paging_key = "paging" if api == "events" else "pagination"
    match document:
        case {"items": list(items), **rest} if isinstance(paging := rest.get(paging_key), dict):
            events = [item for item in items if isinstance(item, dict)]
            # The last page is the empty one.
            return EventsPage(items=events, after=_token(api, paging) if items else None)
        case _:
            return None


def _token(api: Api, paging: Mapping[str, Any]) -> str | None:
    """The Events API gives a whole address, and the token is its last part."""
    given = paging.get("next")
    if not isinstance(given, str) or not given:
        return None
    return urlsplit(given).path.rpartition("/")[2] or None if api == "events" else given
