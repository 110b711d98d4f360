"""Where the group would be put, and what that would mean."""

from typing import cast

import pytest
import typer

from consumer.adapters.kafka.group_offsets import GroupOffsets
from consumer.cli.offsets_plan import Move, Standing, moves, targets

TOPIC = "alarm-events"


def standing(committed: int | None, partition: int = 0) -> Standing:
    return Standing(topic=TOPIC, partition=partition, first=10, end=100, committed=committed, lag=0)


def move(was: int, will_be: int) -> Move:
    return Move(topic=TOPIC, partition=0, was=was, will_be=will_be)


@pytest.mark.parametrize(
    ("committed", "target", "found"),
    [
        (50, 100, [move(50, 100)]),
        (50, 10, [move(50, 10)]),
        (50, 50, []),
        (None, 30, [move(10, 30)]),
        (3, 10, [move(10, 10)]),
    ],
)
def test_only_what_changes_is_a_move(committed: int | None, target: int, found: list[Move]) -> None:
    """A group that has committed nothing, or what is gone, begins with the first record."""
    assert moves([standing(committed)], {(TOPIC, 0): target}) == found


def test_a_move_says_what_is_read_again_and_what_is_never_read() -> None:
    assert (move(50, 100).skipped, move(50, 100).again) == (50, 0)
    assert (move(50, 10).skipped, move(50, 10).again) == (0, 40)


def test_a_moment_that_has_not_come_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of the pen in a year must not skip all that is there."""
    with pytest.raises(typer.Exit):
        targets(cast("GroupOffsets", None), "2099-01-01", [standing(50)], now=1_800_000_000.0)
    assert "is in the future" in capsys.readouterr().err
