"""Letters put in order, opened, produced: and what is not worth it, left out."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from consumer.dead_letters import DeadLetters, Letter, Wanted
from consumer.domain.errors import BrokerUnavailable, LedgerUnavailable, MessengerError
from consumer.domain.ledger import EventRow
from consumer.domain.record import Record
from consumer.redriving import Redriving, Selection, select
from consumer.wire import REDRIVEN_HEADER
from tests.support.clock import ManualClock
from tests.support.factories import make_event
from tests.support.letters import letter_record
from tests.support.worker_fakes import FakeSink
from tests.support.worker_ledger import MemoryLedger
from tests.unit.test_dead_letters import decode

FIRST = make_event().timestamp


def letters(*records: Record) -> Iterator[Letter]:
    return iter(DeadLetters(records, Wanted()))


def end(ledger: MemoryLedger, *ids: str) -> None:
    event = make_event()
    for id_ in ids:
        ledger.events[id_] = EventRow(
            id=id_,
            atom=event.atom,
            outcome="expired",
            timestamp_ms=FIRST,
            state=event.state,
            closed_at=0,
        )


class Bench:
    """A ledger and a sink that note in one log what comes first."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.ledger = MemoryLedger()
        self.ledger.before = self.log.append
        self.sink = FakeSink(self.log)
        self.clock = ManualClock()
        self.done: list[int] = []

    def select(self, *records: Record) -> Selection:
        return select(letters(*records), ["alarm-events"], decode, self.ledger)

    def redrive(self, *records: Record, per_second: float | None = None) -> None:
        chosen = self.select(*records).chosen
        self.log.clear()
        redriving = Redriving(self.ledger, self.sink, self.clock, per_second)
        redriving.redrive(chosen, self.done.append)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def offsets(selection: Selection) -> Sequence[int]:
    return [each.letter.place[1] for each in selection.chosen]


# -- which -----------------------------------------------------------------------------------


def test_events_go_in_the_order_in_which_they_happened(bench: Bench) -> None:
    """However their letters lie: no event makes an earlier one of its alarm stale."""
    records = [
        letter_record(0, make_event(id="c", timestamp=FIRST + 2)),
        letter_record(1, make_event(id="a", timestamp=FIRST)),
        letter_record(2, make_event(id="b", timestamp=FIRST + 1)),
    ]
    assert offsets(bench.select(*records)) == [1, 2, 0]


def test_what_cannot_be_read_goes_by_the_time_of_its_record(bench: Bench) -> None:
    broken = letter_record(0, reason="not_json", value=b"{", timestamp=FIRST - 1)
    assert offsets(bench.select(letter_record(1), broken)) == [0, 1]


def test_a_record_with_several_letters_goes_once_by_the_last_of_them(bench: Bench) -> None:
    """It failed, was redriven, and failed again: else letters would double with each redrive."""
    event = make_event()
    records = [letter_record(n, event, headers=[(REDRIVEN_HEADER, b"5")]) for n in (1, 7, 3)]
    selection = bench.select(*records)
    assert offsets(selection) == [7]
    assert list(selection.left_out.values()) == [2]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"topic": "elsewhere"}, "do not consume"),
        ({"value": b""}, "too large to be kept"),
        ({"value": None}, "too large to be kept"),
    ],
)
def test_what_could_not_come_to_anything_is_left_out(
    bench: Bench, changes: dict[str, Any], why: str
) -> None:
    selection = bench.select(letter_record(1, **changes), letter_record(2))
    assert offsets(selection) == [2]
    ((said, number),) = selection.left_out.items()
    assert (why in said, number) == (True, 1)


def test_an_unknown_alarms_event_that_has_ended_since_is_left_out(bench: Bench) -> None:
    """It had not ended when its letter was written, so the end is a better one."""
    end(bench.ledger, "e1", "e2")
    records = [letter_record(1), letter_record(2, reason="too_old"), letter_record(3)]
    selection = bench.select(*records)
    assert offsets(selection) == [2, 3]
    assert list(selection.left_out.values()) == [1]


def test_more_than_fits_into_memory_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.redriving._MOST_BYTES", 100)
    with pytest.raises(MessengerError, match="--since and --until"):
        bench.select(letter_record(1))


# -- how -------------------------------------------------------------------------------------


def test_a_record_goes_to_its_topic_as_it_was_read(bench: Bench) -> None:
    record = letter_record(1, key=b"\x00key", headers=[("trace", b"1"), (REDRIVEN_HEADER, b"5")])
    bench.redrive(record)
    now = str(int(bench.clock.now() * 1000)).encode()
    headers = {"trace": b"1", REDRIVEN_HEADER: now}
    assert bench.sink.records == [("alarm-events", b"\x00key", record.value, headers)]
    assert bench.done == [1]


def test_events_are_opened_before_their_record_is_produced(bench: Bench) -> None:
    end(bench.ledger, "e1")
    bench.redrive(letter_record(1, reason="too_old"))
    assert bench.log == ["reopen", "produce alarm-events"]
    assert not bench.ledger.events


def test_what_had_not_ended_is_not_opened(bench: Bench) -> None:
    """Between the choice and now it may have been sent, by an earlier redrive."""
    chosen = bench.select(letter_record(1)).chosen
    end(bench.ledger, "e1")
    Redriving(bench.ledger, bench.sink, bench.clock).redrive(chosen)
    assert bench.ledger.events.keys() == {"e1"}


def test_many_go_in_batches(bench: Bench) -> None:
    bench.redrive(*(letter_record(n) for n in range(450)))
    assert bench.done == [200, 400, 450]
    assert len(bench.sink.records) == 450
    assert bench.clock.waits == []


def test_the_rate_is_kept(bench: Bench) -> None:
    began = bench.clock.now()
    bench.redrive(*(letter_record(n) for n in range(25)), per_second=10)
    assert bench.done == [10, 20, 25]
    assert bench.clock.now() - began == pytest.approx(2)


def test_what_kafka_did_not_take_is_said_and_the_rest_not_begun(bench: Bench) -> None:
    bench.sink.refuse = lambda _: OSError("the disk is full") if len(bench.done) else None
    with pytest.raises(BrokerUnavailable, match="did not take all records: the disk is full"):
        bench.redrive(*(letter_record(n) for n in range(450)))
    assert bench.done == [200]
    assert bench.log.count("reopen") == 2


def test_nothing_is_produced_while_the_ledger_is_away(bench: Bench) -> None:
    chosen = bench.select(letter_record(1, reason="too_old")).chosen
    bench.ledger.away = True
    with pytest.raises(LedgerUnavailable):
        Redriving(bench.ledger, bench.sink, bench.clock).redrive(chosen)
    assert bench.sink.records == []
