"""Letters put in order, opened, produced: and what is not worth it, left out."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from consumer.dead_letters import DeadLetters, Wanted
from consumer.domain.errors import BrokerUnavailable, LedgerUnavailable, MessengerError
from consumer.domain.ledger import Closing, EventRow
from consumer.domain.record import Record, Undelivered
from consumer.redriving import Candidate, Redriving, Selection, Why, select
from consumer.wire import (
    LETTER_HEADER,
    ORIGIN_HEADER,
    REDRIVEN_HEADER,
    UNDELIVERED_HEADER,
    redriven_headers,
)
from tests.support.clock import ManualClock
from tests.support.factories import make_event
from tests.support.letters import T0, letter_record, note_record
from tests.support.worker_fakes import FakeSink
from tests.support.worker_ledger import MemoryLedger
from tests.unit.test_dead_letters import decode

FIRST = make_event().timestamp


def end(ledger: MemoryLedger, *ids: str, outcome: str = "expired", at: float = 0) -> None:
    event = make_event()
    for id_ in ids:
        ledger.events[id_] = EventRow(
            id=id_,
            atom=event.atom,
            outcome=outcome,
            timestamp_ms=FIRST,
            state=event.state,
            closed_at=at,
        )


class Bench:
    """A ledger and a sink that note in one log what comes first."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.ledger = MemoryLedger()
        self.ledger.before = self.log.append
        self.sink = FakeSink(self.log)
        self.clock = ManualClock()
        #: Of each letter: whether it was sent.
        self.done: list[bool] = []

    def select(self, *records: Record, again: bool = False) -> Selection:
        letters = DeadLetters(records, Wanted())
        return select(letters, ["alarm-events"], decode, self.ledger, again=again)

    def redrive(self, *records: Record, per_second: float | None = None) -> None:
        self.redrive_chosen(self.select(*records).chosen, per_second)

    def redrive_chosen(self, chosen: Sequence[Candidate], per_second: float | None = None) -> None:
        self.log.clear()
        redriving = Redriving(self.ledger, self.sink, self.clock, "dead", per_second)
        redriving.redrive(chosen, lambda _, sent: self.done.append(sent))

    @property
    def sent(self) -> list[bytes | None]:
        return [value for topic, _, value, _ in self.sink.records if topic == "alarm-events"]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def offsets(selection: Selection) -> Sequence[int]:
    return [each.letter.place[1] for each in selection.chosen]


def left_out(selection: Selection) -> Counter[Why]:
    return Counter(each.why for each in selection.left_out)


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
    first = letter_record(1, event)
    records = [first]
    for n in (7, 3):
        read = Record("alarm-events", 3, 101, None, b"")
        headers = redriven_headers(read, T0 + n * 1000)
        records.append(letter_record(n, event, headers=headers))
    selection = bench.select(*records)
    assert offsets(selection) == [7]
    assert left_out(selection) == {Why.REPLACED: 2}
    assert [each.standing.replaced_by for each in selection.left_out] == [(0, 7)] * 2


def test_equal_records_that_nobody_can_read_are_each_sent(bench: Bench) -> None:
    broken = [letter_record(n, reason="not_json", value=b"{") for n in (1, 2)]
    bench.redrive(*broken)
    assert bench.sent == [b"{", b"{"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"topic": "elsewhere"}, Why.ELSEWHERE),
        ({"value": b""}, Why.EMPTY),
        ({"value": None}, Why.EMPTY),
    ],
)
def test_what_could_not_come_to_anything_is_left_out(
    bench: Bench, changes: dict[str, Any], why: Why
) -> None:
    selection = bench.select(letter_record(1, **changes), letter_record(2))
    assert offsets(selection) == [2]
    assert left_out(selection) == {why: 1}


def test_what_is_settled_or_under_way_is_left_out_unless_asked_for(bench: Bench) -> None:
    end(bench.ledger, "e1", outcome="accepted", at=T0)
    end(bench.ledger, "e2", outcome="stale", at=T0)
    end(bench.ledger, "e4", outcome="expired", at=T0 / 1000)
    records = [letter_record(n) for n in (1, 2, 3)]
    records += [letter_record(4, reason="too_old"), note_record(5, 3)]
    selection = bench.select(*records)
    assert offsets(selection) == [4]
    assert left_out(selection) == {Why.ALREADY_SENT: 1, Why.ENDED: 1, Why.ALREADY_REDRIVEN: 1}
    assert offsets(bench.select(*records, again=True)) == [1, 2, 3, 4]


def test_what_will_be_stale_is_known_beforehand(bench: Bench) -> None:
    """As the consumer decides: not the alarm's last event itself, and no test."""
    bench.ledger.take("w", make_event().atom)
    last = Closing(
        event_id="e2",
        atom=make_event().atom,
        outcome="accepted",
        timestamp_ms=FIRST + 10,
        state=make_event().state,
        advances=True,
    )
    bench.ledger.close_events([last], 0.0)
    bench.ledger.reopen(["e2"], 0.0)
    events = [
        make_event(id="e1"),
        make_event(id="e2"),
        make_event(id="e3", timestamp=FIRST + 10),
        make_event(id="e4", test=True),
        make_event(id="e5", alarm_id="another"),
    ]
    selection = bench.select(*(letter_record(n, event) for n, event in enumerate(events)))
    assert [each.letter.place[1] for each in selection.chosen if each.is_stale] == [0]
    assert not bench.select(letter_record(0, reason="not_json", value=b"{")).chosen[0].is_stale


def test_more_than_fits_into_memory_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.redriving._MOST_BYTES", 100)
    with pytest.raises(MessengerError, match="--since and --until"):
        bench.select(letter_record(1))


# -- how -------------------------------------------------------------------------------------


def test_a_record_goes_to_its_topic_as_it_was_read_and_a_note_is_left(bench: Bench) -> None:
    record = letter_record(1, key=b"\x00key", headers=[("trace", b"1"), (REDRIVEN_HEADER, b"5")])
    bench.redrive(record)
    now = str(int(bench.clock.now() * 1000)).encode()
    headers = {"trace": b"1", REDRIVEN_HEADER: now, ORIGIN_HEADER: b"alarm-events/3/101"}
    note = {LETTER_HEADER: b"0/1", REDRIVEN_HEADER: now}
    assert bench.sink.records == [
        ("alarm-events", b"\x00key", record.value, headers),
        ("dead", None, b"", note),
    ]
    assert bench.done == [True]


def test_a_record_goes_with_the_word_of_who_was_not_told(bench: Bench) -> None:
    """Once the alarm has moved on, nobody but its consumer can end them."""
    told = b'[{"uid":"","destination":"","target_id":"ntGone","event_id":"e1"}]'
    bench.redrive(letter_record(1, undelivered=[Undelivered("", "", "ntGone", "e1")]))
    topic, _, _, headers = bench.sink.records[0]
    assert (topic, headers[UNDELIVERED_HEADER]) == ("alarm-events", told)


def test_events_are_opened_before_their_record_is_produced_and_noted(bench: Bench) -> None:
    end(bench.ledger, "e1")
    bench.redrive(letter_record(1, reason="too_old"))
    assert bench.log == ["reopen", "produce alarm-events", "produce dead"]
    assert not bench.ledger.events


def test_the_same_command_twice_sends_nothing_twice(bench: Bench) -> None:
    """Before the event has ended again, by the note; after it, by the ledger."""
    letter = letter_record(1, reason="too_old")
    end(bench.ledger, "e1")
    bench.redrive(letter)
    _, _, _, headers = bench.sink.records[-1]
    note = Record("dead", 0, 2, None, b"", tuple(headers.items()))
    assert left_out(bench.select(letter, note)) == {Why.ALREADY_REDRIVEN: 1}
    end(bench.ledger, "e1", outcome="accepted", at=T0 / 1000 + 60)
    assert left_out(bench.select(letter, note)) == {Why.ALREADY_SENT: 1}


def test_what_another_command_opened_in_between_is_its_to_send(bench: Bench) -> None:
    end(bench.ledger, "e1", "e2")
    chosen = bench.select(*(letter_record(n, reason="too_old") for n in (1, 2))).chosen
    bench.ledger.reopen(["e1"], 0.0)
    bench.redrive_chosen(chosen)
    assert (bench.done, len(bench.sent)) == ([False, True], 1)


def test_a_command_that_died_between_opening_and_producing_is_finished(bench: Bench) -> None:
    end(bench.ledger, "e1")
    bench.ledger.reopen(["e1"], 0.0)
    bench.redrive(letter_record(1, reason="too_old"))
    assert (bench.done, len(bench.sent)) == ([True], 1)


def test_what_had_not_ended_is_not_opened(bench: Bench) -> None:
    """Between the choice and now it may have been sent, by an earlier redrive."""
    chosen = bench.select(letter_record(1)).chosen
    end(bench.ledger, "e1")
    bench.redrive_chosen(chosen)
    assert bench.ledger.events.keys() == {"e1"}


def test_many_go_in_batches(bench: Bench) -> None:
    bench.redrive(*(letter_record(n) for n in range(450)))
    assert bench.done == [True] * 450
    assert len(bench.sent) == 450
    turns = [
        name for name, before in zip(bench.log, ["", *bench.log], strict=False) if name != before
    ]
    assert turns == ["produce alarm-events", "produce dead"] * 3
    assert bench.clock.waits == []


def test_the_rate_is_kept(bench: Bench) -> None:
    began = bench.clock.now()
    bench.redrive(*(letter_record(n) for n in range(25)), per_second=10)
    assert len(bench.done) == 25
    assert bench.clock.now() - began == pytest.approx(2)


def test_what_kafka_did_not_take_is_said_and_the_rest_not_begun(bench: Bench) -> None:
    bench.sink.refuse = lambda _: OSError("the disk is full") if len(bench.done) else None
    with pytest.raises(BrokerUnavailable, match="did not take 200 records: the disk is full"):
        bench.redrive(*(letter_record(n) for n in range(450)))
    assert bench.done == [True] * 200


def test_nothing_is_produced_while_the_ledger_is_away(bench: Bench) -> None:
    end(bench.ledger, "e1")
    chosen = bench.select(letter_record(1, reason="too_old")).chosen
    bench.ledger.away = True
    with pytest.raises(LedgerUnavailable):
        bench.redrive_chosen(chosen)
    assert bench.sink.records == []
