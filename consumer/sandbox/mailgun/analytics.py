"""POST /v1/analytics/logs, as far as looking up a send needs it. Pure but for the store."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any

from consumer.sandbox.mailgun.event_json import body
from consumer.sandbox.mailgun.events import Event
from consumer.sandbox.mailgun.filters import BadFilter
from consumer.sandbox.mailgun.paging import BadQuery, Query, paging_urls, read_page, unbracketed
from consumer.sandbox.mailgun.store import Store
from consumer.sandbox.mailgun.switches import Switches
from consumer.sandbox.mailgun.validation import delivery_time

MAX_LIMIT = 100
_EVERYTHING = 2**31
_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}
_NO_SEARCH = "the request is not valid JSON of a log search"

Predicate = Callable[[Event], bool]

_ATTRIBUTES: dict[str, Callable[[Event], Iterable[str]]] = {
    "domain": lambda event: (event.stored.mail.domain,),
    "event": lambda event: (event.kind,),
    "from": lambda event: (event.stored.mail.from_,),
    "id": lambda event: (event.id,),
    "message_id": lambda event: (event.stored.mail.message_id,),
    "recipient": lambda event: (event.stored.mail.recipient,),
    "recipient_domain": lambda event: (event.stored.mail.recipient.rpartition("@")[2],),
    "recipients": lambda event: (event.stored.mail.recipient,),
    "subject": lambda event: (event.stored.mail.subject,),
    "tag": lambda event: event.stored.mail.tags,
    "to": lambda event: (event.stored.mail.to,),
    "user_variables": lambda event: (json.dumps(event.stored.mail.variables),),
}


@dataclass(frozen=True, slots=True)
class Search:
    """A request, understood."""

    query: Query
    keep: Predicate
    start: float
    end: float | None
    """Unix seconds; None: open, now and later."""
    message_id: str | None = None
    """If the search is about exactly one, in lower case: then the index answers it."""


def parse_search(content: bytes, now: float, switches: Switches) -> Search:
    """Raises BadQuery or BadFilter. Without times it is the last 24 hours."""
    try:
        request = json.loads(content or b"{}")
        paging = request.get("pagination") or {}
        limit = min(int(paging.get("limit") or MAX_LIMIT), MAX_LIMIT)
    except (ValueError, TypeError, AttributeError) as error:
        raise BadQuery(_NO_SEARCH) from error
    predicates = parse_filter(request, switches)
    if kinds := request.get("events"):
        predicates.append(lambda event: event.kind in kinds)
    start, end = parse_range(request, now, "1d")
    query = Query(
        low=start,
        high=end,
        newest_first=not str(paging.get("sort", "")).endswith(":asc"),
        limit=limit,
    )
    if paging.get("token"):
        query = replace(Query.of_token(paging["token"]), limit=query.limit)
    return Search(
        query,
        lambda event: all(test(event) for test in predicates),
        start,
        end,
        next(filter(None, map(_one_id, _rules(request, switches))), None),
    )


def parse_filter(request: dict[str, Any], switches: Switches) -> list[Predicate]:
    """All must hold. Raises BadQuery or BadFilter."""
    try:
        return [_predicate(**rule) for rule in _rules(request, switches)]
    except TypeError as error:
        raise BadQuery(_NO_SEARCH) from error


def parse_range(request: dict[str, Any], now: float, usual: str) -> tuple[float, float | None]:
    """`start` and `end`, or a `duration` before the end; `usual` is the duration that is meant
    where nothing is said. Unix seconds. Raises BadQuery."""
    end, start = _instant(request.get("end")), _instant(request.get("start"))
    if start is None or request.get("duration"):
        start = (end or now) - _duration(str(request.get("duration") or usual))
    return start, end


def _rules(request: dict[str, Any], switches: Switches) -> list[dict[str, Any]]:
    try:
        return _without_brackets((request.get("filter") or {}).get("AND", ()), switches)
    except (TypeError, AttributeError, LookupError) as error:
        raise BadQuery(_NO_SEARCH) from error


def searched_domain(content: bytes) -> str:
    """The domain that a search names; empty: it names none, or is no search."""
    try:
        rules = json.loads(content)["filter"]["AND"]
        named = [rule["values"][0]["value"] for rule in rules if rule["attribute"] == "domain"]
        return str(named[0])
    except (ValueError, TypeError, LookupError):
        return ""


def answer(search: Search, store: Store, base_url: str, now: float) -> dict[str, Any]:
    select = partial(store.events, search.keep, message_id=search.message_id)
    page = read_page(search.query, select)
    whole = Query(low=search.start, high=search.end, limit=_EVERYTHING)
    total = len(read_page(whole, select).events)
    return {
        "start": _date(search.start),
        "end": _date(now if search.end is None else search.end),
        "items": [_item(event, base_url) for event in page.events],
        "pagination": {**paging_urls(page, str), "total": total},
        "aggregates": {"all": total, "metrics": {}},
    }


def _item(event: Event, base_url: str) -> dict[str, Any]:
    """An event in the dress of the Logs API."""
    item = body(event, base_url)
    stamp = datetime.fromtimestamp(item.pop("timestamp"), UTC)
    item["@timestamp"] = stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    item["domain"] = {"name": event.stored.mail.domain}
    item["account"] = {"id": "000000000000000000000001"}
    item["user-variables"] = json.dumps(item["user-variables"])
    item["flags"] = {"is-delayed-bounce": False, "is-callback": False} | item["flags"]
    if "storage" in item:  # a rejected mail is not kept, and a reader's events do not name it
        item["storage"]["url"] = [item["storage"]["url"]]
    return item


def _predicate(attribute: str, comparator: str, values: list[dict[str, str]]) -> Predicate:
    values_of = _ATTRIBUTES.get(attribute)
    if values_of is None:
        raise BadFilter(f"'{attribute}' is not a valid filter predicate attribute")
    wanted = [str(value["value"]).lower() for value in values if value["label"]]

    def contains(event: Event) -> bool:
        found = [value.lower() for value in values_of(event)]
        return any(want in value for want in wanted for value in found)

    def equals(event: Event) -> bool:
        return any(value.lower() in wanted for value in values_of(event))

    tests: dict[str, Predicate] = {
        "=": equals,
        "!=": lambda event: not equals(event),
        "contains": contains,
        "not contains": lambda event: not contains(event),
    }
    if comparator not in tests:
        raise BadFilter(f"'{comparator}' is not a valid comparator of '{attribute}'")
    return tests[comparator]


def _without_brackets(rules: Iterable[dict[str, Any]], switches: Switches) -> list[dict[str, Any]]:
    """The rules, those for a message id as the switch has them."""
    plain = []
    for rule in rules:
        values = rule["values"]
        if rule["attribute"] == "message_id":
            named = [unbracketed(str(value["value"]), switches) for value in values]
            if None in named:
                continue
            values = [value | {"value": name} for value, name in zip(values, named, strict=True)]
        plain.append({**rule, "values": values})
    return plain


def _one_id(rule: dict[str, Any]) -> str | None:
    if (rule["attribute"], rule["comparator"], len(rule["values"])) != ("message_id", "=", 1):
        return None
    return str(rule["values"][0]["value"]).lower()


def _instant(value: object) -> float | None:
    if not value:
        return None
    instant = delivery_time(str(value))
    if instant is None:
        raise BadQuery(f"{value} is not an RFC-2822 compliant date")
    return instant


def _duration(value: str) -> float:
    number, unit = value[:-1], value[-1:]
    if not number.isdigit() or unit not in _UNITS:
        raise BadQuery(f"{value} is not a valid duration")
    return int(number) * _UNITS[unit]


def _date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))
