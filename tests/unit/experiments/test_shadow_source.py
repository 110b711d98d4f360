"""Which records are compared, and in which order."""

import io
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import pytest

from consumer.domain.alarm import State
from consumer.domain.record import Record
from consumer.experiments.filters import Filter, Wanted
from consumer.experiments.reading import TopicReader
from consumer.experiments.sampling import Sample
from consumer.experiments.shadow_source import Choosing, TooMany, from_file, live, past
from consumer.pipeline.receive import ReceiveSettings
from consumer.wire import encode_event
from tests.support.factories import make_event
from tests.unit.experiments.shadow_rig import EVENT, RECOVERY, record

ALL = Choosing(ReceiveSettings(), Filter(), Sample())


class Batches:
    """A reader that gives what it was given."""

    def __init__(self, *batches: Sequence[Record]) -> None:
        self._batches = batches

    def batches(self, stop: Callable[[], bool]) -> Iterator[Sequence[Record]]:
        for batch in self._batches:
            if stop():
                return
            yield batch


def reader(*batches: Sequence[Record]) -> TopicReader:
    return cast(TopicReader, Batches(*batches))


def at(partition: int, offset: int, timestamp: int) -> Record:
    value = encode_event(make_event(id=f"{partition}/{offset}"))
    return Record("alarm-events", partition, offset, None, value, (), timestamp)


def test_a_past_interval_is_in_the_order_of_time_however_it_was_read() -> None:
    zero, one, other = at(0, 0, 10), at(0, 1, 30), at(1, 0, 20)
    for batches in ([[zero, one], [other]], [[other], [zero], [one]]):
        found = past(reader(*batches), ALL, 10, lambda: False)
        assert [record.position[1:] for record in found] == [(0, 0), (1, 0), (0, 1)]


def test_in_a_partition_offsets_decide_whatever_their_timestamps_say() -> None:
    late, early = at(0, 0, 30), at(0, 1, 10)
    found = list(past(reader([late, early]), ALL, 10, lambda: False))
    assert found == [late, early]


def test_more_than_may_be_held_is_refused_with_what_to_do() -> None:
    with pytest.raises(TooMany, match="more than 1 records: choose a shorter time"):
        list(past(reader([at(0, 0, 1), at(0, 1, 2)]), ALL, 1, lambda: False))


def test_a_live_stream_ends_after_so_many() -> None:
    batches = [[at(0, 0, 1), at(0, 1, 2)], [], [at(0, 2, 3)]]
    assert len(list(live(reader(*batches), ALL, 2, lambda: False))) == 2
    assert len(list(live(reader(*batches), ALL, 9, lambda: False))) == 3
    assert list(live(reader(*batches), ALL, 9, lambda: True)) == []


def test_only_what_is_meant_is_compared() -> None:
    only_ok = Choosing(
        ReceiveSettings(), Filter(None, Wanted(states=frozenset({State.OK}))), Sample()
    )
    assert only_ok.of([record(EVENT), record(RECOVERY, 1)]) == [record(RECOVERY, 1)]
    nobody = Choosing(ReceiveSettings(), Filter(), Sample(0.0))
    assert nobody.of([record(EVENT)]) == []


def test_a_file_is_read_line_by_line_as_if_from_the_topic() -> None:
    lines = io.BytesIO(encode_event(EVENT) + b"\n\n" + encode_event(RECOVERY))
    found = list(from_file(lines, "alarm-events", ALL))
    assert [record.position for record in found] == [("alarm-events", 0, 0), ("alarm-events", 0, 2)]
