"""The intake: events reach their lanes in order, or wait in order."""

from collections.abc import Iterator

import msgspec
import pytest

from consumer.domain.errors import CatalogUnavailable, LedgerUnavailable
from consumer.domain.record import Record, Undelivered
from consumer.telemetry.metrics import Metrics
from consumer.wire import redriven_headers
from consumer.worker.atoms import Atoms
from consumer.worker.dead_letter_limit import DeadLetterLimit
from consumer.worker.intake import Intake
from consumer.worker.lanes import Lanes
from consumer.worker.offsets import Offsets
from consumer.worker.outbox import Outbox
from consumer.worker.tracker import Tracker
from tests.support.clock import ManualClock
from tests.support.worker import CRITICAL, FIRST, OK, OWNER, SECOND, SOON, event, record, until
from tests.support.worker_fakes import FakePipeline, FakeSink, one_way
from tests.support.worker_ledger import MemoryLedger


class Rig:
    """An intake before lanes that nobody empties, unless a test does."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.ledger = MemoryLedger()
        self.ledger.owners[OWNER] = float("inf")
        self.pipeline = FakePipeline(self.ledger, self.clock)
        self.offsets = Offsets()
        self.atoms = Atoms()
        self.sink = FakeSink()
        self.tracker = Tracker(
            owner=OWNER,
            worker="worker-1",
            ledger=self.ledger,
            outbox=Outbox(self.sink, "tracked", "dead"),
            ways=one_way(self.clock),
            clock=self.clock,
            metrics=Metrics(),
            limit=DeadLetterLimit(1000, self.clock),
            on_result=lambda _landed, _now: None,
        )
        self.lanes = Lanes(self.clock, self.tracker.put)
        self.intake = Intake(
            worker="worker-1",
            pipeline=self.pipeline,  # type: ignore[arg-type]  # has what the intake calls
            atoms=self.atoms,
            lanes=self.lanes,
            offsets=self.offsets,
            tracker=self.tracker,
            clock=self.clock,
        )

    def take(self, *records: Record, after: float = 0.0) -> None:
        self.clock.advance(after)
        self.intake.take(records)

    def hold_elsewhere(self, *ids: str) -> None:
        self.ledger.take("two", *(event("e", alarm).atom for alarm in ids))

    def lane(self, alarm: str = "a") -> list[str]:
        lane = self.lanes._lanes.get(event("e", alarm).atom, ())
        return [work.event.id for work in lane]

    def surrender_head(self, alarm: str = "a") -> None:
        """The ledger refuses the lane's first send."""
        (sending,) = self.lanes.take(0)
        assert sending.work.event.alarm_id == alarm
        self.lanes.landed()
        self.lanes.sends_ended([(sending.work, True)])
        self.lanes.surrender(sending.work)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    made.tracker.start(made.lanes)
    yield made
    made.tracker.stop(SOON)


def one(offset: int, id_: str, alarm: str = "a", partition: int = 0, **changes: object) -> Record:
    times = {"timestamp": 1_392_138_733_000 + offset}
    return record(offset, event(id_, alarm, **(times | changes)), partition=partition)


# -- into the lanes --------------------------------------------------------------------------


def test_events_enter_their_lanes_in_the_order_they_were_read(rig: Rig) -> None:
    rig.take(one(1, "e1"), one(2, "e2", state=OK), one(3, "f1", "b"))
    assert (rig.lane("a"), rig.lane("b")) == (["e1", "e2"], ["f1"])
    assert rig.offsets.open == 3


def test_a_record_without_events_is_done_at_once(rig: Rig) -> None:
    rig.take(record(1))
    assert rig.offsets.committable() == {FIRST: 2}


def test_a_record_of_two_events_is_open_until_both_have_ended(rig: Rig) -> None:
    rig.take(record(1, event("e1", "a"), event("f1", "b")))
    assert (rig.lanes.events, rig.offsets.open) == (2, 1)


def test_an_event_goes_with_the_word_of_whom_it_could_not_be_told(rig: Rig) -> None:
    """Also after its lock was lost, and of no other event of its record."""
    gone = Undelivered("", "", "ntGone", "e1")
    read = record(1, event("e1", "a"), event("f1", "b"))
    headers = redriven_headers(read, 5, [gone])
    rig.take(msgspec.structs.replace(read, headers=headers))
    assert rig.pipeline.undelivered == {"e1": [gone], "f1": []}
    rig.pipeline.undelivered.clear()
    rig.surrender_head()
    rig.take()
    assert rig.pipeline.undelivered == {"e1": [gone]}


def test_a_record_that_cannot_be_read_goes_to_the_tracker_and_stops_nobody(rig: Rig) -> None:
    rig.take(record(1, value=b"{"), one(2, "e1"))
    until(lambda: rig.sink.dead, "the dead letter is written")
    assert rig.lane() == ["e1"]
    until(lambda: rig.offsets.committable() == {FIRST: 2}, "its offset is done")


def test_large_polls_are_prepared_in_batches(rig: Rig) -> None:
    rig.take(*(one(n, f"e{n}", f"a{n}") for n in range(240)))
    assert [len(batch) for batch in rig.pipeline.batches] == [100, 100, 40]


def test_the_partition_that_brought_least_comes_first(rig: Rig) -> None:
    """One alarm does not wait until a storm beside it is prepared; each keeps its order."""
    rig.take(*(one(n, f"e{n:03}", f"a{n}") for n in range(120)), one(7, "quiet", "q", partition=1))
    first, second = rig.pipeline.batches
    assert first == ["quiet", *(f"e{n:03}" for n in range(99))]
    assert second == [f"e{n:03}" for n in range(99, 120)]


def test_what_this_process_has_on_its_way_is_a_duplicate_of_itself(rig: Rig) -> None:
    rig.take(one(1, "e1"))
    rig.take(one(2, "e1"))
    lane = rig.lanes._lanes[event("e").atom]
    assert [len(work.prepared.sends) for work in lane] == [1, 0]


# -- waiting -----------------------------------------------------------------------------------


def test_what_another_consumer_holds_waits_and_everything_behind_it(rig: Rig) -> None:
    rig.hold_elsewhere("a")
    rig.take(one(1, "e1"), one(2, "f1", "b"))
    rig.take(one(3, "e2", state=OK))
    assert (rig.lane("a"), rig.lane("b"), rig.intake.parked) == ([], ["f1"], 2)
    rig.ledger.release("two", [event("e").atom])
    rig.take(after=0.5)
    assert (rig.lane("a"), rig.intake.parked) == (["e1", "e2"], 0)


def test_nothing_is_tried_again_before_its_time(rig: Rig) -> None:
    rig.hold_elsewhere("a")
    rig.take(one(1, "e1"))
    rig.take(after=0.4)
    assert rig.pipeline.batches == [["e1"]]
    rig.take(after=0.1)
    assert rig.pipeline.batches == [["e1"], ["e1"]]


def test_a_later_event_does_not_overtake_one_that_waits_for_its_lookup(rig: Rig) -> None:
    rig.pipeline.unknown = {"e1"}
    rig.take(one(1, "e1"), one(2, "e2", state=OK))
    rig.take(one(3, "e3"))
    assert (rig.lane(), rig.intake.parked) == ([], 3)
    rig.pipeline.unknown = set()
    rig.take(after=0.5)
    assert rig.lane() == ["e1", "e2", "e3"]


def test_new_events_that_wait_do_not_put_off_those_that_waited_before(rig: Rig) -> None:
    """A steady flow of unknown alarms: the first one's patience has to be looked at."""
    rig.pipeline.unknown = {f"e{n}" for n in range(10)}
    for n in range(10):
        rig.take(one(n, f"e{n}", f"a{n}"), after=0.3)
    tries = sum(batch.count("e0") for batch in rig.pipeline.batches)
    assert tries >= 4


@pytest.mark.parametrize("away", ["ledger", "catalog"])
def test_while_a_dependency_is_away_everything_waits_in_order(rig: Rig, away: str) -> None:
    rig.ledger.away, rig.pipeline.catalog_away = away == "ledger", away == "catalog"
    rig.take(one(1, "e1"), one(2, "f1", "b"))
    rig.take(one(3, "e2", state=OK))
    expected = LedgerUnavailable if away == "ledger" else CatalogUnavailable
    assert isinstance(rig.intake.waits_for, expected)
    assert (rig.intake.parked, rig.lanes.events) == (3, 0)
    rig.ledger.away = rig.pipeline.catalog_away = False
    rig.take(after=0.5)
    assert rig.intake.waits_for is None
    assert (rig.lane("a"), rig.lane("b")) == (["e1", "e2"], ["f1"])


def test_an_outage_in_a_later_batch_keeps_the_order_of_the_rest(rig: Rig) -> None:
    calls: list[int] = []

    def before(call: str) -> None:
        calls.append(1)
        rig.ledger.away = len(calls) == 2

    rig.ledger.before = before
    rig.take(*(one(n, f"e{n:04}", state=(OK, CRITICAL)[n % 2]) for n in range(1500)))
    assert (rig.lanes.events, rig.intake.parked) == (100, 1400)
    rig.take(after=0.5)
    assert rig.lane() == [f"e{n:04}" for n in range(1500)]


# -- given back --------------------------------------------------------------------------------


def test_events_given_back_are_locked_anew_in_order(rig: Rig) -> None:
    rig.take(one(1, "e1"), one(2, "e2", state=OK))
    rig.hold_elsewhere("a")
    rig.surrender_head()
    rig.take()
    assert rig.intake.parked == 2
    rig.ledger.release("two", [event("e").atom])
    rig.take(after=0.5)
    assert rig.lane() == ["e1", "e2"]
    (head, *_) = rig.lanes._lanes[event("e").atom]
    assert head.prepared.locked.fence == 3


def test_events_given_back_stand_before_what_was_parked_meanwhile(rig: Rig) -> None:
    """Behind it they would be older than the alarm's last event: stale, and never sent."""
    rig.take(one(1, "e1"))
    rig.ledger.away = True
    rig.take(one(2, "e2", state=OK))
    rig.surrender_head()
    rig.ledger.away = False
    rig.take()
    assert rig.lane() == ["e1", "e2"]


# -- partitions that go ------------------------------------------------------------------------


def test_dropping_forgets_what_is_parked_and_what_waits_in_lanes(rig: Rig) -> None:
    rig.hold_elsewhere("a")
    rig.take(one(1, "e1"), one(2, "f1", "b"), one(1, "g1", "c", partition=1))
    rig.intake.drop([FIRST])
    assert (rig.intake.parked, rig.lane("b"), rig.lane("c")) == (0, [], ["g1"])


def test_an_event_dropped_and_read_again_is_sent_and_no_duplicate(rig: Rig) -> None:
    """The partition comes back at once, before the atom was given back to the ledger."""
    rig.take(one(1, "e1"))
    rig.intake.drop([FIRST])
    rig.take(one(1, "e1"))
    (head,) = rig.lanes._lanes[event("e").atom]
    assert len(head.prepared.sends) == 1


def test_behind_a_send_under_way_too(rig: Rig) -> None:
    rig.take(one(1, "e1"), one(2, "e2", state=OK))
    assert rig.lanes.take(0)
    rig.intake.drop([FIRST])
    rig.take(one(1, "e1"), one(2, "e2", state=OK))
    lane = rig.lanes._lanes[event("e").atom]
    assert [(w.event.id, len(w.prepared.sends)) for w in lane] == [("e1", 1), ("e1", 0), ("e2", 1)]


def test_the_duplicate_of_a_dropped_event_is_sent_in_its_place(rig: Rig) -> None:
    """Read from two mirrored topics. Closed as a duplicate, the event would be lost."""
    rig.take(one(1, "e1"), one(1, "e1", partition=1))
    rig.intake.drop([FIRST])
    rig.take()
    (left,) = rig.lanes._lanes[event("e").atom]
    assert (left.partition, len(left.prepared.sends)) == (SECOND, 1)


@pytest.mark.parametrize("why", ["unknown", "catalog away"])
def test_atoms_of_events_that_never_reached_a_lane_are_given_back_as_well(
    rig: Rig, why: str
) -> None:
    """Or the partition's next owner would be held back for as long as we live."""
    rig.pipeline.unknown, rig.pipeline.catalog_away = {"e1"}, why == "catalog away"
    rig.take(one(1, "e1"))
    assert rig.ledger.held_by(OWNER) == {event("e").atom}
    rig.intake.drop([FIRST])
    assert rig.atoms.idle(0, rig.clock.monotonic(), set()) == [event("e").atom]


def test_an_outage_is_over_when_nothing_waits_for_its_end(rig: Rig) -> None:
    """Partitions stay paused while it lasts: with nothing left to try, for ever."""
    rig.ledger.away = True
    rig.take(one(1, "e1"))
    rig.intake.drop([FIRST])
    assert rig.intake.waits_for is None
