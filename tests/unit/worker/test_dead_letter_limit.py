"""Too many dead letters in a minute stop the intake, with one clear line, until a restart."""

import threading
from collections.abc import Iterator

import pytest

from consumer.domain.record import Record
from consumer.worker.dead_letter_limit import DeadLetterLimit
from tests.support.clock import ManualClock
from tests.support.worker import FIRST, OK, record, until
from tests.unit.worker.loop_rig import Rig, impatient, one

PER_MINUTE = 3


class Told:
    """A limit with a clock of ours, and what it said."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self.clock = ManualClock()
        self.lines: list[str] = []
        self.limit = DeadLetterLimit(per_minute, self.clock, self.lines.append)

    def count(self, number: int, reason: str = "not_json", after: float = 0.0) -> None:
        self.clock.advance(after)
        for _ in range(number):
            self.limit.count(reason)


def test_as_many_as_allowed_are_no_reason_to_stop() -> None:
    told = Told()
    told.count(PER_MINUTE)
    assert (told.limit.tripped, told.lines) == (None, [])


def test_one_more_within_a_minute_is_said_once_and_for_good() -> None:
    told = Told()
    told.count(PER_MINUTE)
    told.count(1, after=59.9)
    assert told.lines == [told.limit.tripped]
    told.count(10, after=3600)
    assert told.lines == [told.limit.tripped]


def test_the_minute_slides() -> None:
    """Three a minute for an hour, never in step with the clock's minutes."""
    told = Told()
    for _ in range(60):
        told.count(1, after=20)
        told.count(2, after=40)
    assert told.limit.tripped is None
    told.count(2, after=59)
    assert told.limit.tripped is not None


def test_the_line_says_how_many_why_and_what_to_do() -> None:
    told = Told()
    told.count(1, "not_json")
    told.count(3, "not_in_catalog")
    (line,) = told.lines
    assert line.startswith("more than 3 dead letters within a minute, 3 of the last 3 with the")
    assert "`messenger dead-letters list --reason not_in_catalog`" in line
    assert "restart this process" in line
    assert "kafka.dead_letters_per_minute" in line
    assert "\n" not in line


def test_many_threads_trip_it_once() -> None:
    told = Told(per_minute=400)
    threads = [threading.Thread(target=told.count, args=(101,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told.lines) == 1


# -- in the poll loop ------------------------------------------------------------------------


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    impatient(monkeypatch)
    made = Rig(dead_letters=PER_MINUTE)
    made.start()
    yield made
    made.stop()


def broken(offset: int) -> Record:
    return record(offset, value=b"{")


def test_a_tripped_limit_pauses_and_keeps_what_comes_after_in_its_place(rig: Rig) -> None:
    """Sends in their lanes go on; of what was not begun the offset is not committed."""
    rig.turn(one(1, "e1"))
    rig.turn(broken(2), broken(3), broken(4), broken(5), one(6, "e2", state=OK))
    assert rig.source.paused
    until(lambda: len(rig.sink.dead) == 4, "what was read already is told")
    for _ in range(3):
        rig.turn(one(7, "e3"), after=1.0)
    until(lambda: rig.offsets.open == 1, "what was begun has ended")
    rig.turn(after=1.0)
    assert rig.transport.sent == ["e1/0"]
    assert rig.source.committed == {FIRST: 6}
    assert rig.source.paused


def test_alarms_that_the_catalog_does_not_know_count_too(rig: Rig) -> None:
    ids = [f"e{n}" for n in range(PER_MINUTE + 1)]
    rig.pipeline.dead = set(ids)
    rig.turn(*(one(n, id_, f"a{n}") for n, id_ in enumerate(ids)))
    assert rig.limit.tripped is not None
    rig.turn(one(10, "f1", "b"))
    assert rig.pipeline.batches == [ids]
