"""Moments as a person writes them."""

import pytest

from consumer.cli.moments import parse_moment

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
