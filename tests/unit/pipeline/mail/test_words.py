"""Numbers, times and zones in words."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from consumer.pipeline.mail.words import age, date, duration, metric

UTC = ZoneInfo("UTC")
TIMESTAMP = 1_392_138_733_810


@pytest.mark.parametrize(
    ("timestamp", "zone", "text"),
    [
        (TIMESTAMP, "UTC", "Tue 11 Feb 2014 17:12:13 UTC"),
        (TIMESTAMP, "America/Chicago", "Tue 11 Feb 2014 11:12:13 CST (17:12:13 UTC)"),
        (TIMESTAMP, "Asia/Tokyo", "Wed 12 Feb 2014 02:12:13 JST (Tue 11 Feb 2014 17:12:13 UTC)"),
        (0, "UTC", "Thu 1 Jan 1970 00:00:00 UTC"),
        (TIMESTAMP // 1000 * 1000 + 999, "UTC", "Tue 11 Feb 2014 17:12:13 UTC"),
        (-1, "UTC", "Wed 31 Dec 1969 23:59:59 UTC"),
        (10**18, "UTC", "1000000000000000000 ms after 1 Jan 1970"),
        (-62_135_596_800_000, "America/Chicago", "-62135596800000 ms after 1 Jan 1970"),
    ],
)
def test_date(timestamp: int, zone: str, text: str) -> None:
    assert date(timestamp, ZoneInfo(zone)) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 sec"),
        (999, "0 sec"),
        (4_200, "4 sec"),
        (60_000, "1 min"),
        (200_000, "3 min 20 sec"),
        (3_600_000, "1 h"),
        (3_605_000, "1 h"),
        (86_400_000, "1 day"),
        (176_400_000, "2 days 1 h"),
        (-5_000, "0 sec"),
    ],
)
def test_duration_has_the_two_largest_units(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


def test_age() -> None:
    assert age(TIMESTAMP, TIMESTAMP + 51_400) == "51 sec ago"
    assert age(TIMESTAMP, TIMESTAMP + 999) == "just now"
    assert age(TIMESTAMP, TIMESTAMP - 5_000) == "just now"
    assert age(None, TIMESTAMP) == ""


@pytest.mark.parametrize(
    ("kind", "data", "unit", "value", "raw"),
    [
        ("I", 21196, "milliseconds", "21.2 s", "21196 milliseconds"),
        ("I", "21196", "milliseconds", "21.2 s", "21196 milliseconds"),
        ("I", 412, "milliseconds", "412 ms", ""),
        ("n", 0.25, "seconds", "250 ms", "0.25 seconds"),
        ("n", 90, "seconds", "1 min 30 sec", "90 seconds"),
        ("n", 3, "seconds", "3 s", ""),
        ("i", 48213, "bytes", "47.08 KiB", "48213 bytes"),
        ("i", 100, "bytes", "100 bytes", ""),
        ("L", 33655685120, "bytes", "31.34 GiB", "33655685120 bytes"),
        ("L", 2**60, "bytes", "1152921504606846976 bytes", ""),
        ("n", 91.28349999, "percent", "91.2835 %", "91.28349999 percent"),
        ("n", 0.1 + 0.2, None, "0.3", "0.30000000000000004"),
        ("n", 1e-9, None, "0.000000001", "1e-09"),
        ("n", -1500, "ms", "-1.5 s", "-1500 ms"),
        ("n", float("nan"), None, "nan", ""),
        ("n", float("inf"), "bytes", "inf bytes", ""),
        ("s", "502", "unknown", "502", ""),
        ("s", "", "unknown", "(none)", ""),
        (None, None, None, "(none)", ""),
        (None, True, None, "yes", ""),
        ("i", "many", "things", "many things", ""),
        (None, ["a", 1], None, "['a', 1]", ""),
        ("s", "a\r\nb", "un\nit", "a b un it", ""),
        ("i", 7, "widgets", "7 widgets", ""),
    ],
)
def test_metric(kind: str | None, data: Any, unit: str | None, value: str, raw: str) -> None:
    assert metric(kind, data, unit) == (value, raw)
