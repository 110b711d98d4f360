"""Resolver threads beside lanes, a ledger and a queue, with a clock of ours."""

import queue
from typing import Any

import msgspec

from consumer.domain.errors import LookupUnavailable
from consumer.domain.ledger import SendingMark
from consumer.domain.notification import Email, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.pipeline.pipeline import Prepared
from consumer.telemetry.metrics import Metrics
from consumer.worker.doubts import Doubt
from consumer.worker.lanes import Lanes
from consumer.worker.resolver import Resolver
from consumer.worker.settling import Settling
from consumer.worker.ways import Ways
from consumer.worker.work import Landed, Sending, Work
from tests.support.clock import ManualClock
from tests.support.worker import CRITICAL, OK, OWNER, SOON, WARNING, result, until
from tests.support.worker_fakes import FakeTransport
from tests.support.worker_ledger import MemoryLedger

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
        self.ways = Ways(
            {"mailgun": self.transport}, clock=self.clock, failures=5, probe_seconds=1.0
        )
        self.resolver = Resolver(
            count=2,
            lanes=self.lanes,
            ledger=self.ledger,
            lookups={"mailgun": self.lookup} if key else {},
            settling=Settling(self.ledger, OWNER, self.clock),
            ways=self.ways,
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


def changed_send(of: Work, **changes: Any) -> Prepared:
    """The event's only send, changed."""
    (send,) = of.prepared.sends
    return msgspec.structs.replace(of.prepared, sends=(msgspec.structs.replace(send, **changes),))


def away(_: Email) -> None:
    """An answer of a provider that cannot say."""
    raise LookupUnavailable("Mailgun answers 500")
