"""Senders, many emails in one call: each marked and settled by itself, refused ones found."""

from collections.abc import Iterator, Sequence

import pytest

from consumer.domain.ledger import DeliveryState
from consumer.domain.notification import Email
from consumer.domain.reasons import Kind, Reason
from tests.support.worker import result, work
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


def test_what_waits_goes_in_one_call_marked_before_and_settled_after(rig: Rig) -> None:
    uids = rig.storm(50)
    seen: list[dict[str, DeliveryState]] = []
    rig.transport.before = lambda _: seen.append(states(rig.ledger))
    rig.turn()
    assert rig.transport.calls == [uids]
    assert seen == [dict.fromkeys(uids, DeliveryState.SENDING)]
    assert states(rig.ledger) == dict.fromkeys(uids, DeliveryState.ACCEPTED)
    assert rig.told() == dict.fromkeys(uids, Kind.ACCEPTED)


def test_one_that_waits_alone_goes_alone(rig: Rig) -> None:
    sent: list[Sequence[Email]] = []
    rig.transport.before = sent.append
    (uid,) = rig.storm(1)
    rig.turn()
    assert rig.transport.calls == [[uid]]
    assert rig.told() == {uid: Kind.ACCEPTED}


def test_a_call_without_an_answer_leaves_each_email_a_doubt_of_its_own(rig: Rig) -> None:
    uids = rig.storm(3)
    rig.transport.answer = result(Kind.IN_DOUBT, reason=Reason.ANSWER_LOST)
    rig.turn()
    assert states(rig.ledger) == dict.fromkeys(uids, DeliveryState.IN_DOUBT)
    doubts = [each.sending.doubt for each in rig.landed]
    assert all(doubts)
    assert len(set(map(id, doubts))) == 3


def test_a_defect_in_the_transport_is_a_doubt_about_all(rig: Rig) -> None:
    def fail(_: Sequence[Email]) -> None:
        raise ZeroDivisionError

    uids = rig.storm(3)
    rig.transport.before = fail
    rig.turn()
    assert rig.told() == dict.fromkeys(uids, Kind.IN_DOUBT)


def test_an_alarm_that_is_no_longer_ours_is_left_out(rig: Rig) -> None:
    now = int(rig.clock.now() * 1000)
    rig.add([work("e1", "a", timestamp=now)])
    rig.add([work("e2", "b", timestamp=now, sends=2)], held_by="another")
    rig.turn()
    assert rig.told() == {"e1/0": Kind.ACCEPTED, "e2/1": None}
    assert rig.transport.calls == [["e1/0"]]


def test_what_is_too_old_ends_before_the_call(rig: Rig) -> None:
    old, fresh = rig.storm(1, age=7200.0), rig.storm(3)
    while len(rig.landed) < 4:
        rig.turn()
    assert rig.told() == dict.fromkeys(fresh, Kind.ACCEPTED) | dict.fromkeys(old, Kind.EXPIRED)
    assert old[0] not in [uid for call in rig.transport.calls for uid in call]


def test_while_the_ledger_is_away_all_of_it_waits(rig: Rig) -> None:
    uids = rig.storm(5)
    rig.ledger.away = True
    rig.turn()
    assert rig.transport.calls == []
    assert rig.lanes.in_flight == 0
    rig.ledger.away = False
    rig.turn()
    assert rig.transport.calls == [uids]


def test_at_a_closed_gate_all_of_it_waits_unmarked(rig: Rig) -> None:
    uids = rig.storm(5)
    rig.ways.hold("mailgun", 20)
    for _ in uids:
        rig.turn()
    assert rig.landed == []
    assert states(rig.ledger) == {}
    rig.clock.advance(21)
    rig.trust()
    rig.turn()
    assert rig.transport.calls == [uids]


def test_a_broken_transport_is_probed_with_one(rig: Rig) -> None:
    rig.transport.answer = result(Kind.DEFERRED, reason=Reason.UNREACHABLE)
    rig.storm(1)
    rig.turn()
    rig.storm(1, age=1.0)
    rig.turn()
    rig.transport.answer = result()
    rig.storm(5, age=2.0)
    rig.clock.advance(2)
    rig.turn()
    assert list(map(len, rig.transport.calls)) == [1, 1, 1]
    rig.turn()
    assert len(rig.transport.calls[-1]) == 4


def test_nobody_bets_a_storm_on_a_provider_that_may_be_down(rig: Rig) -> None:
    rig.clock.advance(15)
    rig.storm(100)
    for _ in range(4):
        rig.turn()
    assert list(map(len, rig.transport.calls)) == [1, 2, 4, 8]
    rig.transport.answer = result(Kind.IN_DOUBT, reason=Reason.SERVER_ERROR)
    rig.turn()
    rig.turn()
    assert list(map(len, rig.transport.calls))[4:] == [16, 1]


def test_what_may_have_been_accepted_goes_with_its_like(rig: Rig) -> None:
    """It may not fall back, the others may."""
    rig.storm(4)
    sendings = list(rig.lanes.take(0))
    sendings[1].possible_duplicate = True
    rig.lanes.put_back(sendings)
    rig.turn()
    rig.turn()
    assert sorted(map(len, rig.transport.calls)) == [1, 3]
