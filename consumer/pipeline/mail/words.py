"""Numbers, times and zones in words for people."""

import math
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any, Final

from consumer.pipeline.mail.clean import one_line

#: Zones of the Rackspace Monitoring service, for a catalog that does not list them.
KNOWN_ZONES: Final = {
    "mzord": "Chicago (ORD)",
    "mzdfw": "Dallas (DFW)",
    "mziad": "Washington/Dulles (IAD)",
    "mzlon": "London (LON)",
    "mzhkg": "Hong Kong (HKG)",
    "mzsyd": "Sydney (SYD)",
}
#: strftime follows the process's locale; mails are in English.
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_STEPS: Final = (("day", 86_400), ("h", 3_600), ("min", 60), ("sec", 1))
_MILLISECONDS: Final = frozenset({"milliseconds", "millisecond", "ms"})
_SECONDS: Final = frozenset({"seconds", "second", "s"})
_BYTES: Final = frozenset({"bytes", "byte"})
_PERCENT: Final = frozenset({"percent", "percentage", "%"})
_NO_UNIT: Final = frozenset({"unknown", "other", "none"})
#: Metric types whose data is a number, even where it is written as a string.
_NUMERIC: Final = frozenset("iIlLn")
_VALUE_LIMIT: Final = 200
_UNIT_LIMIT: Final = 40
#: Alarms come in storms, with many in one second.
_SECONDS_KEPT: Final = 1024
#: Larger numbers are written as they came.
_LARGEST: Final = 1e18


def date(timestamp_ms: int, zone: tzinfo) -> str:
    """`Tue 11 Feb 2014 17:12:13 UTC`; in a zone other than UTC the time in UTC follows."""
    try:
        return _date(timestamp_ms // 1000, zone)
    except (ValueError, OverflowError, OSError):
        return f"{timestamp_ms} ms after 1 Jan 1970"


def duration(milliseconds: float) -> str:
    """The two largest units: `4 sec`, `3 min 20 sec`, `2 days 1 h`. Below one second: `0 sec`."""
    left = max(0, int(milliseconds // 1000))
    counts: list[tuple[int, str]] = []
    for name, size in _STEPS:
        count, left = divmod(left, size)
        if count or counts:
            counts.append((count, name))
    words = [
        f"{count} {name}{'s' if name == 'day' and count > 1 else ''}"
        for count, name in counts[:2]
        if count
    ]
    return " ".join(words) or "0 sec"


def age(timestamp_ms: int | None, now_ms: int) -> str:
    """`51 sec ago`; a clock that runs ahead of ours is not worth a word: `just now`."""
    if timestamp_ms is None:
        return ""
    passed = now_ms - timestamp_ms
    return f"{duration(passed)} ago" if passed >= 1000 else "just now"


def metric(kind: str | None, data: Any, unit: str | None) -> tuple[str, str]:
    """A metric's value for people, and as it came (empty where both are the same)."""
    unit_word = one_line(unit, _UNIT_LIMIT)
    unit_word = "" if unit_word.lower() in _NO_UNIT else unit_word
    number = _number(kind, data)
    if number is None:
        plain = "(none)" if data in (None, "") else one_line(_plain(data), _VALUE_LIMIT)
        return f"{plain} {unit_word}".rstrip(), ""
    raw = f"{one_line(data, _UNIT_LIMIT)} {unit_word}".rstrip()
    value = _readable(number, unit_word) if abs(number) < _LARGEST else raw
    # `412 ms` says all of `412 milliseconds`.
    return value, "" if value.split()[:1] == raw.split()[:1] else raw


@lru_cache(_SECONDS_KEPT)
def _date(timestamp: int, zone: tzinfo) -> str:
    moment = datetime.fromtimestamp(timestamp, UTC)
    local = moment.astimezone(zone)
    text = f"{_day(local)} {_clock(local)} {local.tzname()}"
    if local.utcoffset() == moment.utcoffset():
        return text
    other_day = "" if local.date() == moment.date() else f"{_day(moment)} "
    return f"{text} ({other_day}{_clock(moment)} UTC)"


def _clock(moment: datetime) -> str:
    # strftime takes longer than all the rest of a date.
    return f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"


def _day(moment: datetime) -> str:
    name, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{name} {moment.day} {month} {moment.year}"


def _plain(data: Any) -> str:
    if isinstance(data, bool):
        return "yes" if data else "no"
    return str(data)


def _number(kind: str | None, data: Any) -> float | None:
    if isinstance(data, bool):
        return None
    written = isinstance(data, str) and kind is not None and kind in _NUMERIC
    if not (written or isinstance(data, int | float)):
        return None
    try:
        number = float(data)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _readable(number: float, unit: str) -> str:
    word = unit.lower()
    if word in _MILLISECONDS:
        return _time(number)
    if word in _SECONDS:
        return _time(number * 1000)
    if word in _BYTES:
        return _binary(number)
    if word in _PERCENT:
        return f"{_short(number)} %"
    return f"{_short(number)} {unit}".rstrip()


def _time(milliseconds: float) -> str:
    if abs(milliseconds) < 1000:
        return f"{_short(milliseconds)} ms"
    if abs(milliseconds) < 60_000:
        return f"{_short(milliseconds / 1000, 3)} s"
    return duration(milliseconds) if milliseconds > 0 else f"{_short(milliseconds / 1000)} s"


def _binary(number: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if abs(number) < 1024:
            return f"{_short(number, 4)} {unit}"
        number /= 1024
    return f"{_short(number, 4)} PiB"


def _short(number: float, digits: int = 6) -> str:
    """At most `digits` significant digits, no exponent; whole numbers in full."""
    if number == int(number):
        return str(int(number))
    decimals = digits - 1 - math.floor(math.log10(abs(number)))
    text = f"{number:.{min(max(decimals, 0), 12)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
