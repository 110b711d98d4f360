"""The group's member: pausing, commits, gaps, stalls and rebalances with a client by hand."""

from collections.abc import Collection, Mapping
from typing import Any

import pytest
from kafka.errors import (
    CommitFailedError,
    KafkaConnectionError,
    KafkaTimeoutError,
    RebalanceInProgressError,
)

from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.kafka.gaps import TopicPartition, Verdict
from consumer.adapters.kafka.source import KafkaSource
from consumer.adapters.kafka.watchdog import Remedy
from consumer.domain.errors import BrokerUnavailable
from tests.support.clock import ManualClock
from tests.unit.adapters.kafka.fakes import FakeConsumer, P, Q, run

PLAIN_P, PLAIN_Q = ("alarm-events", 0), ("alarm-events", 1)
REVOKE_LIMIT, STALL = 10.0, 30.0


class Worker:
    """The worker's side of an assignment, and the observer, in one log."""

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []
        self.work_left = 0
        self.offsets: dict[TopicPartition, int] = {}
        self.lags: dict[TopicPartition, int] = {}

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        self.log.append(("assigned", *partitions))

    def revoking(self, partitions: Collection[TopicPartition]) -> None:
        self.log.append(("revoking", *partitions))

    def quiet(self, partitions: Collection[TopicPartition]) -> bool:
        self.work_left -= 1
        return self.work_left < 0

    def revoked(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        self.log.append(("revoked", *partitions))
        return {p: o for p, o in self.offsets.items() if p in partitions}

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        self.log.append(("lost", *partitions))

    def rebalanced(self, what: str, partitions: Collection[TopicPartition]) -> None:
        self.log.append(("told", what, *partitions))

    def gap(self, partition: TopicPartition, verdict: Verdict, missing: int) -> None:
        self.log.append(("gap", partition, verdict, missing))

    def stalled(self, partition: TopicPartition, remedy: Remedy, position: int) -> None:
        self.log.append(("stalled", partition, remedy, position))

    def lag(self, lags: Mapping[TopicPartition, int]) -> None:
        self.lags = dict(lags)

    def of(self, *names: str) -> list[tuple[Any, ...]]:
        return [entry for entry in self.log if entry[0] in names]


class Rig:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.worker = Worker()
        self.consumers: list[FakeConsumer] = []
        self.open_error: Exception | None = None
        self.source = KafkaSource(
            KafkaSettings(bootstrap_servers="kafka:9092", sasl_password="hush-hush"),
            ["alarm-events"],
            assignment=self.worker,
            observer=self.worker,
            clock=self.clock,
            revoke_limit_seconds=REVOKE_LIMIT,
            stall_seconds=STALL,
            make_consumer=self._make,
        )

    def _make(self, **config: Any) -> FakeConsumer:
        if self.open_error is not None:
            raise self.open_error
        self.consumers.append(FakeConsumer(**config))
        return self.consumers[-1]

    @property
    def client(self) -> FakeConsumer:
        return self.consumers[-1]

    def poll(self, after: float = 0.0) -> list[tuple[int, int]]:
        self.clock.advance(after)
        return [(r.partition, r.offset) for r in self.source.poll(0.1)]

    def begin(self, **logs: list[int]) -> FakeConsumer:
        """Joined, with partition P (and Q)."""
        self.poll()
        self.client.logs |= {{"p": P, "q": Q}[name]: log for name, log in logs.items()}
        self.client.assign_now([{"p": P, "q": Q}[name] for name in logs])
        return self.client


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


# -- Kafka away --------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["poll", "end_offsets", "position"])
def test_whatever_the_client_raises_is_an_outage_that_can_be_repeated(rig: Rig, call: str) -> None:
    client = rig.begin(p=[0])
    client.errors[call] = KafkaTimeoutError("slow")
    with pytest.raises(BrokerUnavailable, match=r"kafka:9092.*slow"):
        rig.poll(after=6)
    client.errors.clear()
    assert rig.poll() == [(0, 0)]


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


def test_before_the_first_poll_pause_resume_commit_and_close_do_no_harm(rig: Rig) -> None:
    rig.source.pause()
    assert rig.source.paused
    rig.source.resume()
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


# -- pausing -----------------------------------------------------------------------------------


def test_paused_partitions_are_polled_and_give_nothing(rig: Rig) -> None:
    rig.begin(p=[0], q=[0])
    rig.source.pause()
    assert rig.poll() == []
    rig.source.resume()
    assert sorted(rig.poll()) == [(0, 0), (1, 0)]


def test_a_partition_assigned_while_paused_is_paused_too(rig: Rig) -> None:
    client = rig.begin(p=[0])
    rig.source.pause()
    client.logs[Q] = [0]
    client.assign_now([Q])
    assert rig.poll() == []
    rig.source.resume()
    assert sorted(rig.poll()) == [(0, 0), (1, 0)]


# -- stalls ------------------------------------------------------------------------------------


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
    rig.source.pause()
    rig.poll(after=STALL)
    rig.poll(after=STALL)
    rig.source.resume()
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


# -- rebalances --------------------------------------------------------------------------------


def test_a_revocation_stops_finishes_commits_and_forgets_in_this_order(rig: Rig) -> None:
    client = rig.begin(p=[0], q=[0])
    rig.worker.work_left = 3
    rig.worker.offsets = {PLAIN_P: 1, PLAIN_Q: 1}
    slept: list[int] = []
    client.on_sleep = lambda: slept.append(rig.worker.work_left)
    rig.worker.log.clear()
    client.revoke_now([P])
    assert slept == [2, 1, 0], "it awaits what is under way and blocks nobody"
    assert [entry[0] for entry in rig.worker.log] == ["revoking", "revoked", "told"]
    assert [{p: o.offset for p, o in c.items()} for c in client.committed] == [{P: 1}]


def test_a_revocation_does_not_wait_longer_than_its_limit(rig: Rig) -> None:
    client = rig.begin(p=[0])
    rig.worker.work_left = 10**6
    client.on_sleep = lambda: rig.clock.advance(1)
    began = rig.clock.monotonic()
    client.revoke_now([P])
    assert rig.clock.monotonic() - began == REVOKE_LIMIT
    assert rig.worker.of("revoked")


def test_a_last_commit_that_fails_does_not_fail_the_rebalance(rig: Rig) -> None:
    client = rig.begin(p=[0])
    rig.worker.offsets = {PLAIN_P: 1}
    client.errors["commit_async"] = CommitFailedError("too late")
    client.revoke_now([P])
    assert rig.worker.log[-1] == ("told", "revoked", PLAIN_P)


def test_lost_partitions_are_forgotten_without_a_commit(rig: Rig) -> None:
    client = rig.begin(p=[0])
    rig.worker.offsets = {PLAIN_P: 1}
    run(client.listener.on_partitions_lost({P}))
    assert rig.worker.of("lost") == [("lost", PLAIN_P)]
    assert client.committed == []


def test_after_a_rebalance_the_gap_check_begins_anew(rig: Rig) -> None:
    """Another member did 2 to 6 meanwhile: that is no gap."""
    client = rig.begin(p=[0, 1, 7])
    client.logs[P] = [0, 1]
    rig.poll()
    client.revoke_now([P])
    client.logs[P] = [7]
    client.assign_now([P], at=7)
    assert rig.poll() == [(0, 7)]
    assert client.seeks == []


def test_closing_hands_the_partitions_over_and_survives_a_broker_that_is_gone(rig: Rig) -> None:
    client = rig.begin(p=[0])
    client.errors["close"] = KafkaTimeoutError("gone")
    rig.source.close()
    assert rig.worker.of("revoked") == [("revoked", PLAIN_P)]
    rig.source.close()
