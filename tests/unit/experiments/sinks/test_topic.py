"""Copies in another topic: as they were read, never in a circle."""

from collections.abc import Sequence

import pytest

from consumer.domain.errors import BrokerUnavailable, InvalidMessage
from consumer.domain.reasons import Reason
from consumer.experiments.seen import Seen
from consumer.experiments.sinks.topic import WAY_HEADER, Topic
from consumer.ports import OnAck
from tests.support.clock import ManualClock
from tests.unit.experiments.seen_rig import make_record, make_seen

Headers = Sequence[tuple[str, bytes]]


class FakeProducer:
    """Answers at once with the given errors, then with success."""

    def __init__(self, *errors: Exception | None) -> None:
        self._errors = list(errors)
        self.sent: list[tuple[str, bytes | None, bytes | None, Headers]] = []
        self.closed = False

    def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers, on_ack: OnAck
    ) -> None:
        self.sent.append((topic, key, value, headers))
        on_ack(self._errors.pop(0) if self._errors else None)

    def flush(self, timeout_seconds: float) -> None:
        """All is sent at once."""

    def close(self, timeout_seconds: float) -> None:
        self.closed = True


class Rig:
    def __init__(self, *errors: Exception | None, stop: bool = False) -> None:
        self.producer = FakeProducer(*errors)
        self.clock = ManualClock()
        self.said: list[str] = []
        self.sink = Topic(
            self.producer, "copy", clock=self.clock, stop=lambda: stop, say=self.said.append
        )

    def copy(self, *seen: Seen) -> None:
        for each in seen:
            self.sink.put(each)
        self.sink.flush()


def test_key_value_and_headers_are_kept_and_the_way_is_told() -> None:
    rig = Rig()
    record = make_record(5, value=b"\xff", headers=(("a", b"1"), ("a", b"2")))
    rig.copy(Seen(record=record))
    way = (WAY_HEADER, b"alarm-events/0/5")
    assert rig.producer.sent == [("copy", b"key", b"\xff", [("a", b"1"), ("a", b"2"), way])]
    assert (rig.sink.written, rig.sink.dropped) == (1, 0)


def test_a_record_with_several_events_is_copied_once() -> None:
    rig = Rig()
    rig.copy(make_seen(1), make_seen(1), make_seen(2))
    assert [headers[-1][1] for *_, headers in rig.producer.sent] == [
        b"alarm-events/0/1",
        b"alarm-events/0/2",
    ]
    assert rig.sink.written == 3


@pytest.mark.parametrize("way", [[b"copy/0/1"], [b"copy/0/1", b"other/3/4"]])
def test_what_came_from_the_topic_is_not_copied_there_again(way: list[bytes]) -> None:
    rig = Rig()
    headers = tuple((WAY_HEADER, each) for each in way)
    rig.copy(Seen(record=make_record(0, topic="other", headers=headers)))
    rig.copy(Seen(record=make_record(1, topic="copy")))
    assert rig.producer.sent == []
    assert rig.sink.dropped == 2


def test_what_the_broker_did_not_take_is_sent_again_alone() -> None:
    rig = Rig(None, TimeoutError("late"))
    rig.copy(make_seen(1), make_seen(2), make_seen(3))
    assert [headers[-1][1][-1:] for *_, headers in rig.producer.sent] == [b"1", b"2", b"3", b"2"]
    assert (rig.sink.written, rig.sink.dropped) == (3, 0)
    assert rig.said == ["topic copy does not take records: late; trying on"]


def test_a_broker_that_is_away_is_asked_with_one_record_at_a_time() -> None:
    away = BrokerUnavailable("nobody there")
    rig = Rig(away, away)
    rig.copy(make_seen(1), make_seen(2))
    assert len(rig.producer.sent) == 4
    assert rig.clock.waits == [0.5, 1.0]
    assert rig.sink.written == 2


def test_a_record_that_is_too_large_is_dropped_and_the_others_go() -> None:
    rig = Rig(InvalidMessage(Reason.TOO_LARGE, "2 MB"))
    rig.copy(make_seen(1), make_seen(2))
    assert (rig.sink.written, rig.sink.dropped) == (1, 1)


def test_when_it_has_to_stop_what_is_left_is_dropped() -> None:
    rig = Rig(BrokerUnavailable("away"), BrokerUnavailable("away"), stop=True)
    rig.copy(make_seen(1), make_seen(2))
    assert (rig.sink.written, rig.sink.dropped) == (0, 2)
    rig.sink.close()
    assert rig.producer.closed


def test_an_end_tries_once_more() -> None:
    rig = Rig()
    rig.sink.put(make_seen(1))
    rig.sink.close()
    assert (rig.sink.written, rig.producer.closed) == (1, True)
