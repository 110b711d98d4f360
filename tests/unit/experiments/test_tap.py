"""What the tap lets through, when it ends, and what it counts."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from consumer.domain.record import Record
from consumer.experiments.filters import Filter
from consumer.experiments.sampling import Sample
from consumer.experiments.seen import Seen
from consumer.experiments.sinks import SinkClosed, SinkFailed
from consumer.experiments.tap import Tap, TapCounts, TapPlan
from tests.support.clock import ManualClock
from tests.unit.experiments.seen_rig import ListSink, make_record, make_seen, make_unreadable


class Batches:
    """A reader of what is given, which counts what was taken from it."""

    def __init__(self, *sizes: int) -> None:
        self._sizes = sizes
        self.given = 0

    def batches(self, stop: Callable[[], bool]) -> Iterator[Sequence[Record]]:
        offset = 0
        for size in self._sizes:
            if stop():
                return
            self.given += size
            yield [make_record(offset + n) for n in range(size)]
            offset += size


def _see(records: Sequence[Record]) -> list[Seen]:
    """Each third record is unreadable; entities take turns."""
    seen = []
    for record in records:
        n = record.offset
        seen.append(make_unreadable(n) if n % 3 == 2 else make_seen(n, entity_id=f"en{n}"))
    return seen


def _run(
    reader: Batches,
    plan: TapPlan | None = None,
    wanted: Filter | None = None,
    sink: ListSink | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[ListSink, TapCounts, ManualClock]:
    sink, clock = sink or ListSink(), ManualClock()
    tap = Tap(_see, wanted or Filter(), plan or TapPlan(), sink, clock)
    tap.run(reader, stop)
    return sink, tap.counts, clock


def test_all_that_is_read_goes_on_unreadable_records_too() -> None:
    sink, counts, _ = _run(Batches(2, 0, 4))
    assert sink.offsets == [0, 1, 2, 3, 4, 5]
    assert counts == TapCounts(records=6, events=4, unreadable=2, taken=6)
    assert sink.flushed == 3


def test_what_a_filter_leaves_out_is_counted_unreadable_records_apart() -> None:
    sink, counts, _ = _run(Batches(6), wanted=Filter('entity_id == "en3"'))
    assert sink.offsets == [3]
    assert (counts.filtered, counts.unreadable_left_out) == (3, 2)


def test_a_sample_is_of_alarms() -> None:
    _, counts, _ = _run(Batches(3_000), TapPlan(sample=Sample(10.0)))
    assert counts.taken + counts.not_sampled == 3_000
    assert 100 < counts.taken < 500


def test_it_ends_at_its_limit_and_asks_for_no_more() -> None:
    reader = Batches(2, 2, 2, 2)
    sink, _, _ = _run(reader, TapPlan(limit=3))
    assert sink.offsets == [0, 1, 2]
    assert reader.given == 4


def test_over_the_rate_it_falls_behind() -> None:
    sink, counts, clock = _run(Batches(5), TapPlan(rate=2.0))
    assert sink.offsets == [0, 1, 2, 3, 4]
    assert sum(clock.waits) == pytest.approx(2.0)
    assert counts.over_rate == 0


def test_what_was_let_through_is_seen_while_others_wait_for_their_turn() -> None:
    """A batch at 20 a second lasts for long: nobody should wait for its end to see its first."""
    sink, _, _ = _run(Batches(200), TapPlan(rate=20.0))
    assert sink.flushed >= 4 * 10 - 5


def test_over_the_rate_it_drops_when_told_to() -> None:
    sink, counts, clock = _run(Batches(5), TapPlan(rate=2.0, drop=True))
    assert sink.offsets == [0]
    assert (counts.over_rate, clock.waits) == (4, [])


def test_it_stops_when_told_to_also_while_it_waits() -> None:
    asked = iter([False] * 4)
    sink, _, _ = _run(Batches(5), TapPlan(rate=0.001), stop=lambda: next(asked, True))
    assert sink.offsets == [0]


def test_it_ends_when_nobody_reads_any_more() -> None:
    reader = Batches(2, 2)
    _run(reader, sink=ListSink(SinkClosed()))
    assert reader.given == 2


def test_a_sink_that_failed_is_an_error() -> None:
    with pytest.raises(SinkFailed, match="full"):
        _run(Batches(2), sink=ListSink(SinkFailed("the disk is full")))
