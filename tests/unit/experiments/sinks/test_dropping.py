"""Before a slow sink: bounded, counted, and in order."""

import threading

import pytest

from consumer.experiments.seen import Seen
from consumer.experiments.sinks import SinkFailed
from consumer.experiments.sinks.dropping import Dropping
from tests.support.kafka import until
from tests.unit.experiments.seen_rig import ListSink, make_seen, make_unreadable


class SlowSink(ListSink):
    """Takes the first event when `go` is set, and says when it has it in its hands."""

    def __init__(self) -> None:
        super().__init__()
        self.has_one = threading.Event()
        self.go = threading.Event()

    def put(self, seen: Seen) -> None:
        self.has_one.set()
        assert self.go.wait(30.0)
        super().put(seen)


def test_what_finds_no_room_is_dropped_and_the_rest_is_in_order() -> None:
    slow = SlowSink()
    sink = Dropping(slow, most=3)
    sink.put(make_seen(0))
    assert slow.has_one.wait(30.0)
    for offset in range(1, 10):
        sink.put(make_seen(offset))
    assert sink.dropped == 6
    slow.go.set()
    sink.close()
    assert slow.offsets == [0, 1, 2, 3]
    assert (sink.written, sink.dropped, slow.closed) == (4, 6, True)


def test_room_is_of_bytes_too() -> None:
    slow = SlowSink()
    sink = Dropping(slow, most_bytes=250)
    sink.put(make_seen(0))
    assert slow.has_one.wait(30.0)
    for offset in range(1, 5):
        sink.put(make_unreadable(offset, value=b"x" * 100))
    slow.go.set()
    sink.close()
    assert slow.offsets == [0, 1, 2]


def test_a_sink_that_failed_is_told_to_whoever_puts_the_next() -> None:
    sink = Dropping(ListSink(SinkFailed("full")))
    sink.put(make_seen())
    until(lambda: not sink._thread.is_alive(), "the thread's end")
    with pytest.raises(SinkFailed, match="full"):
        sink.put(make_seen())
    sink.close()
    assert (sink.written, sink.dropped) == (0, 1)


def test_a_quiet_sink_is_asked_to_write_what_it_gathered() -> None:
    inner = ListSink()
    sink = Dropping(inner)
    until(lambda: inner.flushed > 0, "a flush")
    sink.close()
