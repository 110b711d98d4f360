"""The intake gives recoveries to the alarms of their problems, before anything else is decided."""

from collections.abc import Collection, Iterator, Mapping

import pytest

from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import LedgerUnavailable
from consumer.domain.record import Record
from consumer.domain.recovery import recovers, remembered
from tests.support.worker import OK, OWNER, SECOND, SOON
from tests.unit.worker.test_intake import Rig, one

MARKED = remembered()


class Memory:
    """Remembers as the ledger does; `away`: it does not answer."""

    def __init__(self) -> None:
        self.known: dict[str, AlarmEvent] = {}
        self.away = False

    def __call__(
        self, told: Collection[AlarmEvent], wanted: Collection[str]
    ) -> Mapping[str, AlarmEvent]:
        if self.away:
            raise LedgerUnavailable("the ledger is away")
        self.known = {event.id: event for event in told} | self.known
        return {id_: self.known[id_] for id_ in wanted if id_ in self.known}


class RecallRig(Rig):
    """With a memory that a test can look into."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory()
        self.intake._remember = self.memory


@pytest.fixture
def rig() -> Iterator[RecallRig]:
    made = RecallRig()
    made.tracker.start(made.lanes)
    yield made
    made.tracker.stop(SOON)


def problem(offset: int, id_: str = "p", alarm: str = "a", partition: int = 0) -> Record:
    return one(offset, id_, alarm, partition, attributes=MARKED)


def recovery(offset: int, of: str = "p", partition: int = 0) -> Record:
    told = {"attributes": recovers(of), "state": OK, "tenant_id": "nobody"}
    return one(offset, f"r-{of}", f"of {of}", partition, **told)


def test_a_recovery_enters_the_lane_of_its_problem(rig: RecallRig) -> None:
    rig.take(problem(1), recovery(2))
    assert rig.lane("a") == ["p", "r-p"]


def test_it_does_so_whichever_partition_was_read_first(rig: RecallRig) -> None:
    rig.take(recovery(5, partition=1), problem(1), one(2, "b1", "b"))
    assert rig.lane("a") == ["p", "r-p"]


def test_a_recovery_waits_for_its_problem_and_holds_up_nobody(rig: RecallRig) -> None:
    rig.pipeline.unknown = {"r-p"}
    rig.take(recovery(5, partition=1), one(6, "b1", "b", partition=1))
    assert (rig.lane("b"), rig.intake.parked) == (["b1"], 1)
    rig.take(problem(1))
    rig.pipeline.unknown = set()
    rig.take(after=1.0)
    assert (rig.lane("a"), rig.intake.parked) == (["p", "r-p"], 0)
    assert rig.offsets.committable()[SECOND] == 5, "its record is open until it has ended"


def test_a_recovery_goes_behind_what_waits_of_its_alarm(rig: RecallRig) -> None:
    rig.hold_elsewhere("a")
    rig.take(problem(1))
    rig.take(recovery(2))
    assert rig.lane("a") == []
    rig.ledger.take(OWNER, rig.memory.known["p"].atom)
    rig.take(after=1.0)
    assert rig.lane("a") == ["p", "r-p"]


def test_another_process_finds_what_this_one_read(rig: RecallRig) -> None:
    """After a rebalance, or a crash: the memory is all that both have."""
    rig.take(problem(1))
    rig.intake.drop()
    other = RecallRig()
    other.intake._remember = rig.memory
    other.take(recovery(2))
    assert other.lane("a") == ["r-p"]


def test_all_waits_in_order_while_the_memory_is_away(rig: RecallRig) -> None:
    rig.memory.away = True
    rig.take(problem(1), one(2, "b1", "b"), recovery(3))
    rig.take(one(4, "b2", "b"))
    assert isinstance(rig.intake.waits_for, LedgerUnavailable)
    assert (rig.intake.parked, rig.lanes.events) == (4, 0)
    rig.memory.away = False
    rig.take(after=1.0)
    assert (rig.lane("a"), rig.lane("b")) == (["p", "r-p"], ["b1", "b2"])
    assert rig.intake.waits_for is None
