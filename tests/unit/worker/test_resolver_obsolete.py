"""The resolver and what nobody is to be told any more: looked up all the same, never sent."""

from collections.abc import Iterator

import pytest

from consumer.domain.ledger import DeliveryState
from consumer.domain.reasons import Kind, Reason
from consumer.worker.work import Work
from tests.support.worker import CRITICAL, SOON, work
from tests.unit.worker.resolver_rig import FOUND, Rig, away, changed_send


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.worker.resolver._PATIENCE", 0.005)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.stop()


def _redriven(of: Work) -> Work:
    of.redriven_ms = of.event.timestamp + 1
    return of


def _obsolete(why: Reason, id_: str = "e1", alarm: str = "a") -> Work:
    of = work(id_, alarm, state=CRITICAL)
    of.prepared = changed_send(of, obsolete=why)
    return of


@pytest.mark.parametrize("why", [Reason.STATE_MOVED_ON, Reason.NO_LONGER_PLANNED])
def test_what_nobody_is_to_be_told_any_more_is_looked_up_all_the_same(
    rig: Rig, why: Reason
) -> None:
    rig.lookup.answer = lambda _: FOUND
    rig.doubt(_obsolete(why))
    assert rig.next().reason is Reason.FOUND


def test_an_overtaken_event_is_not_held_however_often_it_is_redriven() -> None:
    """It was held, and the alarm moved on since: not found, it has ended, and is never sent."""
    rig = Rig(hold=True)
    sending = rig.doubt(_redriven(_obsolete(Reason.STATE_MOVED_ON)))
    rig.pass_time(60)
    landed = rig.landed.get(timeout=SOON)
    assert landed.is_final
    assert landed.result is not None
    assert (landed.result.kind, landed.result.reason) == (Kind.SUPERSEDED, Reason.STATE_MOVED_ON)
    assert "it may have been sent" in landed.result.message
    assert sending.possible_duplicate
    row = rig.ledger.deliveries["e1/0"]
    assert (row.state, row.possible_duplicate) == (DeliveryState.SUPERSEDED, True)
    rig.stop()


def test_what_is_no_longer_planned_is_held_until_a_person_has_seen_it(rig: Rig) -> None:
    """Whatever the policy says: nobody may be sent it. Redriven, it ends."""
    rig.doubt(_obsolete(Reason.NO_LONGER_PLANNED))
    rig.pass_time(60)
    assert rig.next().reason is Reason.HELD
    rig.doubt(_redriven(_obsolete(Reason.NO_LONGER_PLANNED, "f1", "b")))
    rig.pass_time(60)
    told = rig.next()
    assert (told.kind, told.reason) == (Kind.SUPERSEDED, Reason.NO_LONGER_PLANNED)


def test_an_obsolete_doubt_does_not_wait_for_a_transport(rig: Rig) -> None:
    rig.lookup.answer = away
    rig.transport.closed_for = 5.0
    rig.doubt(_obsolete(Reason.STATE_MOVED_ON))
    rig.pass_time(120)
    assert rig.next().message.startswith("Looked up 61 times, without an answer; the alarm's")
