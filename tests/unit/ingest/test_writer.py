"""What is written is acknowledged; what is not is said."""

import threading
from typing import Any

import msgspec
import pytest

from consumer.domain.errors import BrokerUnavailable, InvalidMessage
from consumer.domain.reasons import Reason
from consumer.formats import decode
from consumer.ingest.watch import KafkaWatch
from consumer.ingest.writer import Entry, Writer, entry_of
from consumer.ports import OnAck
from tests.support.factories import make_event
from tests.support.worker_fakes import FakeSink

NOW = 1_392_138_740_000


def entry(event_id: str = "e-1") -> Entry:
    return entry_of(make_event(id=event_id), NOW)


class Rig:
    """A writer on a sink in memory, and what it said of Kafka."""

    def __init__(self, patience: float = 10.0) -> None:
        self.sink = FakeSink()
        self.said: list[tuple[bool, str]] = []
        self.writer = Writer(
            self.sink,
            "events",
            on_state=lambda ok, why: self.said.append((ok, why)),
            patience_seconds=patience,
        )
        self.writer.back()


def test_each_event_is_a_record_in_our_format_keyed_by_its_atom() -> None:
    rig = Rig()
    events = [make_event(id=f"e-{number}", alarm_id=f"al:{number}") for number in range(3)]
    assert rig.writer.write([entry_of(event, NOW) for event in events]) == [None] * 3
    for event, (topic, key, value, _) in zip(events, rig.sink.records, strict=True):
        assert (topic, key) == ("events", event.atom.encode())
        assert decode(value) == [msgspec.structs.replace(event, produced_at=NOW)]


def test_the_time_that_a_producer_gave_stays() -> None:
    event = make_event(produced_at=NOW - 1)
    assert decode(entry_of(event, NOW).value) == [event]


def test_it_returns_when_the_last_is_acknowledged_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()
    acks: list[OnAck] = []
    sent = threading.Semaphore(0)

    def keep(*record: Any) -> None:
        acks.append(record[-1])
        sent.release()

    monkeypatch.setattr(rig.sink, "send", keep)
    done = threading.Event()

    def write() -> None:
        rig.writer.write([entry("e-1"), entry("e-2")])
        done.set()

    threading.Thread(target=write).start()
    assert sent.acquire(timeout=10)
    assert sent.acquire(timeout=10)
    acks[1](None)
    assert not done.is_set()
    acks[0](None)
    assert done.wait(10)


def test_what_kafka_does_not_take_now_is_said_and_nothing_more_is_tried() -> None:
    rig = Rig()
    rig.sink.refuse = lambda _: TimeoutError("no leader")
    with pytest.raises(BrokerUnavailable, match="no leader"):
        rig.writer.write([entry("e-1"), entry("e-2")])
    rig.sink.refuse = lambda _: None
    with pytest.raises(BrokerUnavailable, match="no leader"):
        rig.writer.write([entry()])
    assert rig.sink.records == []
    assert rig.said[-1] == (False, "Kafka did not take it: no leader")
    rig.writer.back()
    assert rig.writer.write([entry()]) == [None]


def test_silence_is_no_acknowledgement(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(patience=0.01)
    monkeypatch.setattr(rig.sink, "send", lambda *_: None)
    with pytest.raises(BrokerUnavailable, match="no acknowledgement"):
        rig.writer.write([entry()])


def test_what_kafka_never_takes_stands_in_nobodys_way() -> None:
    rig = Rig()
    too_large = InvalidMessage(Reason.TOO_LARGE, "more than the topic takes")
    rig.sink.refuse = lambda value: too_large if b"e-1" in (value or b"") else None
    answers = rig.writer.write([entry("e-1"), entry("e-2")])
    assert answers == [too_large, None]
    assert len(rig.sink.records) == 1
    assert rig.said == [(True, "")]


def test_nothing_to_write_asks_nobody() -> None:
    rig = Rig()
    rig.writer.away("it is")
    assert rig.writer.write([]) == []


def test_before_kafka_was_heard_of_nothing_is_taken() -> None:
    writer = Writer(FakeSink(), "events")
    with pytest.raises(BrokerUnavailable, match="not heard of"):
        writer.write([entry()])


def test_the_watch_looks_closely_until_kafka_answers_and_glances_from_then_on() -> None:
    rig = Rig()
    rig.writer.away("away")
    asked: list[str] = []
    broken = {"look"}

    def ask(how: str) -> None:
        asked.append(how)
        if how in broken:
            raise BrokerUnavailable(f"{how}: nobody there")

    watch = KafkaWatch(rig.writer, glance=lambda: ask("glance"), look=lambda: ask("look"))
    pause_while_away = watch.step()
    assert rig.said[-1] == (False, "look: nobody there")
    broken.clear()
    pause_while_there = watch.step()
    assert rig.said[-1] == (True, "")
    assert pause_while_there > pause_while_away
    watch.step()
    broken.add("glance")
    watch.step()
    assert rig.writer.is_away
    assert asked == ["look", "look", "glance", "glance"]
    assert rig.said[-1] == (False, "glance: nobody there")
