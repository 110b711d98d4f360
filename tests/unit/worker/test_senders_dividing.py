"""Senders and a call that is refused as a whole: divided until it is known whose fault it was."""

from collections.abc import Iterator, Sequence

import msgspec
import pytest

from consumer.domain.ledger import DeliveryState
from consumer.domain.notification import Email
from consumer.domain.reasons import Kind
from tests.support.worker_ledger import states
from tests.unit.worker.together_rig import Rig


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.worker.senders._PATIENCE", 0.0)
    monkeypatch.setattr("consumer.worker.senders._IDLE", 0.0)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    assert made.lanes.in_flight == 0


def test_one_bad_address_fails_alone_and_all_others_go(rig: Rig) -> None:
    uids = rig.storm(100)
    rig.transport.bad = {"61@example.com"}
    rig.turn()
    assert rig.landed == []
    assert set(states(rig.ledger).values()) == {DeliveryState.DEFERRED}, "it is not under way"
    rig.turns()
    assert rig.told() == dict.fromkeys(uids, Kind.ACCEPTED) | {"s0/61": Kind.FAILED}
    assert states(rig.ledger)["s0/61"] is DeliveryState.FAILED
    assert len(rig.landed) == 100, "nothing is told of what was refused together"
    assert len(rig.transport.calls) <= 15
    failed = next(each for each in rig.landed if each.sending.send.notification.uid == "s0/61")
    assert failed.sending.tries == 1


def test_a_refusal_is_divided_however_little_the_provider_is_trusted(rig: Rig) -> None:
    """And by all senders that are free: no part waits for another one."""
    rig.storm(100)
    rig.transport.bad = {"0@example.com"}
    sizes = []
    rig.transport.before = lambda emails: rig.clock.advance(11 if len(emails) == 100 else 0)
    for _ in range(4):
        rig.turn()
    sizes = list(map(len, rig.transport.calls))
    assert sizes[:3] == [100, 50, 50]
    assert rig.told()["s0/99"] is Kind.ACCEPTED
    rig.turns()
    assert len(rig.landed) == 100


def test_what_may_not_be_so_many_goes_in_as_many_as_may(rig: Rig) -> None:
    uids = rig.storm(35)
    rig.transport.largest = 10
    rig.turns()
    assert list(map(len, rig.transport.calls)) == [35, 10, 10, 10, 5]
    assert rig.told() == dict.fromkeys(uids, Kind.ACCEPTED)
    rig.storm(12, age=1.0)
    rig.turn()
    assert len(rig.transport.calls[-1]) == 10, "the limit is known by now"


def test_what_was_too_many_for_one_call_is_free_to_go_with_others(rig: Rig) -> None:
    """It was nobody's fault: the next call is as large as it may be, whoever is in it."""
    rig.storm(15)
    rig.transport.largest = 10
    rig.turn()
    rig.storm(30, age=1.0)
    rig.transport.batch_limit = rig.transport.largest = 1000
    rig.turn()
    assert list(map(len, rig.transport.calls)) == [15, 30]


def test_the_parts_of_a_refused_call_wait_as_all_else_does(rig: Rig) -> None:
    """For the lease, at a closed gate, and for a person who stops the process."""
    rig.storm(4)
    rig.transport.bad = {"0@example.com"}
    rig.turn()
    assert rig.lanes.in_flight == 0
    rig.ways.hold("mailgun", 20)
    rig.turn()
    rig.turn()
    assert list(map(len, rig.transport.calls)) == [4]
    assert len(rig.lanes.drop_waiting()) == 1, "a rebalance takes the event away"
    assert set(states(rig.ledger).values()) == {DeliveryState.DEFERRED}


def test_what_a_webhook_called_accepted_meanwhile_is_not_told_otherwise(rig: Rig) -> None:
    rig.storm(2)
    rig.transport.bad = {"0@example.com"}

    def told(_: Sequence[Email]) -> None:
        row = rig.ledger.deliveries["s0/1"]
        rig.ledger.deliveries["s0/1"] = msgspec.structs.replace(row, state=DeliveryState.ACCEPTED)

    rig.transport.before = told
    rig.turn()
    assert rig.told() == {"s0/1": None}
