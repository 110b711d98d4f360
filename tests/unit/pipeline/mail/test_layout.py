"""Plain text layout."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.pipeline.mail.layout import column, fill, heading


def test_heading_is_a_rule_of_70_columns() -> None:
    assert heading("Metrics") == "-" * 30 + " Metrics " + "-" * 31
    assert heading("", "=") == "=" * 70
    assert heading("x", "").count("-") == 67


def test_column_keeps_a_blank_after_the_colon() -> None:
    assert column("Alarm", 9) == "Alarm:   "
    assert column("a longer name", 9) == "a longer name: "


@pytest.mark.parametrize("indent", [0, 2, 18])
def test_fill_wraps_within_76_columns(indent: int) -> None:
    lines = fill("some words of a text " * 20, indent).split("\n")
    assert len(lines) > 4
    assert max(map(len, lines)) <= 76
    assert all(line.startswith(" " * indent) for line in lines[1:])


def test_fill_leaves_links_and_short_lines_alone() -> None:
    link = "https://a.example/" + "x" * 100
    assert fill(link) == link
    assert fill(f"see {link} there") == f"see\n{link}\nthere"
    assert fill("a\n  b", 2) == "a\n    b"


@given(st.text("ab \t\u3000", min_size=77, max_size=400))
def test_fill_keeps_all_words_and_each_line_takes_as_many_as_fit(text: str) -> None:
    lines = fill(text).split("\n")
    assert [word for line in lines for word in line.split(" ") if word] == text.split()
    for line, below in pairwise(lines):
        assert len(line) <= 76 or " " not in line
        assert len(f"{line} {below.split(' ')[0]}") > 76
