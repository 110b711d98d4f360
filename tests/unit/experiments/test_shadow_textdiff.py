"""Texts side by side."""

from hypothesis import given
from hypothesis import strategies as st

from consumer.experiments.shadow_textdiff import Row, rows


def test_equal_lines_far_from_a_difference_are_left_out() -> None:
    before = "\n".join(f"line {number}" for number in range(20))
    found = rows(before, before.replace("line 10", "line ten"))
    assert found == [
        Row(left_out=8),
        Row(before="line 8", after="line 8"),
        Row(before="line 9", after="line 9"),
        Row(before="line 10", after="line ten"),
        Row(before="line 11", after="line 11"),
        Row(before="line 12", after="line 12"),
        Row(left_out=7),
    ]


def test_a_line_that_only_one_has_stands_alone() -> None:
    assert rows("a\nc", "a\nb\nc") == [
        Row(before="a", after="a"),
        Row(after="b"),
        Row(before="c", after="c"),
    ]


def test_a_hostile_text_is_cut() -> None:
    found = rows("x" * 100_000, "\n".join(f"{number}" for number in range(10_000)))
    assert len(found) <= 401
    assert max(len(row.before or "") for row in found) < 1_100


LINES = st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=12)


@given(before=LINES, after=LINES)
def test_no_line_is_lost(before: list[str], after: list[str]) -> None:
    found = rows("\n".join(before), "\n".join(after))
    left_out = sum(row.left_out for row in found)
    for text, side in (("\n".join(before), "before"), ("\n".join(after), "after")):
        shown = [row for row in found if getattr(row, side) is not None]
        assert len(shown) + left_out == len(text.splitlines())
