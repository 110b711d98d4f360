"""A record that holds many events, one of which is broken."""

from collections.abc import Iterator, Sequence

import msgspec
import pytest

from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.domain.record import Record
from consumer.pipeline.receive import Received
from tests.support.worker import FIRST, SOON, event, record, until
from tests.support.worker_fakes import FakePipeline
from tests.unit.worker.test_intake import Rig


class PartlyBroken(FakePipeline):
    """Finds something broken beside the events of every record."""

    def receive(self, records: Sequence[Record]) -> list[Received]:
        broken = InvalidMessage(Reason.SCHEMA_MISMATCH, "alerts[1].status: missing")
        return [msgspec.structs.replace(each, invalid=broken) for each in super().receive(records)]


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    made.pipeline = PartlyBroken(made.ledger, made.clock)
    made.intake._pipeline = made.pipeline  # type: ignore[assignment]  # has what the intake calls
    made.tracker.start(made.lanes)
    yield made
    made.tracker.stop(SOON)


def test_its_good_events_go_on_and_the_record_is_a_dead_letter(rig: Rig) -> None:
    rig.take(record(1, event("e1", "a"), event("f1", "b")))
    assert (rig.lane("a"), rig.lane("b")) == (["e1"], ["f1"])
    until(lambda: rig.sink.dead, "the dead letter is written")


def test_it_is_done_when_the_letter_is_written_and_its_events_have_ended(rig: Rig) -> None:
    rig.take(record(1, event("e1", "a")))
    until(lambda: rig.sink.dead, "the dead letter is written")
    assert rig.intake.wait_told(SOON)
    assert rig.offsets.committable() != {FIRST: 2}
    assert rig.offsets.open == 1
