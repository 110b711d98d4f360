"""Senders: nothing is sent without a lease and a mark; each result reaches the tracker."""

import queue
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from consumer.domain.ledger import DeliveryState
from consumer.domain.reasons import Kind, Reason
from consumer.telemetry.metrics import Metrics
from consumer.worker.calling import Caller
from consumer.worker.lanes import Lanes
from consumer.worker.lease import Lease
from consumer.worker.marking import Marking
from consumer.worker.senders import Senders
from consumer.worker.settling import Settling
from consumer.worker.ways import Ways
from consumer.worker.work import Landed, Sending, Work
from tests.support.clock import ManualClock
from tests.support.worker import CRITICAL, OK, OWNER, SOON, WARNING, result, until, work
from tests.support.worker_fakes import FakeTransport
from tests.support.worker_ledger import MemoryLedger, states

LEASE = 30.0
MAX_AGE = {CRITICAL: 3600.0, OK: 600.0, WARNING: 600.0}


class Rig:
    """Two sender threads between lanes and a queue."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.ledger = MemoryLedger()
        self.transport = FakeTransport()
        self.landed: queue.SimpleQueue[Landed] = queue.SimpleQueue()
        self.lanes = Lanes(self.clock, lambda _: None)
        self.lease = Lease(self.ledger, OWNER, self.clock, LEASE, lambda _ok, _why: None)
        self.lease._beat()
        ways = Ways({"mailgun": self.transport}, clock=self.clock, failures=1000, probe_seconds=1.0)
        self.senders = Senders(
            count=2,
            lanes=self.lanes,
            ways=ways,
            marking=Marking(self.ledger, OWNER, self.lease, self.clock),
            caller=Caller(ways, self.lease, self.clock, Metrics(), self.landed.put),
            settling=Settling(self.ledger, OWNER, self.clock),
            clock=self.clock,
            max_age_seconds=MAX_AGE,
            to_tracker=self.landed.put,
        )

    def start(self, *works: Work, held_by: str = OWNER) -> None:
        self.ledger.take(held_by, *{w.atom for w in works})
        self.lanes.add(works)
        self.senders.start()

    def next(self) -> Landed:
        return self.landed.get(timeout=SOON)

    def stop(self) -> None:
        self.lanes.close()
        self.senders.stop(0.0)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.worker.senders._PATIENCE", 0.005)
    monkeypatch.setattr("consumer.worker.senders._IDLE", 0.005)
    monkeypatch.setattr("consumer.worker.settling._TRY_AGAIN", 0.005)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.stop()


def fresh(rig: Rig, id_: str = "e1", **changes: Any) -> Work:
    """An event of this moment."""
    return work(id_, **({"timestamp": int(rig.clock.now() * 1000)} | changes))


def test_a_send_is_marked_then_sent_and_its_result_handed_on(rig: Rig) -> None:
    seen: list[DeliveryState] = []

    def answer(email: Any) -> Any:
        seen.append(rig.ledger.deliveries[email.uid].state)
        return result(provider_id="<p1>")

    rig.transport.answer = answer
    rig.start(fresh(rig))
    landed = rig.next()
    assert landed.result is not None
    assert landed.result.provider_id == "<p1>"
    assert landed.sending.tries == 1
    assert seen == [DeliveryState.SENDING]
    assert rig.lanes.in_flight == 0
    assert rig.lanes.events == 1, "only the tracker ends it"
    assert states(rig.ledger) == {"e1/0": DeliveryState.ACCEPTED}, "settled before it is told"


def test_a_result_waits_for_a_ledger_that_is_away(rig: Rig) -> None:
    """It was sent, so it is written down before the sender begins anything else."""
    refusals = [True, True]
    calls: list[str] = []

    def before(call: str) -> None:
        calls.append(call)
        rig.ledger.away = call == "settle" and bool(refusals) and refusals.pop()

    rig.ledger.before = before
    rig.start(fresh(rig))
    landed = rig.next()
    assert landed.result is not None
    assert calls.count("settle") == 3
    assert len(rig.transport.sent) == 1
    assert states(rig.ledger) == {"e1/0": DeliveryState.ACCEPTED}


def test_while_the_provider_asks_to_wait_nothing_is_marked_or_told(rig: Rig) -> None:
    """The send waits in its lane; a crash meanwhile leaves no doubt."""
    rig.transport.closed_for = 60.0
    rig.start(fresh(rig))
    until(lambda: len(rig.lanes._to_send), "it waits")
    assert (rig.ledger.calls, rig.transport.sent) == (["heartbeat"], [])
    assert rig.lanes.in_flight == 0
    rig.transport.closed_for = 0.0
    rig.clock.advance(61.0)
    rig.lease._beat()
    assert rig.next().sending.attempt == 1


def test_a_refused_mark_sends_nothing_and_says_so(rig: Rig) -> None:
    rig.start(fresh(rig), held_by="two")
    assert rig.next().result is None
    assert rig.transport.sent == []


def test_without_a_valid_lease_nothing_is_marked_or_sent(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back: list[Sending] = []

    def noting(sendings: Sequence[Sending]) -> None:
        put_back.extend(sendings)
        Lanes.put_back(rig.lanes, sendings)

    monkeypatch.setattr(rig.lanes, "put_back", noting)
    rig.clock.advance(LEASE)
    rig.start(fresh(rig))
    until(lambda: len(put_back) >= 2, "it is put back")
    assert (rig.transport.sent, states(rig.ledger)) == ([], {})
    rig.lease._beat()
    assert rig.next().result is not None
    assert rig.transport.sent == ["e1/0"]


def test_while_the_ledger_is_away_nothing_is_sent(rig: Rig) -> None:
    rig.ledger.away = True
    rig.start(fresh(rig))
    until(lambda: rig.ledger.calls.count("mark_sending") >= 2, "it is tried again")
    assert rig.transport.sent == []
    rig.ledger.away = False
    assert rig.next().result is not None
    assert rig.transport.sent == ["e1/0"]


def test_a_lease_that_ends_between_mark_and_send_defers_it(rig: Rig) -> None:
    """Left behind as SENDING it would count as a send in doubt, which nobody repeats."""

    def pause(call: str) -> None:
        if call == "mark_sending":
            rig.clock.advance(LEASE)

    rig.ledger.before = pause
    rig.start(fresh(rig))
    landed = rig.next()
    assert landed.result is not None
    assert (landed.result.kind, landed.result.reason) == (Kind.DEFERRED, Reason.INTERRUPTED)
    assert rig.transport.sent == []


def test_an_event_beyond_its_age_limit_expires_unsent(rig: Rig) -> None:
    old = int((rig.clock.now() - 601) * 1000)
    rig.start(fresh(rig, state=OK, timestamp=old))
    landed = rig.next()
    assert landed.result is not None
    assert (landed.result.kind, landed.result.reason) == (Kind.EXPIRED, Reason.TOO_OLD)
    assert (rig.transport.sent, states(rig.ledger)) == ([], {})


def test_the_age_limit_is_that_of_the_state(rig: Rig) -> None:
    old = int((rig.clock.now() - 601) * 1000)
    rig.start(fresh(rig, state=CRITICAL, timestamp=old))
    landed = rig.next()
    assert landed.result is not None
    assert landed.result.kind is Kind.ACCEPTED


def test_another_attempt_whose_alarm_moved_on_is_superseded(rig: Rig) -> None:
    rig.start(fresh(rig, "e1", state=CRITICAL, attempt=2), fresh(rig, "e2", state=OK))
    landed = rig.next()
    assert landed.result is not None
    assert (landed.result.kind, landed.result.reason) == (Kind.SUPERSEDED, Reason.STATE_MOVED_ON)
    assert rig.transport.sent == []


def test_a_zombies_word_on_an_alarm_that_is_another_s_ends_nothing(rig: Rig) -> None:
    """It woke up with its lease over, and thinks that the event is superseded; the owner of
    today may be sending it at this moment."""
    works = (fresh(rig, "e1", state=CRITICAL, attempt=2), fresh(rig, "e2", state=OK))
    rig.start(*works, held_by="two")
    landed = rig.next()
    assert landed.result is None
    assert landed.is_final


def test_a_first_attempt_goes_out_although_a_newer_event_waits(rig: Rig) -> None:
    rig.start(fresh(rig, "e1", state=CRITICAL), fresh(rig, "e2", state=OK))
    landed = rig.next()
    assert landed.result is not None
    assert landed.result.kind is Kind.ACCEPTED


def test_a_transport_that_raises_leaves_a_send_in_doubt_and_the_thread_alive(rig: Rig) -> None:
    """A thread that ends would take its event with it: stuck for ever, and nobody told."""

    def answer(email: Any) -> Any:
        if email.uid == "e1/0":
            raise RuntimeError("key-0123")
        return result()

    rig.transport.answer = answer
    rig.start(*(fresh(rig, f"e{n}", alarm=f"a{n}") for n in range(1, 6)))
    landed = {
        each.sending.send.notification.uid: each.result for each in (rig.next() for _ in range(5))
    }
    doubt = landed["e1/0"]
    assert doubt is not None
    assert (doubt.kind, doubt.message) == (Kind.IN_DOUBT, "RuntimeError in the transport")
    assert sum(r is not None and r.kind is Kind.ACCEPTED for r in landed.values()) == 4


def test_stop_waits_for_what_is_under_way(rig: Rig) -> None:
    rig.start(fresh(rig))
    rig.next()
    rig.lanes.close()
    rig.senders.stop(SOON)
    assert not any(thread.is_alive() for thread in rig.senders._threads)
