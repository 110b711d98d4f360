"""A replay's records are handed out a few at a time, and it ends when all of them are done."""

from collections.abc import Mapping, Sequence
from threading import Event

from consumer.domain.errors import LedgerUnavailable
from consumer.domain.record import Record
from consumer.experiments.replay_source import Partition, ReplaySource
from tests.support.clock import ManualClock

TOPIC = "alarm-events"
FIRST = (TOPIC, 0)


class Reader:
    """Hands out what it is given, in one go."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = list(records)
        self.done = not self._records

    def poll(self, seconds: float, limit: int) -> Sequence[Record]:
        found, self._records = self._records[:limit], self._records[limit:]
        self.done = not self._records
        return found


class Selector:
    """Each record with an odd offset goes. `away`: so many times the ledger does not answer."""

    def __init__(self, away: int = 0) -> None:
        self.away = away

    def look(self, records: Sequence[Record]) -> Sequence[int]:
        if self.away:
            self.away -= 1
            raise LedgerUnavailable("away")
        return [record.offset % 2 for record in records]


class Rig:
    def __init__(self, number: int, at_once: int = 2, away: int = 0, end: int = 0) -> None:
        self.stop = Event()
        self.clock = ManualClock()
        self.committed: list[Mapping[Partition, int]] = []
        self.ledger: list[bool] = []
        records = [Record(TOPIC, 0, offset, None, b"{}") for offset in range(number)]
        self.source = ReplaySource(
            Reader(records),
            Selector(away),  # type: ignore[arg-type]  # only `look` is asked
            ends={FIRST: end or number},
            commit=self.committed.append,
            stop=self.stop,
            clock=self.clock,
            at_once=at_once,
            on_ledger=lambda ok, _why: self.ledger.append(ok),
        )

    def poll(self) -> list[int]:
        return [record.offset for record in self.source.poll(0.1)]


def test_no_more_events_that_go_are_handed_out_than_are_sent_in_a_moment() -> None:
    """Those that do not go cost nothing, and are done at once."""
    rig = Rig(7)
    assert [rig.poll(), rig.poll(), rig.poll()] == [[0, 1, 2, 3, 4], [5, 6], []]


def test_it_ends_when_all_that_was_handed_out_is_done_and_commits_to_the_end() -> None:
    """The end may lie behind the last record: markers are records too."""
    rig = Rig(3, end=5)
    rig.poll()
    rig.source.commit({FIRST: 2})
    assert rig.poll() == []
    assert not rig.stop.is_set()
    rig.source.commit({FIRST: 3})
    rig.poll()
    assert rig.stop.is_set()
    assert rig.source.finished
    assert rig.committed == [{FIRST: 2}, {FIRST: 3}, {FIRST: 5}]


def test_when_all_is_read_the_rest_is_waited_for_without_asking_in_a_hurry() -> None:
    """What was handed out may take minutes; a reader that is done does not wait by itself."""
    rig = Rig(3)
    rig.poll()
    before = rig.clock.monotonic()
    assert rig.poll() == []
    assert rig.clock.monotonic() == before + 0.1
    assert not rig.stop.is_set()


def test_where_there_is_nothing_to_read_it_ends_at_once() -> None:
    rig = Rig(0)
    assert rig.poll() == []
    assert rig.source.finished


def test_a_ledger_that_is_away_is_waited_for_with_the_records_in_hand() -> None:
    rig = Rig(3, away=2)
    assert [rig.poll(), rig.poll(), rig.poll()] == [[], [], [0, 1, 2]]
    assert rig.ledger == [False, False, True]
    assert not rig.source.finished


def test_while_too_much_waits_nothing_is_handed_out_and_nothing_ends() -> None:
    rig = Rig(3)
    rig.source.hold(frozenset({FIRST}))
    assert rig.poll() == []
    rig.source.hold(None)
    assert rig.poll() == []
    assert not rig.stop.is_set()
    rig.source.hold(frozenset())
    assert rig.poll() == [0, 1, 2]
