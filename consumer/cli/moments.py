"""Times as a person writes them: how long, `500ms`, `30m`, and when, `2h` (ago) or ISO 8601."""

import re
from datetime import UTC, datetime
from typing import Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_AGO: Final = re.compile(r"(\d{1,9})([smhd])")
_LONG: Final = re.compile(r"(\d{1,7}(?:\.\d{1,3})?)(ms|s|m|h|d)?")


def parse_seconds(text: str) -> float:
    """How long something takes; without a unit it is seconds. Raises ValueError, in one line."""
    found = _LONG.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time: write 500ms, 5s or 10m")
    if found[2] == "ms":
        return float(found[1]) / 1000
    return float(found[1]) * _SECONDS[found[2] or "s"]


def parse_moment(text: str, now: float) -> int:
    """Epoch milliseconds of a moment so long ago, or of a date; `now` is epoch seconds.

    A date without an offset is UTC, as all that we print. Raises ValueError, in one line.
    """
    text = text.strip()
    if ago := _AGO.fullmatch(text):
        return int((now - int(ago[1]) * _SECONDS[ago[2]]) * 1000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time: write 90s, 30m, 2h, 7d, or 2026-01-31T10:00:00Z"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
