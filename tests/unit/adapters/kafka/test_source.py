"""The group's member: records, outages and commits."""

import pytest
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    KafkaConnectionError,
    KafkaTimeoutError,
    RebalanceInProgressError,
)

from consumer.adapters.kafka.gaps import Verdict
from consumer.domain.errors import BrokerUnavailable, SettingsError
from tests.unit.adapters.kafka.fakes import P
from tests.unit.adapters.kafka.source_rig import PLAIN_P, Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


# -- records -----------------------------------------------------------------------------------


def test_records_are_handed_on_in_order(rig: Rig) -> None:
    rig.begin(p=[0, 1, 2])
    assert rig.poll() == [(0, 0), (0, 1), (0, 2)]
    assert rig.poll() == []


def test_the_client_never_commits_by_itself_and_reads_committed_records_only(rig: Rig) -> None:
    rig.poll()
    assert rig.client.config["enable_auto_commit"] is False
    assert rig.client.config["isolation_level"] == "read_committed"
    assert rig.client.config["auto_offset_reset"] == "earliest"


def test_skipped_records_are_read_again(rig: Rig) -> None:
    client = rig.begin(p=[0, 1])
    rig.poll()
    client.logs[P] += [2, 3, 4]
    client.skip[P] = 2
    assert rig.poll() == []
    assert client.seeks == [(P, 2)]
    assert rig.poll() == [(0, 2), (0, 3), (0, 4)]
    assert rig.worker.of("gap") == [("gap", PLAIN_P, Verdict.HEALED, 2)]


def test_a_legal_gap_inside_a_batch_is_believed_and_told_with_its_size(rig: Rig) -> None:
    rig.begin(p=[0, 1, 5, 6])
    assert rig.poll() == [(0, 0), (0, 1)]
    assert rig.poll() == [(0, 5), (0, 6)]
    assert rig.worker.of("gap") == [("gap", PLAIN_P, Verdict.BELIEVED, 3)]


def test_a_record_skipped_at_the_end_of_a_quiet_partition_is_read_again(rig: Rig) -> None:
    client = rig.begin(p=[0, 1])
    rig.poll()
    client.logs[P] += [2]
    client.positions[P] = 3
    assert rig.poll() == []
    assert rig.poll(after=6) == [(0, 2)]
    assert rig.worker.of("gap") == [("gap", PLAIN_P, Verdict.HEALED, 1)]


# -- Kafka away --------------------------------------------------------------------------------


def test_a_poll_is_no_answer_of_a_broker_but_an_inspection_is(rig: Rig) -> None:
    """What a poll hands out may have been fetched before the broker went away."""
    client = rig.begin(p=[0])
    before = rig.worker.answers
    assert (rig.poll(), rig.poll()) == ([(0, 0)], [])
    assert rig.worker.answers == before
    client.errors["position"] = KafkaTimeoutError("slow")
    with pytest.raises(BrokerUnavailable):
        rig.poll(after=5)
    rig.poll(after=4.9)
    assert rig.worker.answers == before
    client.errors.clear()
    assert rig.poll(after=0.1) == []
    assert rig.worker.answers == before + 1


def test_a_place_in_the_group_and_a_commit_are_answers_and_a_commit_in_vain_is_none(
    rig: Rig,
) -> None:
    rig.poll()
    assert rig.worker.answers == 0
    client = rig.begin(p=[0])
    assert rig.worker.answers == 1
    assert rig.source.commit({PLAIN_P: 1})
    assert rig.worker.answers == 2
    client.errors["commit"] = KafkaTimeoutError("slow")
    with pytest.raises(BrokerUnavailable):
        rig.source.commit({PLAIN_P: 1})
    assert rig.worker.answers == 2


@pytest.mark.parametrize("call", ["poll", "end_offsets", "position"])
def test_whatever_the_client_raises_is_an_outage_that_can_be_repeated(rig: Rig, call: str) -> None:
    client = rig.begin(p=[0])
    client.errors[call] = KafkaTimeoutError("slow")
    with pytest.raises(BrokerUnavailable, match=r"kafka:9092.*slow"):
        rig.poll(after=6)
    client.errors.clear()
    assert rig.poll() == [(0, 0)]


def test_a_member_without_partitions_finds_out_that_kafka_is_silent(rig: Rig) -> None:
    """It waits to join, and `poll` would say nothing for ever."""
    rig.poll()
    rig.client.errors["end_offsets"] = KafkaTimeoutError("slow")
    with pytest.raises(BrokerUnavailable, match="slow"):
        rig.poll(after=6)


def test_it_looks_sooner_than_the_group_gives_up(rig: Rig) -> None:
    """The session of the rig's member is 10 s."""
    rig.begin(p=[0])
    rig.client.errors["end_offsets"] = KafkaTimeoutError("slow")
    assert rig.poll(after=4.9) == [(0, 0)]
    with pytest.raises(BrokerUnavailable):
        rig.poll(after=0.2)


def test_no_record_is_lost_when_looking_at_the_ends_fails(rig: Rig) -> None:
    """Polled first, the batch would be gone: of a fresh partition nobody would miss it."""
    client = rig.begin(p=[0, 1, 2])
    client.errors["end_offsets"] = KafkaTimeoutError("no leader")
    with pytest.raises(BrokerUnavailable):
        rig.poll(after=6)
    assert rig.poll() == [(0, 0), (0, 1), (0, 2)]


def test_a_client_that_cannot_be_made_is_made_at_a_later_poll(rig: Rig) -> None:
    rig.open_error = KafkaConnectionError("refused")
    with pytest.raises(BrokerUnavailable) as raised:
        rig.poll()
    assert "hush-hush" not in str(raised.value)
    rig.open_error = None
    rig.begin(p=[0])
    assert rig.poll() == [(0, 0)]


def test_before_the_first_poll_hold_commit_and_close_do_no_harm(rig: Rig) -> None:
    rig.source.hold(None)
    rig.source.hold({PLAIN_P})
    assert rig.source.commit({PLAIN_P: 1}) is False
    rig.source.close()


# -- commits -----------------------------------------------------------------------------------


def test_offsets_are_committed(rig: Rig) -> None:
    client = rig.begin(p=[0])
    assert rig.source.commit({PLAIN_P: 1})
    assert client.committed[0][P].offset == 1


@pytest.mark.parametrize("error", [CommitFailedError("gone"), RebalanceInProgressError()])
def test_a_commit_overtaken_by_a_rebalance_is_said_not_raised(rig: Rig, error: Exception) -> None:
    client = rig.begin(p=[0])
    client.errors["commit"] = error
    assert rig.source.commit({PLAIN_P: 1}) is False


def test_any_other_failed_commit_is_an_outage(rig: Rig) -> None:
    client = rig.begin(p=[0])
    client.errors["commit"] = KafkaTimeoutError("slow")
    with pytest.raises(BrokerUnavailable):
        rig.source.commit({PLAIN_P: 1})


def test_nothing_to_commit_asks_nobody(rig: Rig) -> None:
    client = rig.begin(p=[0])
    assert rig.source.commit({}) is False
    assert client.committed == []


# -- static membership -------------------------------------------------------------------------


def test_a_member_whose_name_was_taken_says_so_and_commits_nothing(rig: Rig) -> None:
    """Trying on would throw the other one out in turn."""
    client = rig.begin(p=[0])
    client.errors["commit"] = FencedInstanceIdError()
    assert not rig.source.commit({PLAIN_P: 1})
    client.errors["poll"] = FencedInstanceIdError()
    with pytest.raises(SettingsError, match=r"group_instance_id: .* give each its own"):
        rig.poll()
