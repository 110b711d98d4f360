"""POST /v1/analytics/metrics: the events counted, by dimension. Pure but for the store."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from consumer.sandbox.mailgun.analytics import Predicate, parse_filter, parse_range
from consumer.sandbox.mailgun.events import Event
from consumer.sandbox.mailgun.paging import BadQuery
from consumer.sandbox.mailgun.store import Store
from consumer.sandbox.mailgun.switches import Switches

MAX_LIMIT = 1000
_EVERYTHING = 2**31

_Keys = Callable[[Event, str], Iterable[str]]
"""The values of a dimension that an event belongs to; the text is the resolution."""

_FORMATS = {
    "hour": "%a, %d %b %Y %H:00:00 +0000",
    "day": "%a, %d %b %Y 00:00:00 +0000",
    "month": "%a, 01 %b %Y 00:00:00 +0000",
}


def _time(event: Event, resolution: str) -> Iterable[str]:
    instant = datetime.fromtimestamp(event.timestamp, UTC)
    if resolution == "month":
        instant = instant.replace(day=1)
    return (instant.strftime(_FORMATS[resolution]),)


DIMENSIONS: dict[str, _Keys] = {
    "time": _time,
    "domain": lambda event, _: (event.stored.mail.domain,),
    "recipient_domain": lambda event, _: (event.stored.mail.recipient.rpartition("@")[2].lower(),),
    "recipient_provider": lambda *_: ("Other",),
    "tag": lambda event, _: event.stored.mail.tags,
    "subaccount": lambda event, _: (event.stored.mail.subaccount,),
    "ip": lambda *_: ("192.0.2.25",),
    "ip_pool": lambda *_: ("",),
    "country": lambda *_: ("US",),
    "device": lambda *_: ("desktop",),
    "bot": lambda *_: ("",),
}


def _failed(severity: str = "", reason: str = "") -> Predicate:
    return lambda event: (
        event.kind == "failed" and severity in ("", event.severity) and reason in ("", event.reason)
    )


def _is(kind: str) -> Predicate:
    return lambda event: event.kind == kind


def _bounced(kind: str = "") -> Predicate:
    def holds(event: Event) -> bool:
        status = event.details.get("delivery-status") or {}
        bounce_type = status.get("bounce-type", "")
        return event.reason == "bounce" and kind in ("", bounce_type)

    return holds


def _is_delayed(event: Event) -> bool:
    return bool(event.details.get("flags", {}).get("is-delayed-bounce"))


COUNTS: dict[str, Predicate] = {
    "accepted_incoming_count": lambda _: False,
    "accepted_outgoing_count": _is("accepted"),
    "accepted_count": _is("accepted"),
    "delivered_smtp_count": _is("delivered"),
    "delivered_http_count": lambda _: False,
    "delivered_count": _is("delivered"),
    "opened_count": _is("opened"),
    "clicked_count": _is("clicked"),
    "unsubscribed_count": _is("unsubscribed"),
    "complained_count": _is("complained"),
    "failed_count": _failed(),
    "temporary_failed_count": _failed("temporary"),
    "permanent_failed_count": _failed("permanent"),
    "permanent_failed_old_count": _failed("permanent", "old"),
    "bounced_count": _bounced(),
    "hard_bounces_count": _bounced("hard"),
    "soft_bounces_count": _bounced("soft"),
    "delayed_bounce_count": _is_delayed,
    "suppressed_bounces_count": _failed(reason="suppress-bounce"),
    "suppressed_unsubscribed_count": _failed(reason="suppress-unsubscribe"),
    "suppressed_complaints_count": _failed(reason="suppress-complaint"),
}
_RATES = {
    "delivered_rate": ("delivered_count", "accepted_count"),
    "opened_rate": ("opened_count", "delivered_count"),
    "clicked_rate": ("clicked_count", "delivered_count"),
    "unsubscribed_rate": ("unsubscribed_count", "delivered_count"),
    "complained_rate": ("complained_count", "delivered_count"),
    "bounce_rate": ("bounced_count", "accepted_count"),
    "fail_rate": ("failed_count", "accepted_count"),
    "permanent_fail_rate": ("permanent_failed_count", "accepted_count"),
    "temporary_fail_rate": ("temporary_failed_count", "accepted_count"),
}


def answer(wish: dict[str, Any], store: Store, now: float, switches: Switches) -> dict[str, Any]:
    """Raises BadQuery or BadFilter."""
    start, end = parse_range(wish, now, "7d")
    resolution = str(wish.get("resolution") or "day")
    dimensions, names = _names(wish, resolution)
    predicates = parse_filter(wish, switches)
    events = store.events(
        lambda event: all(test(event) for test in predicates),
        after=(start, 0.0),
        before=None if end is None else (end, float("inf")),
        limit=_EVERYTHING,
    )
    extra = switches.batch_request_event == "metrics"
    groups = _groups(events, dimensions, resolution, extra)
    items = [
        {
            "dimensions": [
                {"dimension": name, "value": value, "display_value": value}
                for name, value in zip(dimensions, values, strict=True)
            ],
            "metrics": _shown(counts, names),
        }
        for values, counts in sorted(groups.items())
    ]
    paging = wish.get("pagination") or {}
    skip, limit = int(paging.get("skip") or 0), min(int(paging.get("limit") or 10), MAX_LIMIT)
    content = {
        "start": _date(start),
        "end": _date(now if end is None else end),
        "resolution": resolution,
        "dimensions": dimensions,
        "pagination": {
            "sort": str(paging.get("sort") or ""),
            "skip": skip,
            "limit": limit,
            "total": len(items),
        },
        "items": items[skip : skip + limit],
    }
    if wish.get("include_aggregates"):
        whole = _groups(events, [], resolution, extra).get((), Counter())
        content["aggregates"] = {"metrics": _shown(whole, names)}
    return content


def _names(wish: dict[str, Any], resolution: str) -> tuple[list[str], list[str]]:
    dimensions = [str(name) for name in wish.get("dimensions") or ["time"]]
    names = [str(name) for name in wish.get("metrics") or COUNTS]
    if resolution not in _FORMATS:
        raise BadQuery(f"'{resolution}' is not a valid resolution")
    for name in dimensions:
        if name not in DIMENSIONS:
            raise BadQuery(f"'{name}' is not a valid dimension")
    for name in names:
        if name not in COUNTS and name not in _RATES:
            raise BadQuery(f"'{name}' is not a valid metric")
    return dimensions, names


def _groups(
    events: Iterable[Event], dimensions: list[str], resolution: str, extra: bool
) -> dict[tuple[str, ...], Counter[str]]:
    """Values of the dimensions → counts. With `extra` each batch request counts as one more
    accepted event."""
    groups: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    batches: set[str] = set()
    for event in events:
        number = 1
        batch = event.stored.mail.batch_id
        if extra and batch is not None and event.kind == "accepted" and batch not in batches:
            batches.add(batch)
            number = 2
        hit = [name for name, holds in COUNTS.items() if holds(event)]
        for values in _product([DIMENSIONS[name](event, resolution) for name in dimensions]):
            groups[values].update(dict.fromkeys(hit, number))
    return groups


def _product(values: list[Iterable[str]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [()]
    for choices in values:
        rows = [(*row, choice) for row in rows for choice in choices]
    return rows


def _shown(counts: Counter[str], names: list[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name in names:
        if name in COUNTS:
            shown[name] = counts[name]
        else:
            part, whole = _RATES[name]
            rate = counts[part] / counts[whole] * 100 if counts[whole] else 0.0
            shown[name] = f"{rate:.2f}"
    return shown


def _date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))
