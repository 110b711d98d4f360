"""A partition that goes is finished and committed first; one that is lost is forgotten."""

import pytest
from kafka.errors import CommitFailedError, KafkaTimeoutError

from tests.unit.adapters.kafka.fakes import P, run
from tests.unit.adapters.kafka.source_rig import PLAIN_P, PLAIN_Q, REVOKE_LIMIT, Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


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


@pytest.mark.parametrize(
    "error", [KafkaTimeoutError("gone"), RuntimeError("Transport closed for writes")], ids=type
)
def test_closing_hands_the_partitions_over_and_survives_a_broker_that_is_gone(
    rig: Rig, error: Exception
) -> None:
    client = rig.begin(p=[0])
    client.errors["close"] = error
    rig.source.close()
    assert rig.worker.of("revoked") == [("revoked", PLAIN_P)]
    rig.source.close()


def test_closing_does_not_wait_for_work_that_had_its_time(rig: Rig) -> None:
    """The worker has drained before; the listener would only wait for what will not end."""
    client = rig.begin(p=[0])
    rig.worker.work_left = 10
    client.on_sleep = lambda: pytest.fail("it waits")
    rig.source.close()
    assert rig.worker.of("revoked") == [("revoked", PLAIN_P)]
