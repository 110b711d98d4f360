"""A partition that says nothing is sought, and then the group is joined anew."""

import pytest
from kafka.errors import KafkaConnectionError

from consumer.adapters.kafka.watchdog import Remedy
from consumer.domain.errors import BrokerUnavailable
from tests.unit.adapters.kafka.fakes import P, Q
from tests.unit.adapters.kafka.source_rig import PLAIN_P, STALL, Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_the_lag_is_told_now_and_then(rig: Rig) -> None:
    client = rig.begin(p=[0, 1])
    client.silent = {P}
    rig.poll(after=4)
    assert rig.worker.lags == {}
    rig.poll(after=2)
    assert rig.worker.lags == {PLAIN_P: 2}


def test_a_silent_partition_is_sought_and_then_the_group_is_joined_anew(rig: Rig) -> None:
    client = rig.begin(p=[0, 1, 2])
    rig.poll()
    client.logs[P] += [3, 4]
    client.silent = {P}
    rig.poll(after=6)
    rig.poll(after=STALL)
    assert client.seeks == [(P, 3)]
    rig.poll(after=STALL)
    assert client.closed
    assert rig.client is not client
    remedies = [entry[2] for entry in rig.worker.of("stalled")]
    assert remedies == [Remedy.SEEK, Remedy.REJOIN]
    rig.client.logs[P] = [0, 1, 2, 3, 4]
    rig.client.assign_now([P], at=3)
    assert rig.poll() == [(0, 3), (0, 4)]


def test_a_seek_that_helps_is_the_only_remedy(rig: Rig) -> None:
    client = rig.begin(p=[0])
    client.silent = {P}
    rig.poll(after=6)
    rig.poll(after=STALL)
    client.silent = set()
    assert rig.poll() == [(0, 0)]
    rig.poll(after=STALL)
    assert [entry[2] for entry in rig.worker.of("stalled")] == [Remedy.SEEK]


def test_two_partitions_that_need_a_rejoin_make_one(rig: Rig) -> None:
    """And nothing is sought on the new client, to which nothing is assigned yet."""
    client = rig.begin(p=[0], q=[0])
    client.silent = {P}
    rig.poll(after=6)
    rig.poll(after=STALL)
    client.silent = {P, Q}
    client.logs[Q] += [1]
    rig.poll(after=STALL - 6)
    rig.poll(after=6)
    assert len(rig.consumers) == 2
    assert rig.client.seeks == []


def test_partitions_that_we_paused_ourselves_do_not_stall(rig: Rig) -> None:
    client = rig.begin(p=[0])
    client.silent = {P}
    rig.poll(after=6)
    rig.source.hold({PLAIN_P})
    rig.poll(after=STALL)
    rig.poll(after=STALL)
    rig.source.hold(())
    rig.poll(after=6)
    assert rig.worker.of("stalled") == []


def test_a_rejoin_that_fails_is_an_outage_and_made_later(rig: Rig) -> None:
    client = rig.begin(p=[0])
    client.silent = {P}
    rig.poll(after=6)
    rig.poll(after=STALL)
    rig.open_error = KafkaConnectionError("refused")
    with pytest.raises(BrokerUnavailable):
        rig.poll(after=STALL)
    rig.open_error = None
    rig.begin(p=[0])
    assert rig.poll() == [(0, 0)]
