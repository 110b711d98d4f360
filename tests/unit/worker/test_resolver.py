"""The resolver: what is found is settled, what is not found in time is sent again or held."""

import queue
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from consumer.domain.errors import LookupUnavailable
from consumer.domain.ledger import DeliveryState, SendingMark
from consumer.domain.notification import Email, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.pipeline.pipeline import Prepared
from consumer.pipeline.resume import LeftInDoubt
from consumer.telemetry.metrics import Metrics
from consumer.worker.doubts import Doubt
from consumer.worker.lanes import Lanes
from consumer.worker.resolver import Resolver
from consumer.worker.settling import Settling
from consumer.worker.ways import Ways
from consumer.worker.work import Landed, Sending, Work
from tests.support.clock import ManualClock
from tests.support.worker import CRITICAL, OK, OWNER, SOON, WARNING, result, until, work
from tests.support.worker_fakes import FakeTransport
from tests.support.worker_ledger import MemoryLedger, states

BUDGETS = {CRITICAL: 60.0, WARNING: 300.0, OK: 1800.0}
FOUND = result(Kind.ACCEPTED, reason=Reason.FOUND, provider_id="<p>")


class FakeLookup:
    """Says what `answer` says; counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Any = lambda _: None

    def find(self, email: Email, sent_at: float) -> SendResult | None:
        self.asked.append(email.uid)
        told: SendResult | None = self.answer(email)
        return told

    def close(self) -> None: ...


class Rig:
    """Two resolver threads beside lanes, a ledger and a queue."""

    def __init__(self, *, hold: bool = False, key: bool = True, reports: bool = False) -> None:
        self.clock = ManualClock()
        self.ledger = MemoryLedger()
        self.lookup = FakeLookup()
        self.transport = FakeTransport()
        self.landed: queue.SimpleQueue[Landed] = queue.SimpleQueue()
        self.lanes = Lanes(self.clock, lambda _: None)
        self.answered: list[bool] = []
        self.resolver = Resolver(
            count=2,
            lanes=self.lanes,
            ledger=self.ledger,
            lookups={"mailgun": self.lookup} if key else {},
            settling=Settling(self.ledger, OWNER, self.clock),
            ways=Ways({"mailgun": self.transport}, clock=self.clock, failures=5, probe_seconds=1.0),
            clock=self.clock,
            metrics=Metrics(),
            budgets=BUDGETS,
            hold=hold,
            reporting={"mailgun"} if reports else (),
            to_tracker=self.landed.put,
            on_lookup=lambda _name, ok, _why: self.answered.append(ok),
        )
        self.resolver.start()

    def doubt(self, *works: Work, inherited: bool = False) -> Sending:
        """The first event's send got no answer; the others wait behind it."""
        self.ledger.take(OWNER, *{w.atom for w in works})
        self.lanes.add(works)
        (sending,) = self.lanes.take(0)
        self.ledger.mark_sending(OWNER, [_mark(sending)], self.clock.now())
        sending.doubt = Doubt(
            since=self.clock.now(),
            first_sent=self.clock.now(),
            transport="mailgun",
            told=True,
            inherited=inherited,
        )
        self.lanes.landed()
        self.lanes.doubt(sending, 0.0)
        return sending

    def pass_time(self, seconds: float) -> None:
        """Second by second, so that every lookup finds its moment."""
        for _ in range(int(seconds)):
            until(self._all_looked_up, "what is due is looked up")
            self.clock.advance(1.0)
        until(self._all_looked_up, "what is due is looked up")

    def _all_looked_up(self) -> bool:
        waits = self.lanes._to_look_up.due() > self.clock.monotonic()
        return waits and self.lanes.in_flight == 0

    def next(self) -> SendResult:
        landed = self.landed.get(timeout=SOON)
        assert landed.result is not None
        return landed.result

    def stop(self) -> None:
        self.lanes.close()
        self.resolver.stop(SOON)


def _mark(sending: Sending) -> SendingMark:
    send = sending.send
    return SendingMark(
        uid=send.notification.uid,
        event_id=sending.work.event.id,
        atom=sending.work.atom,
        fence=1,
        target_id=send.notification.target_id,
        type=send.notification.type,
        destination=send.notification.destination,
        message_id=send.email.message_id,
        transport="mailgun",
        attempt=sending.attempt,
    )


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.worker.resolver._PATIENCE", 0.005)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.stop()


def test_what_is_found_is_accepted_and_never_sent_again(rig: Rig) -> None:
    rig.lookup.answer = lambda _: FOUND
    sending = rig.doubt(work("e1"))
    assert rig.next().reason is Reason.FOUND
    assert states(rig.ledger) == {"e1/0": DeliveryState.ACCEPTED}
    assert (sending.doubt, sending.possible_duplicate) == (None, False)


def test_what_the_provider_threw_away_has_failed(rig: Rig) -> None:
    rig.lookup.answer = lambda _: result(Kind.FAILED, reason=Reason.PROVIDER_REJECTED)
    rig.doubt(work("e1"))
    assert rig.next().kind is Kind.FAILED
    assert states(rig.ledger) == {"e1/0": DeliveryState.FAILED}


def test_what_is_not_found_in_its_time_is_sent_again_as_a_possible_duplicate(rig: Rig) -> None:
    sending = rig.doubt(work("e1", state=CRITICAL))
    rig.pass_time(59)
    assert rig.landed.empty()
    rig.pass_time(1)
    told = rig.next()
    assert (told.kind, told.reason) == (Kind.DEFERRED, Reason.NOT_FOUND)
    assert sending.possible_duplicate
    row = rig.ledger.deliveries["e1/0"]
    assert (row.state, row.possible_duplicate) == (DeliveryState.DEFERRED, True)
    assert len(rig.lookup.asked) == 8


def test_by_policy_it_is_held_for_a_person() -> None:
    rig = Rig(hold=True)
    rig.doubt(work("e1", state=CRITICAL))
    rig.pass_time(60)
    landed = rig.landed.get(timeout=SOON)
    assert landed.is_final
    assert landed.result is not None
    assert (landed.result.kind, landed.result.reason) == (Kind.IN_DOUBT, Reason.HELD)
    assert rig.ledger.deliveries["e1/0"].reason == Reason.HELD
    rig.stop()


def test_the_alarm_has_moved_on_it_is_not_sent_again(rig: Rig) -> None:
    """An OK that waits behind a lost CRITICAL waits as long as CRITICAL allows, no longer."""
    sending = rig.doubt(work("e1", state=OK), work("e2", state=CRITICAL))
    rig.pass_time(60)
    told = rig.next()
    assert (told.kind, told.reason) == (Kind.SUPERSEDED, Reason.STATE_MOVED_ON)
    assert sending.possible_duplicate


def _away(_: Email) -> None:
    raise LookupUnavailable("Mailgun answers 500")


def test_a_lookup_without_an_answer_finds_nothing_out(rig: Rig) -> None:
    rig.lookup.answer = _away
    rig.doubt(work("e1", state=CRITICAL))
    rig.pass_time(100)
    assert rig.landed.empty()
    rig.lookup.answer = lambda _: FOUND
    rig.pass_time(2)
    assert rig.next().reason is Reason.FOUND
    assert (rig.answered[0], rig.answered[-1]) == (False, True)


def test_while_nothing_could_be_sent_anyway_it_is_asked_on(rig: Rig) -> None:
    rig.lookup.answer = _away
    rig.transport.closed_for = 5.0
    rig.doubt(work("e1", state=CRITICAL))
    rig.pass_time(200)
    assert rig.landed.empty()
    rig.transport.closed_for = 0.0
    rig.pass_time(6)
    assert rig.next().reason is Reason.NOT_FOUND


@pytest.mark.parametrize("inherited", [True, False])
def test_without_a_key_the_ledger_may_still_know(inherited: bool) -> None:
    """A process that woke up with its answer wrote it down, or the provider reported it."""
    rig = Rig(key=False, reports=not inherited)
    rig.doubt(work("e1", state=CRITICAL), inherited=inherited)
    rig.pass_time(3)
    row = rig.ledger.deliveries["e1/0"]
    rig.ledger.deliveries["e1/0"] = msgspec.structs.replace(
        row, state=DeliveryState.ACCEPTED, provider_id="<p>"
    )
    rig.pass_time(2)
    told = rig.next()
    assert (told.kind, told.reason, told.provider_id) == (Kind.ACCEPTED, Reason.FOUND, "<p>")
    rig.stop()


def test_where_nobody_can_say_more_an_alarm_is_not_kept_waiting() -> None:
    """Without a key, or by SMTP. In doubt once more, it waits: else it went again and again."""
    rig = Rig(key=False)
    first = rig.doubt(work("e1", "a", state=CRITICAL))
    told = rig.next()
    assert (told.kind, told.reason) == (Kind.DEFERRED, Reason.NOT_FOUND)
    assert told.message == "Nobody can be asked whether it was accepted; it is sent again"
    assert first.possible_duplicate
    second = work("f1", "b", state=CRITICAL)
    second.prepared = _with(second, possible_duplicate=True)
    rig.doubt(second)
    rig.pass_time(59)
    assert rig.landed.empty()
    rig.pass_time(1)
    assert rig.next().reason is Reason.NOT_FOUND
    rig.stop()


def _with(of: Work, **changes: Any) -> Prepared:
    """The event's only send, changed."""
    (send,) = of.prepared.sends
    return msgspec.structs.replace(of.prepared, sends=(msgspec.structs.replace(send, **changes),))


def _redriven(of: Work) -> Work:
    of.redriven_ms = of.event.timestamp + 1
    return of


def _obsolete(why: Reason, id_: str = "e1", alarm: str = "a") -> Work:
    of = work(id_, alarm, state=CRITICAL)
    of.prepared = _with(of, obsolete=why)
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
    rig.lookup.answer = _away
    rig.transport.closed_for = 5.0
    rig.doubt(_obsolete(Reason.STATE_MOVED_ON))
    rig.pass_time(120)
    assert rig.next().message.startswith("Looked up 61 times, without an answer; the alarm's")


def test_what_another_process_left_is_told_first_and_then_looked_up(rig: Rig) -> None:
    left = work("e1")
    doubt = LeftInDoubt(rig.clock.now() - 3600, 17.5, "mailgun", "m@example.com")
    send = msgspec.structs.replace(left.prepared.sends[0], doubt=doubt)
    left.prepared = msgspec.structs.replace(left.prepared, sends=(send,))
    rig.ledger.take(OWNER, left.atom)
    rig.lanes.add([left])
    landed = rig.landed.get(timeout=SOON)
    assert landed.result is not None
    assert (landed.result.kind, landed.result.reason) == (Kind.IN_DOUBT, Reason.INTERRUPTED)
    assert not landed.is_final
    assert rig.lookup.asked == []
    rig.lanes.doubt(landed.sending, 0.0)
    assert rig.next().reason is Reason.NOT_FOUND, "one answer after all this time is enough"
    assert rig.lookup.asked == ["e1/0"]


def test_an_old_doubt_is_not_given_up_after_one_lookup_without_an_answer(rig: Rig) -> None:
    """Even when a newer state waits behind it: somebody has to have been asked."""
    rig.lookup.answer = _away
    sending = rig.doubt(work("e1", state=CRITICAL), work("e2", state=OK))
    assert sending.doubt is not None
    sending.doubt.since -= 3600
    rig.pass_time(10)
    assert rig.landed.empty()
    rig.lookup.answer = lambda _: FOUND
    rig.pass_time(2)
    assert rig.next().reason is Reason.FOUND


def test_a_lookup_that_hangs_holds_up_nothing_but_its_thread(rig: Rig) -> None:
    entered, go = threading.Event(), threading.Event()

    def hang(email: Email) -> SendResult | None:
        if email.uid == "e1/0":
            entered.set()
            assert go.wait(SOON)
        return FOUND

    rig.lookup.answer = hang
    rig.doubt(work("e1", "a"))
    assert entered.wait(SOON)
    rig.doubt(work("e2", "b"))
    assert rig.landed.get(timeout=SOON).sending.work.event.id == "e2"
    rig.lanes.add([work("e3", "c")])
    assert rig.lanes.take(SOON), "senders have their own"
    go.set()
    assert rig.next().reason is Reason.FOUND


def test_a_lookup_that_raises_does_not_end_the_thread(rig: Rig) -> None:
    def defect(_: Email) -> None:
        raise ZeroDivisionError

    rig.lookup.answer = defect
    rig.doubt(work("e1"))
    until(lambda: rig.answered, "it was told")
    rig.lookup.answer = lambda _: FOUND
    rig.pass_time(2)
    assert rig.next().reason is Reason.FOUND
