"""The tracker: produce, close, let go; each step repeated until it is done."""

import queue
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from consumer.domain.errors import BrokerUnavailable, InvalidMessage
from consumer.domain.ledger import DeliveryState, SendingMark
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record
from consumer.pipeline.resume import Known
from consumer.telemetry.metrics import Metrics
from consumer.worker.dead_letter_limit import DeadLetterLimit
from consumer.worker.lanes import Lanes
from consumer.worker.offsets import Offsets
from consumer.worker.outbox import Outbox
from consumer.worker.tracker import Tracker
from consumer.worker.work import Broken, Landed, Sending, Work
from tests.support.clock import ManualClock
from tests.support.factories import make_notification
from tests.support.worker import FIRST, OK, OWNER, SOON, TOPIC, ending, result, until, work
from tests.support.worker_fakes import FakeSink, one_way
from tests.support.worker_ledger import MemoryLedger, states


class Rig:
    """A tracker between lanes, a ledger and a sink that share one log of what was called."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.ledger = MemoryLedger()
        self.sink = FakeSink(self.ledger.calls)
        self.log = self.ledger.calls
        self.offsets = Offsets()
        self.told: queue.SimpleQueue[Landed] = queue.SimpleQueue()
        self.broker: list[tuple[bool, str]] = []
        self.metrics = Metrics()
        self.tracker = Tracker(
            owner=OWNER,
            worker="worker-1",
            ledger=self.ledger,
            outbox=Outbox(self.sink, "tracked", "dead"),
            ways=one_way(self.clock, failures=1),
            clock=self.clock,
            metrics=self.metrics,
            limit=DeadLetterLimit(100, self.clock),
            on_result=lambda landed, _: self.told.put(landed),
            on_broker=lambda ok, why: self.broker.append((ok, why)),
        )
        self.lanes = Lanes(self.clock, self.tracker.put)

    def work(self, id_: str = "e1", offset: int = 0, **values: Any) -> Work:
        ticket = self.offsets.begin(FIRST, offset)
        return work(id_, at=(FIRST, offset), ticket=ticket, **values)

    def add(self, *works: Work) -> None:
        self.ledger.take(OWNER, *{w.atom for w in works})
        self.lanes.add(works)

    def take(self) -> Sending:
        """As a sender: marked and about to be sent."""
        (sending,) = self.lanes.take(0)
        self.ledger.mark_sending(OWNER, [_mark(sending)], 0.0)
        return sending

    def land(self, sending: Sending, kind: Kind | None, **values: Any) -> None:
        self.lanes.landed()
        told = None if kind is None else result(kind, **values)
        self.tracker.put(Landed(sending, told))

    def done(self) -> None:
        assert self.lanes.wait_quiet(SOON)
        until(lambda: self.offsets.open == 0, "the offsets are done")

    def kinds(self) -> list[Kind]:
        return [tracked.kind for tracked in self.sink.tracked]


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
    monkeypatch.setattr("consumer.worker.tracker._TRY_AGAIN", 0.005)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    made.tracker.start(made.lanes)
    yield made
    made.tracker.stop(SOON)


def test_produced_then_closed_then_let_go(rig: Rig) -> None:
    seen_at_close: list[int] = []

    def before(call: str) -> None:
        if call == "close_events":
            seen_at_close.append(rig.offsets.open)

    rig.ledger.before = before
    rig.add(rig.work())
    rig.land(rig.take(), Kind.ACCEPTED)
    rig.done()
    assert rig.log == ["mark_sending", "produce tracked", "close_events"]
    assert seen_at_close == [1], "the offset is done last"
    assert rig.ledger.events["e1"].outcome == Kind.ACCEPTED


def test_what_ends_without_a_sender_is_told_and_settled_before_its_event_is_closed(
    rig: Rig,
) -> None:
    """It waited for its next attempt when its process ended; now nobody is to be told any more."""
    waiting = rig.work()
    (send,) = waiting.prepared.sends
    rig.ledger.take(OWNER, waiting.atom)
    rig.ledger.mark_sending(OWNER, [_mark(Sending(waiting, send))], 0.0)
    told = result(Kind.SUPERSEDED, reason=Reason.STATE_MOVED_ON)
    known = Known(notification=send.notification, result=told, attempt=2, is_news=True)
    waiting.prepared = msgspec.structs.replace(waiting.prepared, sends=(), known=(known,))
    rig.add(waiting)
    until(lambda: "e1" in rig.ledger.events, "the event is closed")
    assert states(rig.ledger) == {"e1/0": DeliveryState.SUPERSEDED}
    assert rig.log == ["mark_sending", "produce tracked", "settle", "close_events"]
    assert rig.kinds() == [Kind.SUPERSEDED]
    assert rig.sink.dead == []


def test_an_event_ends_as_the_best_that_a_destination_got(rig: Rig) -> None:
    rig.add(rig.work(sends=2))
    one, two = rig.take(), rig.take()
    rig.land(one, Kind.FAILED)
    until(lambda: rig.kinds() == [Kind.FAILED], "the first result is tracked at once")
    assert rig.ledger.events == {}
    rig.land(two, Kind.ACCEPTED)
    rig.done()
    assert rig.ledger.events["e1"].outcome == Kind.ACCEPTED


def test_a_ledger_that_is_away_is_waited_for_and_nothing_is_told_twice(rig: Rig) -> None:
    refusals = [True, True]

    def before(call: str) -> None:
        rig.ledger.away = call == "close_events" and bool(refusals) and refusals.pop()

    rig.ledger.before = before
    rig.add(rig.work())
    rig.land(rig.take(), Kind.ACCEPTED)
    rig.done()
    assert rig.log.count("close_events") == 3
    assert rig.kinds() == [Kind.ACCEPTED]


def test_an_event_is_not_closed_before_its_record_is_acknowledged(rig: Rig) -> None:
    refusals: list[Exception | None] = [ValueError("away"), ValueError("away")]
    rig.sink.refuse = lambda _: refusals.pop(0) if refusals else None
    rig.add(rig.work())
    rig.land(rig.take(), Kind.ACCEPTED)
    rig.done()
    assert rig.log == ["mark_sending", *["produce tracked"] * 3, "close_events"]
    assert rig.kinds() == [Kind.ACCEPTED]
    assert [ok for ok, _ in rig.broker] == [False, False, True]


def test_a_deferred_send_is_tracked_and_comes_back_at_the_providers_time(rig: Rig) -> None:
    rig.add(rig.work())
    told = {"reason": Reason.THROTTLED, "retry_at": rig.clock.now() + 90}
    rig.land(rig.take(), Kind.DEFERRED, **told)
    until(lambda: len(rig.lanes._to_send), "it waits for its next attempt")
    assert rig.kinds() == [Kind.DEFERRED]
    rig.clock.advance(89)
    assert not rig.lanes.take(0)
    rig.clock.advance(1)
    (again,) = rig.lanes.take(0)
    assert again.attempt == 2


def test_without_a_providers_time_the_pauses_grow(rig: Rig) -> None:
    rig.add(rig.work())
    pauses = []
    for tries in range(1, 9):
        sending = rig.take()
        sending.tries = tries
        rig.land(sending, Kind.DEFERRED)
        until(lambda: len(rig.lanes._to_send), "it waits for its next attempt")
        pauses.append(rig.lanes._to_send.due() - rig.clock.monotonic())
        rig.clock.advance(pauses[-1])
    assert [int(pause) for pause in pauses[:6]] == [1, 2, 4, 8, 16, 32]
    assert pauses[6:] == [60, 60]


def test_the_time_that_an_outage_took_is_not_waited_again(rig: Rig) -> None:
    def refuse(_: object) -> Exception | None:
        rig.clock.advance(100)
        return None

    rig.sink.refuse = refuse
    rig.add(rig.work())
    told = {"reason": Reason.THROTTLED, "retry_at": rig.clock.now() + 90}
    rig.land(rig.take(), Kind.DEFERRED, **told)
    until(lambda: len(rig.lanes._to_send), "it waits for its next attempt")
    assert rig.lanes.take(0)


def test_a_refused_send_gives_the_event_back_untold_and_undone(rig: Rig) -> None:
    rig.add(rig.work("e1"), rig.work("e2", 1))
    rig.land(rig.take(), None)
    until(lambda: rig.lanes.events == 0, "the lane is given back")
    assert [w.event.id for w in rig.lanes.returned()] == ["e1", "e2"]
    assert (rig.kinds(), rig.ledger.events, rig.offsets.open) == ([], {}, 2)
    assert rig.told.get(timeout=SOON).result is None


def test_results_of_earlier_runs_and_endings_are_told_once(rig: Rig) -> None:
    known = Known(notification=make_notification(), result=result(), attempt=3)
    rig.add(rig.work(sends=0, prepared={"known": [known], "endings": [ending()]}))
    rig.done()
    assert rig.kinds() == [Kind.ACCEPTED, Kind.UNCHANGED]
    assert rig.sink.tracked[0].attempt == 3
    assert rig.ledger.events["e1"].outcome == Kind.ACCEPTED


def test_an_event_without_anything_ends_as_no_recipients(rig: Rig) -> None:
    rig.add(rig.work(sends=0))
    rig.done()
    assert rig.ledger.events["e1"].outcome == Kind.NO_RECIPIENTS


def test_a_record_that_could_not_be_read_is_tracked_and_becomes_a_dead_letter(rig: Rig) -> None:
    ticket = rig.offsets.begin(FIRST, 7)
    error = InvalidMessage(Reason.NOT_JSON, "line 1")
    rig.tracker.put(Broken(Record(TOPIC, 0, 7, b"key", b"{", ()), error, None, ticket))
    until(lambda: rig.offsets.open == 0, "its offset is done")
    assert rig.kinds() == [Kind.INVALID]
    (value, headers), *_ = rig.sink.dead
    assert (value, headers["messenger-reason"], headers["messenger-error"]) == (
        b"{",
        b"not_json",
        b"line 1",
    )


def test_failed_lookups_and_expired_events_become_dead_letters(rig: Rig) -> None:
    missing = ending(Kind.LOOKUP_FAILED, Reason.NOT_IN_CATALOG)
    rig.add(
        rig.work("e1", 0, alarm="a", sends=0, prepared={"endings": [missing], "dead_letter": True}),
        rig.work("e2", 1, alarm="b"),
    )
    rig.land(rig.take(), Kind.EXPIRED)
    rig.done()
    reasons = [headers["messenger-reason"] for _, headers in rig.sink.dead]
    assert reasons == [b"not_in_catalog", b"too_old"]


def test_only_events_that_advance_move_the_atom_on(rig: Rig) -> None:
    rig.add(rig.work("e1", 0), rig.work("e2", 1, sends=0, advances=False, state=OK))
    rig.land(rig.take(), Kind.ACCEPTED)
    rig.done()
    (atom,) = rig.ledger.atoms.values()
    assert atom["last"].event_id == "e1"
    assert set(rig.ledger.events) == {"e1", "e2"}


def test_stop_handles_what_was_put_in_before(rig: Rig) -> None:
    rig.add(*(rig.work(f"e{n}", n, alarm=f"a{n}", sends=0) for n in range(50)))
    assert rig.tracker.stop(SOON)
    assert rig.lanes.events == 0


def test_stop_gives_up_when_a_dependency_stays_away_and_leaves_the_offset_open(rig: Rig) -> None:
    rig.sink.refuse = lambda _: BrokerUnavailable("away")
    rig.add(rig.work())
    rig.land(rig.take(), Kind.ACCEPTED)
    until(lambda: rig.broker, "it is tried")
    assert not rig.tracker.stop(0.0)
    rig.tracker._thread.join(SOON)
    assert not rig.tracker._thread.is_alive()
    assert (rig.ledger.events, rig.offsets.open) == ({}, 1)
