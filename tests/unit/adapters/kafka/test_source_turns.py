"""Which partitions give records: those that are not held, one after the other."""

import pytest

from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.kafka.gaps import TopicPartition
from tests.unit.adapters.kafka.fakes import P, Q
from tests.unit.adapters.kafka.source_rig import PLAIN_P, PLAIN_Q, Rig

MOST = KafkaSettings(bootstrap_servers="kafka:9092").max_poll_records


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.mark.parametrize(
    ("held", "given"), [(None, []), ({PLAIN_P}, [(1, 0)]), ({PLAIN_P, PLAIN_Q}, [])]
)
def test_held_partitions_are_polled_and_give_nothing(
    rig: Rig, held: set[TopicPartition] | None, given: list[tuple[int, int]]
) -> None:
    rig.begin(p=[0], q=[0])
    rig.source.hold(held)
    assert rig.poll() == given
    rig.source.hold(())
    assert sorted(given + rig.poll()) == [(0, 0), (1, 0)]


def test_what_is_held_may_change_from_turn_to_turn(rig: Rig) -> None:
    rig.begin(p=[0], q=[0])
    rig.source.hold({PLAIN_P})
    rig.source.hold({PLAIN_Q})
    assert rig.poll() == [(0, 0)]


@pytest.mark.parametrize("held", [None, {PLAIN_Q}])
def test_a_partition_assigned_while_it_is_held_stays_held(
    rig: Rig, held: set[TopicPartition] | None
) -> None:
    client = rig.begin(p=[])
    rig.source.hold(held)
    client.logs[Q] = [0]
    client.assign_now([Q])
    assert rig.poll() == []
    rig.source.hold(())
    assert rig.poll() == [(1, 0)]


def test_a_partition_that_filled_a_poll_lets_the_others_in(rig: Rig) -> None:
    """The client gives all that it has of one partition before it looks at the next."""
    client = rig.begin(p=range(3 * MOST), q=[])
    client.most = MOST
    assert rig.poll() == [(0, n) for n in range(MOST)]
    client.logs[Q] = [0]
    assert rig.poll() == [(1, 0)]
    assert rig.poll() == [(0, n) for n in range(MOST, 2 * MOST)]
    assert rig.poll() == [(0, n) for n in range(2 * MOST, 3 * MOST)]


def test_a_partition_that_is_held_after_it_filled_a_poll_stays_held(rig: Rig) -> None:
    client = rig.begin(p=range(2 * MOST), q=[])
    client.most = MOST
    rig.poll()
    rig.source.hold({PLAIN_P})
    assert rig.poll() == []


def test_a_partition_that_went_while_the_others_were_let_in_is_not_asked_for(rig: Rig) -> None:
    client = rig.begin(p=range(2 * MOST), q=[0])
    client.most = MOST
    rig.poll()
    client.on_poll = lambda: client.revoke_now([P]) if P in client.assignment() else None
    assert rig.poll() == [(1, 0)]
    assert rig.poll() == []
