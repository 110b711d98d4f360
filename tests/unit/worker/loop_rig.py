"""A whole worker around its poll loop, of real threads and stand-ins."""

import threading
from collections.abc import Iterator

import pytest

from consumer.domain.reasons import Kind
from consumer.domain.record import Record
from consumer.telemetry.metrics import Metrics
from consumer.worker.atoms import Atoms
from consumer.worker.backpressure import Limits
from consumer.worker.calling import Caller
from consumer.worker.dead_letter_limit import DeadLetterLimit
from consumer.worker.intake import Intake
from consumer.worker.lanes import Lanes
from consumer.worker.lease import Lease
from consumer.worker.loop import LoopTimes, PollLoop
from consumer.worker.marking import Marking
from consumer.worker.offsets import Offsets
from consumer.worker.outbox import Outbox
from consumer.worker.senders import Senders
from consumer.worker.settling import Settling
from consumer.worker.tracker import Tracker
from tests.support.clock import ManualClock
from tests.support.worker import CRITICAL, OK, OWNER, SOON, WARNING, event, record, result, until
from tests.support.worker_fakes import (
    FakePipeline,
    FakeSink,
    FakeSource,
    FakeTransport,
    one_way,
)
from tests.support.worker_ledger import MemoryLedger

TIMES = LoopTimes(reconnect=0.001, drain=0.005)


class Ticking(ManualClock):
    """Moves a little each time somebody looks, so that limits are reached."""

    step = 0.0

    def monotonic(self) -> float:
        self.advance(self.step)
        return super().monotonic()


class Rig:
    """A whole worker: real threads, and all around it stand-ins. A test turns the loop."""

    def __init__(self, limits: Limits | None = None, dead_letters: int = 1000) -> None:
        self.clock = Ticking()
        self.limit = DeadLetterLimit(dead_letters, self.clock)
        self.ledger = MemoryLedger()
        self.pipeline = FakePipeline(self.ledger, self.clock)
        self.transport = FakeTransport()
        self.sink = FakeSink()
        self.source = FakeSource()
        self.offsets, self.atoms = Offsets(), Atoms()
        #: Why Kafka was away, each time that the loop told it.
        self.outages: list[str] = []
        self.metrics = Metrics()
        self.ways = one_way(self.clock, self.transport)
        self.tracker = Tracker(
            owner=OWNER,
            worker="worker-1",
            ledger=self.ledger,
            outbox=Outbox(self.sink, "tracked", "dead"),
            ways=self.ways,
            clock=self.clock,
            metrics=self.metrics,
            limit=self.limit,
            on_result=lambda _landed, _now: None,
        )
        self.lanes = Lanes(self.clock, self.tracker.put)
        self.lease = Lease(self.ledger, OWNER, self.clock, 1e9, lambda _ok, _why: None)
        self.lease._beat()
        self.senders = Senders(
            count=2,
            lanes=self.lanes,
            ways=self.ways,
            marking=Marking(self.ledger, OWNER, self.lease, self.clock),
            caller=Caller(self.ways, self.lease, self.clock, self.metrics, self.tracker.put),
            settling=Settling(self.ledger, OWNER, self.clock),
            clock=self.clock,
            max_age_seconds=dict.fromkeys((CRITICAL, OK, WARNING), 3600.0),
            to_tracker=self.tracker.put,
        )
        intake = Intake(
            worker="worker-1",
            pipeline=self.pipeline,  # type: ignore[arg-type]  # has what the intake calls
            atoms=self.atoms,
            lanes=self.lanes,
            offsets=self.offsets,
            tracker=self.tracker,
            clock=self.clock,
            limit=self.limit,
        )
        self.loop = PollLoop(
            owner=OWNER,
            intake=intake,
            lanes=self.lanes,
            atoms=self.atoms,
            offsets=self.offsets,
            ledger=self.ledger,
            clock=self.clock,
            metrics=self.metrics,
            limits=limits or Limits(),
            on_kafka_away=self.outages.append,
            times=TIMES,
        )

    def start(self) -> None:
        self.tracker.start(self.lanes)
        self.senders.start()

    def stop(self) -> None:
        self.lanes.close()
        self.senders.stop(SOON)
        self.tracker.stop(SOON)

    def turn(self, *records: Record, after: float = 0.0) -> None:
        self.clock.advance(after)
        if records:
            self.source.batches.append(list(records))
        self.loop.turn(self.source)

    def done(self) -> None:
        """All that is in the lanes has ended, and every offset is done."""
        assert self.lanes.wait_quiet(SOON)
        until(lambda: self.offsets.open == 0, "all offsets are done")

    def revoke(self, *partitions: tuple[str, int]) -> None:
        """As the listener does when nothing is under way, or the limit is over."""
        self.loop.revoking(partitions)
        self.source.commit(self.loop.revoked(partitions))

    def gauge(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"messenger_{name}")


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait long before trying again."""
    monkeypatch.setattr("consumer.worker.tracker._TRY_AGAIN", 0.005)
    monkeypatch.setattr("consumer.worker.senders._PATIENCE", 0.005)
    monkeypatch.setattr("consumer.worker.senders._IDLE", 0.005)
    monkeypatch.setattr("consumer.worker.settling._TRY_AGAIN", 0.005)


def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """Started, and stopped after the test."""
    impatient(monkeypatch)
    made = Rig()
    made.start()
    yield made
    made.stop()


def one(offset: int, id_: str, alarm: str = "a", partition: int = 0, **changes: object) -> Record:
    times = {"timestamp": 1_392_138_733_000 + offset}
    return record(offset, event(id_, alarm, **(times | changes)), partition=partition)


class Held:
    """A transport that answers when it is told to."""

    def __init__(self, kind: Kind = Kind.ACCEPTED) -> None:
        self.entered, self.go = threading.Event(), threading.Event()
        self.kind = kind

    def __call__(self, _: object) -> object:
        self.entered.set()
        assert self.go.wait(2 * SOON)
        return result(self.kind)
