"""The poll loop: turns, pauses, commits, partitions that come and go."""

import threading
from collections.abc import Iterator

import pytest

from consumer.domain.reasons import Kind
from consumer.domain.record import Record
from consumer.telemetry.metrics import Metrics
from consumer.worker.atoms import Atoms
from consumer.worker.backpressure import Limits
from consumer.worker.intake import Intake
from consumer.worker.lanes import Lanes
from consumer.worker.lease import Lease
from consumer.worker.loop import LoopTimes, PollLoop
from consumer.worker.offsets import Offsets
from consumer.worker.outbox import Outbox
from consumer.worker.senders import Senders
from consumer.worker.tracker import Tracker
from tests.support.clock import ManualClock
from tests.support.worker import (
    CRITICAL,
    FIRST,
    OK,
    OWNER,
    SECOND,
    SOON,
    WARNING,
    FakePipeline,
    FakeSink,
    FakeSource,
    FakeTransport,
    MemoryLedger,
    event,
    record,
    result,
    until,
)

TIMES = LoopTimes(reconnect=0.001, drain=0.005)


class Ticking(ManualClock):
    """Moves a little each time somebody looks, so that limits are reached."""

    step = 0.0

    def monotonic(self) -> float:
        self.advance(self.step)
        return super().monotonic()


class Rig:
    """A whole worker: real threads, and all around it stand-ins. A test turns the loop."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.clock = Ticking()
        self.ledger = MemoryLedger()
        self.pipeline = FakePipeline(self.ledger, self.clock)
        self.transport = FakeTransport()
        self.sink = FakeSink()
        self.source = FakeSource()
        self.offsets, self.atoms = Offsets(), Atoms()
        self.kafka: list[tuple[bool, str]] = []
        self.metrics = Metrics()
        self.tracker = Tracker(
            owner=OWNER,
            worker="worker-1",
            ledger=self.ledger,
            outbox=Outbox(self.sink, "tracked", "dead"),
            clock=self.clock,
            metrics=self.metrics,
            on_result=lambda _landed, _now: None,
        )
        self.lanes = Lanes(self.clock, self.tracker.put)
        self.lease = Lease(self.ledger, OWNER, self.clock, 1e9, lambda _ok, _why: None)
        self.lease._beat()
        self.senders = Senders(
            count=2,
            owner=OWNER,
            lanes=self.lanes,
            lease=self.lease,
            ledger=self.ledger,
            transports={"mailgun": self.transport},
            clock=self.clock,
            metrics=self.metrics,
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
            on_kafka=lambda ok, why: self.kafka.append((ok, why)),
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


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.worker.tracker._TRY_AGAIN", 0.005)
    monkeypatch.setattr("consumer.worker.senders._PATIENCE", 0.005)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def idle_rig() -> Rig:
    """Nobody sends and nobody tracks: what comes in stays."""
    return Rig(Limits(max_events=10))


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


# -- turns -------------------------------------------------------------------------------------


def test_records_become_emails_tracking_records_and_a_commit(rig: Rig) -> None:
    rig.turn(one(1, "e1"), one(2, "e2", state=OK), one(3, "f1", "b"))
    rig.done()
    rig.turn(after=1)
    assert sorted(rig.transport.sent) == ["e1/0", "e2/0", "f1/0"]
    assert rig.source.committed == {FIRST: 4}
    assert rig.loop.turned_at == rig.clock.monotonic()


def test_commits_are_made_now_and_then_and_only_when_there_is_news(rig: Rig) -> None:
    rig.turn(one(1, "e1"), after=1)
    rig.done()
    rig.turn(after=0.9)
    rig.turn(after=0.2)
    commits = rig.source.commits
    rig.turn(after=5)
    assert rig.source.committed == {FIRST: 2}
    assert rig.source.commits == commits


def test_a_commit_that_a_rebalance_overtook_is_made_again(rig: Rig) -> None:
    rig.turn(one(1, "e1"))
    rig.done()
    rig.source.rebalancing = True
    rig.turn(after=1)
    rig.source.rebalancing = False
    rig.turn(after=1)
    assert rig.source.committed == {FIRST: 2}


def test_atoms_are_given_back_a_while_after_their_last_event(rig: Rig) -> None:
    rig.turn(one(1, "e1"), after=1)
    rig.done()
    rig.turn(after=0.5)
    assert rig.ledger.held_by(OWNER) == {event("e").atom}
    rig.turn(after=1.5)
    assert rig.ledger.held_by(OWNER) == set()
    assert len(rig.atoms) == 0


def test_an_atom_that_could_not_be_given_back_is_given_back_later(rig: Rig) -> None:
    rig.turn(one(1, "e1"), after=1)
    rig.done()
    rig.ledger.away = True
    rig.turn(after=2)
    rig.ledger.away = False
    rig.turn(after=2)
    assert rig.ledger.held_by(OWNER) == set()


def test_run_turns_until_asked_to_stop_and_outlives_outages(rig: Rig) -> None:
    stop = threading.Event()
    rig.source.away = True
    thread = threading.Thread(target=rig.loop.run, args=(rig.source, stop))
    thread.start()
    until(lambda: (False, "Kafka is away") in rig.kafka, "the outage is reported")
    rig.source.away = False
    until(lambda: rig.kafka[-1] == (True, ""), "the return is reported")
    stop.set()
    thread.join(SOON)
    assert not thread.is_alive()


# -- pausing -----------------------------------------------------------------------------------


def test_partitions_are_paused_when_enough_waits_and_resumed_at_half(idle_rig: Rig) -> None:
    idle_rig.turn(*(one(n, f"e{n}", f"a{n}") for n in range(10)))
    assert idle_rig.source.paused
    assert (idle_rig.gauge("paused"), idle_rig.gauge("events_waiting")) == (1, 10)
    for _ in range(5):
        sending = idle_rig.lanes.take(0)
        assert sending is not None
        idle_rig.lanes.landed()
        idle_rig.lanes.send_ended(sending.work)
        idle_rig.lanes.finish(sending.work)
        sending.work.ticket.done()
    idle_rig.turn()
    assert not idle_rig.source.paused


def test_parked_events_count_too(idle_rig: Rig) -> None:
    idle_rig.pipeline.unknown = {f"e{n}" for n in range(10)}
    idle_rig.turn(*(one(n, f"e{n}", f"a{n}") for n in range(10)))
    assert idle_rig.source.paused


def test_records_that_cannot_be_read_count_until_their_dead_letter_is_written(
    idle_rig: Rig,
) -> None:
    """They are in no lane; while Kafka takes no dead letters they would fill the memory."""
    idle_rig.turn(*(record(n, value=b"{") for n in range(10)))
    assert idle_rig.source.paused
    idle_rig.tracker.start(idle_rig.lanes)
    until(lambda: idle_rig.offsets.open == 0, "the dead letters are written")
    idle_rig.turn()
    assert not idle_rig.source.paused
    assert idle_rig.tracker.stop(SOON)


def test_while_the_ledger_is_away_partitions_are_paused(rig: Rig) -> None:
    rig.ledger.away = True
    rig.turn(one(1, "e1"))
    assert rig.source.paused
    rig.ledger.away = False
    rig.turn(after=0.5)
    assert not rig.source.paused
    rig.done()
    assert rig.transport.sent == ["e1/0"]


def test_partitions_are_resumed_when_all_that_waited_for_the_ledger_went_away(rig: Rig) -> None:
    rig.ledger.away = True
    rig.turn(one(1, "e1"))
    rig.revoke(FIRST)
    rig.ledger.away = False
    rig.turn(after=1)
    assert not rig.source.paused


# -- partitions come and go --------------------------------------------------------------------


def test_a_revoked_partition_is_committed_up_to_what_is_done_and_its_atoms_are_free(
    rig: Rig,
) -> None:
    rig.turn(one(1, "e1"), one(2, "f1", "b", partition=1))
    rig.done()
    rig.revoke(FIRST)
    assert rig.source.committed[FIRST] == 2
    rig.turn()
    assert rig.ledger.held_by(OWNER) == set()


def test_a_revoked_partition_waits_for_what_is_under_way_but_not_for_what_is_deferred(
    rig: Rig,
) -> None:
    held = Held(Kind.DEFERRED)
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"))
    assert held.entered.wait(SOON)
    rig.loop.revoking([FIRST])
    assert not rig.loop.quiet([FIRST])
    held.go.set()
    until(lambda: rig.loop.quiet([FIRST]), "the deferred send is dropped")
    assert rig.loop.revoked([FIRST]) == {}
    assert rig.source.committed == {FIRST: 1}
    assert rig.lanes.events == 0


def test_what_outlives_the_revocation_is_dropped_when_it_comes_back_to_wait(rig: Rig) -> None:
    """Else the atom stays ours, and its partition's next owner waits for our next attempt."""
    held = Held(Kind.DEFERRED)
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"))
    assert held.entered.wait(SOON)
    rig.revoke(FIRST)
    held.go.set()
    until(lambda: rig.lanes._delayed, "it waits for its next attempt")
    rig.turn()
    rig.turn(after=2)
    assert (rig.lanes.events, rig.ledger.held_by(OWNER)) == (0, set())


def test_a_lost_partition_is_forgotten_without_a_commit(rig: Rig) -> None:
    rig.turn(one(1, "e1"))
    rig.done()
    rig.loop.lost([FIRST])
    rig.turn(after=1)
    assert rig.source.committed == {FIRST: 1}, "the turn that read it, before it was done"
    assert rig.ledger.held_by(OWNER) == set()


def test_results_of_an_old_assignment_do_not_move_the_new_one(rig: Rig) -> None:
    held = Held()
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"))
    assert held.entered.wait(SOON)
    rig.revoke(FIRST)
    rig.loop.assigned([FIRST])
    rig.turn(one(1, "e1"), after=1)
    assert rig.source.committed[FIRST] == 1, "nothing of it is done"
    held.go.set()
    rig.done()
    rig.turn(after=1)
    assert rig.source.committed == {FIRST: 2}
    assert rig.transport.sent == ["e1/0"]
    kinds = [tracked.kind for tracked in rig.sink.tracked]
    assert sorted(kinds) == [Kind.ACCEPTED, Kind.DUPLICATE]


def test_an_event_that_went_and_came_back_is_sent_once_and_not_lost(rig: Rig) -> None:
    """e1 is under way, e2 waits behind it; the partition goes and comes back to us."""
    held = Held()
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"), one(2, "e2", state=OK))
    assert held.entered.wait(SOON)
    rig.revoke(FIRST)
    rig.loop.assigned([FIRST])
    rig.turn(one(1, "e1"), one(2, "e2", state=OK))
    held.go.set()
    rig.done()
    assert rig.transport.sent == ["e1/0", "e2/0"]


def test_an_event_read_from_two_partitions_survives_the_loss_of_the_first(rig: Rig) -> None:
    held = Held()
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e0", partition=1), one(1, "e1", state=OK), one(2, "e1", state=OK, partition=1))
    assert held.entered.wait(SOON)
    rig.revoke(FIRST)
    held.go.set()
    until(lambda: rig.lanes.idle(event("e").atom), "what is left of the lane has ended")
    rig.turn()
    rig.done()
    assert rig.transport.sent == ["e0/0", "e1/0"]
    rig.turn(after=1)
    assert rig.source.committed[SECOND] == 3


# -- stopping ----------------------------------------------------------------------------------


def test_draining_finishes_what_is_under_way_drops_the_rest_and_commits(rig: Rig) -> None:
    held = Held()
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"), one(2, "e2", state=OK))
    assert held.entered.wait(SOON)
    rig.clock.step = 1e-9
    drained: list[bool] = []
    thread = threading.Thread(
        target=lambda: drained.append(rig.loop.drain(rig.source, 10)), daemon=True
    )
    thread.start()
    until(lambda: rig.lanes.events == 1, "what waits is dropped")
    held.go.set()
    thread.join(SOON)
    assert drained == [True]
    assert rig.transport.sent == ["e1/0"]
    assert rig.source.committed == {FIRST: 2}


def test_draining_does_not_wait_for_a_send_that_was_deferred_meanwhile(rig: Rig) -> None:
    held = Held(Kind.DEFERRED)
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"))
    assert held.entered.wait(SOON)
    held.go.set()
    assert rig.loop.drain(rig.source, 10)
    assert rig.source.committed == {FIRST: 1}


def test_draining_gives_up_at_its_limit(rig: Rig) -> None:
    held = Held()
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"))
    assert held.entered.wait(SOON)
    rig.clock.step = 1.0
    assert not rig.loop.drain(rig.source, 3)
    rig.clock.step = 0.0
    held.go.set()


def test_draining_without_kafka_still_ends(rig: Rig) -> None:
    rig.turn(one(1, "e1"))
    rig.done()
    rig.source.away = True
    assert rig.loop.drain(rig.source, 10)
    assert rig.kafka == [(False, "Kafka is away")]
