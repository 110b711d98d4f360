"""Times as a person writes them: when, and how long."""

import pytest

from consumer.cli.moments import parse_moment, parse_seconds

NOW = 1_392_138_740.25
NOW_MS = 1_392_138_740_250


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0s", NOW_MS),
        ("90s", NOW_MS - 90_000),
        (" 30m ", NOW_MS - 1_800_000),
        ("2h", NOW_MS - 7_200_000),
        ("7d", NOW_MS - 604_800_000),
        ("2014-02-11T17:12:13.810Z", 1_392_138_733_810),
        ("2014-02-11T18:12:13.810+01:00", 1_392_138_733_810),
        # As we print it: UTC.
        ("2014-02-11 17:12:13.810", 1_392_138_733_810),
        ("2014-02-11", 1_392_076_800_000),
    ],
)
def test_a_while_ago_or_iso_8601(text: str, milliseconds: int) -> None:
    assert parse_moment(text, NOW) == milliseconds


@pytest.mark.parametrize("text", ["", "h", "-2h", "2 weeks", "yesterday", "1.5h", "9" * 20 + "d"])
def test_all_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write 90s, 30m, 2h, 7d, or 2026-"):
        parse_moment(text, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), (" 90s ", 90), ("1.5m", 90), ("2h", 7_200), ("1d", 86_400), ("7", 7)],
)
def test_how_long_is_seconds_where_no_unit_stands(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-5s", "5 weeks", "soon", "9" * 8 + "s"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: write 500ms, 5s or 10m"):
        parse_seconds(text)
