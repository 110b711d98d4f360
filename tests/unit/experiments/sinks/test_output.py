"""Standard output: whole lines, and an end when its reader goes or sleeps."""

import os
from collections.abc import Iterator

import pytest

from consumer.experiments.sinks import SinkClosed, SinkFailed
from consumer.experiments.sinks.output import Output
from consumer.experiments.views import json_view
from tests.unit.experiments.seen_rig import make_seen, make_unreadable


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:
            continue  # the test closed it


def test_lines_are_there_after_a_flush(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    sink = Output(writing, json_view(["offset"]), lambda: False)
    for offset in range(3):
        sink.put(make_seen(offset))
    sink.flush()
    assert os.read(reading, 4096) == b'{"offset":0}\n{"offset":1}\n{"offset":2}\n'
    assert (sink.written, sink.dropped) == (3, 0)


def test_it_ends_when_the_reader_has_gone_also_when_there_is_nothing_to_write(
    pipe: tuple[int, int],
) -> None:
    reading, writing = pipe
    sink = Output(writing, json_view(), lambda: False)
    sink.flush()
    os.close(reading)
    with pytest.raises(SinkClosed):
        sink.flush()
    sink.put(make_seen())
    with pytest.raises(SinkClosed):
        sink.close()
    assert (sink.written, sink.dropped) == (0, 1)


def test_a_reader_that_sleeps_cannot_keep_it_from_stopping(pipe: tuple[int, int]) -> None:
    _, writing = pipe
    stopping = [False]
    sink = Output(writing, json_view(), lambda: stopping[0])
    os.set_blocking(writing, False)
    filled = 0
    while True:
        try:
            filled += os.write(writing, b"x" * 4096)
        except BlockingIOError:
            break
    sink.put(make_seen())
    stopping[0] = True
    sink.close()
    assert filled
    assert (sink.written, sink.dropped) == (0, 1)


def test_what_a_view_cannot_show_is_counted(pipe: tuple[int, int]) -> None:
    sink = Output(pipe[1], lambda _: None, lambda: False)
    sink.put(make_unreadable())
    assert sink.dropped == 1


def test_what_a_full_disk_does_not_take_is_counted_and_told_once() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        sink = Output(full, json_view(), lambda: False)
        sink.put(make_seen())
        with pytest.raises(SinkFailed, match="No space left"):
            sink.flush()
        sink.close()
        assert (sink.written, sink.dropped) == (0, 1)
    finally:
        os.close(full)
