"""Pages by a pivot: the key of an item before or after which the page lies. The older lists
of Mailgun's API go this way; their links have a query string. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

T = TypeVar("T")


def pivot_page(
    items: Sequence[T],
    *,
    key: Callable[[T], str],
    url: str,
    name: str,
    pivot: str,
    page: str,
    limit: int,
    more: Mapping[str, str],
) -> tuple[Sequence[T], dict[str, str]]:
    """The page and the links beside it. `items` are sorted by their key; `name` is the
    parameter of the pivot, `more` are parameters that every link keeps. A walk along `next`
    ends with an empty page."""
    start = 0
    if page == "next":
        start = bisect_right(items, pivot, key=key) if pivot else 0
    elif page in ("previous", "prev"):
        start = max((bisect_left(items, pivot, key=key) if pivot else len(items)) - limit, 0)
    elif page == "last":
        start = max(len(items) - limit, 0)
    stop = start + limit
    if page in ("previous", "prev") and pivot:
        stop = min(stop, bisect_left(items, pivot, key=key))
    shown = items[start:stop]

    def link(move: str, at: str) -> str:
        return f"{url}?{urlencode({'page': move, name: at, 'limit': limit, **more})}"

    first, last = (key(shown[0]), key(shown[-1])) if shown else (pivot, pivot)
    return shown, {
        "first": link("first", ""),
        "previous": link("previous", first),
        "next": link("next", last),
        "last": link("last", ""),
    }
