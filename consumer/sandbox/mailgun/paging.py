"""A walk over the event log, page by page. A token holds all that the next page needs, so
the server keeps nothing between two calls. Pure."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from consumer.sandbox.mailgun.events import Event, EventKey
from consumer.sandbox.mailgun.switches import Switches
from consumer.sandbox.mailgun.validation import delivery_time

MAX_LIMIT = 300
DEFAULT_LIMIT = 100

Move = Literal["first", "next", "previous", "last"]
MOVES: tuple[Move, ...] = ("first", "next", "previous", "last")


class BadQuery(ValueError):
    """The parameters contradict each other or cannot be read."""


class Select(Protocol):
    """`Store.events` with its filter filled in."""

    def __call__(
        self, *, after: EventKey | None, before: EventKey | None, newest_first: bool, limit: int
    ) -> list[Event]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A range of time, a direction, a place in it, and where to go from there."""

    low: float | None = None
    high: float | None = None
    newest_first: bool = True
    limit: int = DEFAULT_LIMIT
    filters: tuple[tuple[str, str], ...] = ()
    move: Move = "first"
    gap: EventKey | None = None
    """A place between two events, which is therefore no event's own key."""

    def token(self) -> str:
        values = [self.low, self.high, self.newest_first, self.limit, self.filters]
        text = json.dumps([*values, self.move, self.gap], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def of_token(cls, token: str) -> "Query":
        """Raises BadQuery."""
        try:
            padded = token + "=" * (-len(token) % 4)
            low, high, newest, limit, filters, move, gap = json.loads(
                base64.urlsafe_b64decode(padded)
            )
            return cls(
                low=low,
                high=high,
                newest_first=newest,
                limit=limit,
                filters=tuple((name, expression) for name, expression in filters),
                move=MOVES[MOVES.index(move)],
                gap=None if gap is None else (float(gap[0]), float(gap[1])),
            )
        except (ValueError, TypeError, IndexError) as error:
            raise BadQuery("invalid page token") from error


@dataclass(frozen=True, slots=True)
class Page:
    """The events of one page, and the query of each page that it leads to."""

    events: list[Event]
    links: dict[Move, Query]


def unbracketed(message_id: str, switches: Switches) -> str | None:
    """What a search for a message id really asks for; None: everything. Raises BadQuery."""
    if "<" not in message_id or switches.bracketed_message_id == "nothing":
        return message_id
    if switches.bracketed_message_id == "refused":
        raise BadQuery("message-id must not have angle brackets")
    if switches.bracketed_message_id == "ignored":
        return None
    return message_id.replace("<", "").replace(">", "")


def time_range(begin: str, end: str, ascending: str, *, half_open: bool = False) -> Query:
    """The parameters of the Events API as a query. Raises BadQuery.

    `begin` or `end` alone is not honoured unless `ascending` gives the direction, or
    `half_open` ranges are.
    """
    first, last = _instant(begin), _instant(end)
    upward = {"": None, "yes": True, "true": True, "no": False, "false": False}.get(
        ascending.lower()
    )
    if first is not None and last is not None:
        if upward is not None and first != last and upward != (first < last):
            raise BadQuery("ascending contradicts the order of begin and end")
        downward = last < first if upward is None else not upward
        return Query(low=min(first, last), high=max(first, last), newest_first=downward)
    if upward is None and half_open:
        return Query(low=first, high=last)
    if upward is None:
        return Query()
    low, high = (first, last) if upward else (last, first)
    return Query(low=low, high=high, newest_first=not upward)


def _instant(value: str) -> float | None:
    if not value:
        return None
    try:
        return float(value)
    except ValueError:
        instant = delivery_time(value)
    if instant is None:
        raise BadQuery(f"{value} is not an RFC-2822 compliant date")
    return instant


def read_page(query: Query, select: Select) -> Page:
    """The page that the query asks for."""
    backward = query.move in ("previous", "last")
    newest_first = query.newest_first != backward
    after = None if query.low is None else (query.low, 0.0)
    before = None if query.high is None else (query.high, float("inf"))
    if query.gap is not None and newest_first:
        before = query.gap
    elif query.gap is not None:
        after = query.gap
    events = select(after=after, before=before, newest_first=newest_first, limit=query.limit)
    if backward:
        events.reverse()
    return Page(events, _links(query, events))


def _links(query: Query, events: list[Event]) -> dict[Move, Query]:
    step = -0.5 if query.newest_first else 0.5
    if events:
        (first, first_serial), (last, last_serial) = events[0].key, events[-1].key
        ahead, behind = (last, last_serial + step), (first, first_serial - step)
    else:
        edge = query.high if query.newest_first else query.low
        ahead = behind = query.gap or (edge or 0.0, 0.0)

    def link(move: Move, gap: EventKey | None) -> Query:
        return replace(query, move=move, gap=gap)

    return {
        "first": link("first", None),
        "last": link("last", None),
        "next": link("next", ahead),
        "previous": link("previous", behind),
    }


def paging_urls(page: Page, url_of: Callable[[str], str]) -> dict[str, str]:
    """The four links of an answer; all are always there."""
    return {move: url_of(query.token()) for move, query in page.links.items()}
