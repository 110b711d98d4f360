"""Points in time as other systems write them, as whole milliseconds since 1970 in UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: RFC 3339, with up to a dozen decimals, and with an offset that may lack its colon.
_WRITTEN: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,12})?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})"
)
_NUMBER: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
#: No time, whatever its unit; and nothing that could not be calculated with.
_BEYOND_ALL_TIMES: Final = 10**15
#: Smaller numbers are seconds: in milliseconds it would be a time before March 1973.
_SMALLEST_MILLISECONDS: Final = 100_000_000_000


def written_time(text: object) -> int | None:
    """A time in writing; None when it is none. Go's zero time is the year 1: far below 0."""
    if not isinstance(text, str) or not _WRITTEN.fullmatch(text.strip()):
        return None
    try:
        when = datetime.fromisoformat(text.strip().upper())
        return (when - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None


def seconds_or_milliseconds(number: float) -> int:
    """A number of a source that wrote seconds in the past, and writes milliseconds now."""
    return int(number * 1000) if number < _SMALLEST_MILLISECONDS else int(number)


def moment(value: object) -> int | None:
    """A time in writing, or as a number, which may stand in a text; None when it is none."""
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return written_time(text)
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return seconds_or_milliseconds(value) if abs(value) < _BEYOND_ALL_TIMES else None
