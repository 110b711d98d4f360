"""What is held while much waits: of each partition as much as is free, and let go at half of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.worker.backpressure import ALL, Limits, Load, to_hold
from consumer.worker.offsets import TopicPartition

LIMITS = Limits(max_events=100, max_bytes=1000)
P, Q, R = ("alarm-events", 0), ("alarm-events", 1), ("alarm-events", 2)
Held = set[TopicPartition] | None


def hold(loads: dict[TopicPartition, int], held: Held) -> Held:
    """With so many events of each partition, of no size."""
    total = Load(sum(loads.values()))
    told = to_hold({p: Load(n) for p, n in loads.items()}, total, held, LIMITS)
    return None if told is None else set(told)


@pytest.mark.parametrize(
    ("events", "held", "expected"),
    [
        (0, set(), set()),
        (49, set(), set()),
        (50, set(), {P}),  # as much as is free
        (34, {P}, {P}),
        (33, {P}, set()),  # half of what is free
        (33, ALL, set()),
        (99, set(), {P}),
        (100, set(), ALL),
        (100, {P}, ALL),
    ],
)
def test_one_partition_gets_half_of_all(events: int, held: Held, expected: Held) -> None:
    assert hold({P: events}, held) == expected


def test_a_storm_takes_no_room_from_the_others() -> None:
    assert hold({P: 60, Q: 1}, set()) == {P}
    assert hold({P: 60, Q: 38}, set()) == {P, Q}


def test_two_that_storm_get_a_third_each() -> None:
    assert hold({P: 33, Q: 32, R: 1}, set()) == set()
    assert hold({P: 34, Q: 33, R: 1}, set()) == {P, Q}


def test_events_that_one_record_brings_many_of_count_as_many() -> None:
    """Records are counted by partition; what they brought, in all."""
    assert to_hold({P: Load(1)}, Load(100), frozenset(), LIMITS) is ALL
    assert to_hold({P: Load(1)}, Load(99), frozenset(), LIMITS) == frozenset({P})


@pytest.mark.parametrize(
    ("size", "held", "expected"),
    [(499, set(), set()), (500, set(), {P}), (334, {P}, {P}), (333, {P}, set()), (1000, {P}, ALL)],
)
def test_bytes_count_in_the_same_way(size: int, held: Held, expected: Held) -> None:
    load = Load(1, size)
    told = to_hold({P: load}, load, held, LIMITS)
    assert (None if told is None else set(told)) == expected


@given(
    steps=st.lists(st.tuples(st.sampled_from([P, Q, R]), st.integers(0, 40)), max_size=60),
)
def test_never_more_waits_than_the_limit_and_one_poll(
    steps: list[tuple[TopicPartition, int]],
) -> None:
    """Whatever comes of whichever partition, as long as what is held brings nothing."""
    loads, held = dict.fromkeys((P, Q, R), 0), hold({}, set())
    for partition, events in steps:
        if held is not ALL and partition not in held:
            loads[partition] += events
        held = hold(loads, held)
        assert sum(loads.values()) < LIMITS.max_events + 40
