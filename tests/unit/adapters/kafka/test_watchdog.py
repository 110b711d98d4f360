"""The stall watchdog: seek first, then leave and join anew; an idle partition is left alone."""

import pytest

from consumer.adapters.kafka.watchdog import Remedy, Watchdog

P, Q = ("alarm-events", 0), ("alarm-events", 1)
PATIENCE = 30.0


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param([(5, 5, 0), (5, 5, 100)], [None, None], id="idle: nothing to read"),
        pytest.param([(5, 9, 0), (6, 9, 40), (7, 9, 80)], [None] * 3, id="slow, and moving"),
        pytest.param([(5, 9, 0), (5, 9, 29)], [None, None], id="within its patience"),
        pytest.param([(5, 9, 0), (5, 9, 30)], [None, Remedy.SEEK], id="stands still"),
        pytest.param(
            [(5, 9, 0), (5, 9, 30), (5, 9, 59), (5, 9, 60)],
            [None, Remedy.SEEK, None, Remedy.REJOIN],
            id="the seek did not help",
        ),
        pytest.param(
            [(5, 9, 0), (5, 9, 30), (6, 9, 35), (6, 9, 65)],
            [None, Remedy.SEEK, None, Remedy.SEEK],
            id="the seek helped, later it stands still again",
        ),
        pytest.param(
            [(5, 5, 0), (5, 5, 100), (5, 6, 101), (5, 6, 129), (5, 6, 131)],
            [None, None, None, None, Remedy.SEEK],
            id="idle time does not count",
        ),
        pytest.param([(9, 9, 0), (4, 9, 40), (5, 9, 80)], [None] * 3, id="went back, and moving"),
    ],
)
def test_looks(looks: list[tuple[int, int, float]], expected: list[Remedy | None]) -> None:
    dog = Watchdog(PATIENCE)
    told = [dog.look({P: position}, {P: end}, now).get(P) for position, end, now in looks]
    assert told == expected


def test_partitions_are_told_apart() -> None:
    dog = Watchdog(PATIENCE)
    dog.look({P: 5, Q: 5}, {P: 9, Q: 5}, 0)
    assert dog.look({P: 5, Q: 5}, {P: 9, Q: 5}, 30) == {P: Remedy.SEEK}


def test_a_partition_whose_end_is_unknown_is_left_alone() -> None:
    dog = Watchdog(PATIENCE)
    dog.look({P: 5}, {}, 0)
    assert dog.look({P: 5}, {}, 100) == {}


def test_a_forgotten_partition_begins_anew() -> None:
    dog = Watchdog(PATIENCE)
    dog.look({P: 5}, {P: 9}, 0)
    dog.look({P: 5}, {P: 9}, 30)
    dog.forget([P])
    dog.look({P: 5}, {P: 9}, 60)
    assert dog.look({P: 5}, {P: 9}, 90) == {P: Remedy.SEEK}
