"""The outbox: kept until acknowledged, and no record stops the stream for ever."""

from collections.abc import Sequence

import pytest

from consumer.domain.errors import BrokerUnavailable, InvalidMessage
from consumer.domain.reasons import Reason
from consumer.domain.record import DeadLetter, Record
from consumer.domain.tracking import TrackingEvent
from consumer.pipeline.track import About, track_ending
from consumer.ports import OnAck
from consumer.wire import decode_dead_letter
from consumer.worker.outbox import Outbox
from tests.support.worker import TOPIC, ending, event
from tests.support.worker_fakes import FakeSink


def tracking(id_: str) -> TrackingEvent:
    about = About(event=event(id_), source=(TOPIC, 0, 1), worker="worker-1")
    return track_ending(about, ending(), 1)


def letter(
    value: bytes | None = b"no json", headers: Sequence[tuple[str, bytes]] = ()
) -> DeadLetter:
    record = Record(TOPIC, 3, 7, b"key", value, headers, 1000)
    return DeadLetter(record=record, reason="not_json", error="no", first_seen=2000)


@pytest.fixture
def sink() -> FakeSink:
    return FakeSink()


@pytest.fixture
def outbox(sink: FakeSink) -> Outbox:
    return Outbox(sink, "tracked", "dead")


def test_records_go_out_in_order_with_the_atom_as_key(sink: FakeSink, outbox: Outbox) -> None:
    outbox.track(tracking("e1"), "atom")
    outbox.track(tracking("e2"), None)
    outbox.deliver()
    assert [key for _, key, _, _ in sink.records] == [b"atom", None]
    assert [t.event.id for t in sink.tracked] == ["e1", "e2"]


def test_what_was_acknowledged_is_not_produced_again(sink: FakeSink, outbox: Outbox) -> None:
    outbox.track(tracking("e1"), "atom")
    outbox.deliver()
    outbox.deliver()
    assert len(sink.records) == 1


def test_a_dead_letter_is_told_of_once_and_not_before_kafka_has_it(sink: FakeSink) -> None:
    told: list[DeadLetter] = []
    outbox = Outbox(sink, "tracked", "dead", told.append)
    outbox.dead_letter(letter())
    sink.refuse = lambda _: BrokerUnavailable("away")
    with pytest.raises(BrokerUnavailable):
        outbox.deliver()
    assert told == []
    sink.refuse = lambda _: None
    outbox.deliver()
    outbox.deliver()
    assert told == [letter()]


def test_a_dead_letter_is_the_record_as_read(sink: FakeSink, outbox: Outbox) -> None:
    outbox.dead_letter(letter(headers=[("theirs", b"1")]))
    outbox.deliver()
    topic, key, value, headers = sink.records[0]
    assert (topic, key, value, headers["theirs"]) == ("dead", b"key", b"no json", b"1")


def test_what_was_not_taken_is_kept_and_produced_again(sink: FakeSink, outbox: Outbox) -> None:
    refusals = [None, ValueError("leader gone"), None, None, None]
    sink.refuse = lambda _: refusals.pop(0)
    for id_ in ("e1", "e2", "e3"):
        outbox.track(tracking(id_), "atom")
    with pytest.raises(BrokerUnavailable, match="did not take 2 records: leader gone"):
        outbox.deliver()
    outbox.deliver()
    assert [t.event.id for t in sink.tracked] == ["e1", "e2", "e3"]


def test_after_the_first_refusal_the_client_is_not_asked_for_the_rest(
    sink: FakeSink, outbox: Outbox
) -> None:
    """Each call may take its whole time-out to say that Kafka is away."""
    asked: list[bytes | None] = []

    def refuse(value: bytes | None) -> Exception:
        asked.append(value)
        return ValueError("away")

    sink.refuse = refuse
    for number in range(100):
        outbox.track(tracking(f"e{number}"), "atom")
    with pytest.raises(BrokerUnavailable, match="100 records"):
        outbox.deliver()
    assert len(asked) == 1


def test_a_flush_that_fails_loses_nothing_and_repeats_only_what_is_open(
    sink: FakeSink, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flush(_: float) -> None:
        raise BrokerUnavailable("did not take all in time")

    monkeypatch.setattr(sink, "flush", flush)
    outbox.track(tracking("e1"), "atom")
    with pytest.raises(BrokerUnavailable):
        outbox.deliver()
    monkeypatch.undo()
    outbox.track(tracking("e2"), "atom")
    outbox.deliver()
    assert [t.event.id for t in sink.tracked] == ["e1", "e2"]


def test_no_answer_in_time_is_an_outage_and_a_late_one_does_no_harm(
    sink: FakeSink, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[OnAck] = []

    def send(_t: str, _k: object, _v: object, _h: object, on_ack: OnAck) -> None:
        late.append(on_ack)

    monkeypatch.setattr(sink, "send", send)
    outbox.track(tracking("e1"), "atom")
    with pytest.raises(BrokerUnavailable, match="no acknowledgement within 0 s"):
        outbox.deliver(0.0)
    late[0](None)
    monkeypatch.undo()
    outbox.deliver()
    assert [t.event.id for t in sink.tracked] == ["e1"]


def test_a_dead_letter_too_large_for_its_topic_goes_without_what_makes_it_large(
    sink: FakeSink, outbox: Outbox
) -> None:
    """Retried for ever it would stop everything; its headers say where the whole record is."""

    def refuse(value: bytes | None) -> Exception | None:
        return InvalidMessage(Reason.TOO_LARGE, "3 MB") if value == b"large" else None

    sink.refuse = refuse
    outbox.dead_letter(letter(b"large", [("theirs", b"large")]))
    outbox.track(tracking("e1"), "atom")
    with pytest.raises(BrokerUnavailable, match="too_large"):
        outbox.deliver()
    outbox.deliver()
    assert len(sink.tracked) == 1
    (topic, key, value, headers), *_ = sink.records
    assert (topic, key, value) == ("dead", None, b"")
    told = decode_dead_letter(Record("dead", 0, 0, key, value, tuple(headers.items())))
    assert told.record.position == (TOPIC, 3, 7)
    assert "theirs" not in headers
