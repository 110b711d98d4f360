"""The older statistics, as clients call them still: events counted by hour, day or month. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from consumer.sandbox.mailgun.events import Event
from consumer.sandbox.mailgun.metrics import COUNTS
from consumer.sandbox.mailgun.paging import BadQuery
from consumer.sandbox.mailgun.validation import delivery_time

RESOLUTIONS = ("hour", "day", "month")
MAX_INTERVALS = 20_000
"""Of one answer: more than two years by the hour."""
# The page about the older statistics reads `m` as months, the newer APIs read it as minutes.
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "m": timedelta(days=30)}
_WEEK = timedelta(days=7)

_Count = Callable[[Sequence[Event]], Any]


def _number(name: str) -> _Count:
    holds = COUNTS[name]
    return lambda events: sum(map(holds, events))


def _none(_: Sequence[Event]) -> int:
    return 0


def _mails(kind: str) -> _Count:
    """Each mail once, however often it was opened or clicked."""
    return lambda events: len({each.stored.sequence for each in events if each.kind == kind})


def _because(reason: str) -> _Count:
    return lambda events: sum(
        each.kind == "failed" and each.severity == "permanent" and each.reason == reason
        for each in events
    )


_SHAPES: Mapping[str, Mapping[str, Any]] = {
    "accepted": {
        "incoming": _none,
        "outgoing": _number("accepted_count"),
        "total": _number("accepted_count"),
    },
    "delivered": {
        "smtp": _number("delivered_count"),
        "http": _none,
        "optimized": _none,
        "total": _number("delivered_count"),
    },
    "failed": {
        "temporary": {"espblock": _none, "total": _number("temporary_failed_count")},
        "permanent": {
            "suppress-bounce": _because("suppress-bounce"),
            "suppress-unsubscribe": _because("suppress-unsubscribe"),
            "suppress-complaint": _because("suppress-complaint"),
            "bounce": _because("bounce"),
            "delayed-bounce": _number("delayed_bounce_count"),
            "webhook": _none,
            "optimized": _none,
            "total": _number("permanent_failed_count"),
        },
    },
    "opened": {"total": _number("opened_count"), "unique": _mails("opened")},
    "clicked": {"total": _number("clicked_count"), "unique": _mails("clicked")},
    "unsubscribed": {"total": _number("unsubscribed_count")},
    "complained": {"total": _number("complained_count")},
    # Of mail that Mailgun receives.
    "stored": {"total": _none},
}


class Wish:
    """What is asked for. Raises BadQuery."""

    def __init__(self, parameters: Mapping[str, str], kinds: Sequence[str], now: float) -> None:
        self.kinds = kinds
        self.resolution = parameters.get("resolution") or "day"
        if not kinds:
            raise BadQuery("event parameter is missing")
        for kind in kinds:
            if kind not in _SHAPES:
                raise BadQuery(f"'{kind}' is not a valid event")
        if self.resolution not in RESOLUTIONS:
            raise BadQuery(f"'{self.resolution}' is not a valid resolution")
        self.end = _instant(parameters.get("end"), datetime.fromtimestamp(now, UTC))
        self.start = _instant(parameters.get("start"), self.end - _WEEK)
        if duration := parameters.get("duration"):
            self.start = self.end - _duration(duration)

    def intervals(self) -> list[datetime]:
        """The beginnings of all of them, the oldest first."""
        found = [_floor(self.start, self.resolution)]
        while (following := _next(found[-1], self.resolution)) <= self.end:
            found.append(following)
            if len(found) > MAX_INTERVALS:
                raise BadQuery("start and end are too far apart")
        return found


def answer(wish: Wish, events: Iterable[Event]) -> dict[str, Any]:
    """`events`: those between start and end. Raises BadQuery."""
    intervals: dict[datetime, list[Event]] = {begin: [] for begin in wish.intervals()}
    for event in events:
        instant = datetime.fromtimestamp(event.timestamp, UTC)
        intervals[_floor(instant, wish.resolution)].append(event)
    return {
        "description": "",
        "start": _date(wish.start),
        "end": _date(wish.end),
        "resolution": wish.resolution,
        "stats": [
            {"time": _date(begin)} | {kind: _counted(_SHAPES[kind], of) for kind in wish.kinds}
            for begin, of in intervals.items()
        ],
    }


def _counted(shape: Mapping[str, Any], events: Sequence[Event]) -> dict[str, Any]:
    return {
        name: _counted(count, events) if isinstance(count, Mapping) else count(events)
        for name, count in shape.items()
    }


def _floor(instant: datetime, resolution: str) -> datetime:
    hour = instant.replace(minute=0, second=0, microsecond=0)
    if resolution == "hour":
        return hour
    return hour.replace(hour=0) if resolution == "day" else hour.replace(hour=0, day=1)


def _next(begin: datetime, resolution: str) -> datetime:
    if resolution == "month":
        return _floor(begin + timedelta(days=31), "month")
    return begin + timedelta(**{f"{resolution}s": 1})


def _instant(value: str | None, usual: datetime) -> datetime:
    if not value:
        return usual
    seconds = delivery_time(value)
    if seconds is None:
        raise BadQuery(f"{value} is not an RFC-2822 compliant date")
    return datetime.fromtimestamp(seconds, UTC)


def _duration(value: str) -> timedelta:
    number, unit = value[:-1], value[-1:]
    if not number.isdecimal() or unit not in _UNITS:
        raise BadQuery(f"{value} is not a valid duration")
    return int(number) * _UNITS[unit]


def _date(instant: datetime) -> str:
    return instant.strftime("%a, %d %b %Y %H:%M:%S UTC")
