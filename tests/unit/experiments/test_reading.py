"""What a reader gives of its span, whatever lies between the offsets."""

import pytest

from consumer.adapters.kafka.config import KafkaSettings
from consumer.domain.errors import BrokerUnavailable
from consumer.experiments.reading import TopicReader
from consumer.experiments.reading_client import reader_config
from consumer.experiments.reading_edges import SpanError
from consumer.experiments.span import At, Beginning, Edge, Now, Offsets, Span
from tests.unit.experiments.reading_rig import TOPIC, FakeLog, Rig


def _offsets(**by_partition: int) -> Offsets:
    return Offsets({(None, int(name[1:])): offset for name, offset in by_partition.items()})


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (Beginning(), Now(), [2, 3, 4, 5, 6, 7]),
        (At(35), Now(), [4, 5, 6, 7]),
        (Beginning(), At(50), [2, 3, 4]),
        (At(999), Now(), []),
        (_offsets(p0=4), Now(), [4, 5, 6, 7]),
        (_offsets(p0=4), _offsets(p0=6), [4, 5]),
        (Beginning(), _offsets(p0=4), [2, 3]),
        (Now(), Now(), []),
    ],
)
def test_a_span_is_from_its_start_up_to_before_its_end(
    start: Edge, end: Edge, expected: list[int]
) -> None:
    rig = Rig(FakeLog(p0=(2, range(2, 8), 8)), Span(start=start, end=end))
    assert rig.read() == [(0, offset) for offset in expected]


def test_partitions_that_the_offsets_do_not_name_are_not_read() -> None:
    log = FakeLog(p0=(0, range(3), 3), p1=(0, range(3), 3))
    assert Rig(log, Span(start=_offsets(p1=1), end=Now())).read() == [(1, 1), (1, 2)]


def test_it_ends_at_markers_and_holes_that_no_record_stands_in() -> None:
    """Ends of transactions, and what compaction took, also at the very end of a partition."""
    log = FakeLog(p0=(0, (1, 4), 9), p1=(5, (), 5), p2=(0, (), 3))
    assert Rig(log, Span(start=Beginning(), end=Now())).read() == [(0, 1), (0, 4)]


def test_what_came_after_the_start_is_not_in_a_span_that_ends_now() -> None:
    log = FakeLog(p0=(0, range(3), 3))
    rig = Rig(log, Span(start=Beginning(), end=Now()))
    with rig.reader as reader:
        log.partitions[0] = (0, (*range(3), 100, 101), 102)
        assert [r.offset for r in reader.poll()] == [0, 1, 2]
        assert reader.done
        assert reader.positions == {(TOPIC, 0): 3}
        assert reader.progress == (3, 3)


def test_what_was_there_is_read_although_the_broker_named_an_earlier_end() -> None:
    """The embedded one does: it leaves out the rest of its last batch."""
    log = FakeLog(p0=(0, range(5), 2))
    rig = Rig(log, Span(start=Beginning(), end=Now()))
    with rig.reader as reader:
        log.partitions[0] = (0, (*range(5), 100), 101)
        assert [r.offset for r in reader.poll()] == [0, 1, 2, 3, 4]
        assert reader.done
        assert reader.positions == {(TOPIC, 0): 5}


def test_a_time_to_come_ends_the_reading_when_it_has_come() -> None:
    log = FakeLog(p0=(0, range(3), 3))
    rig = Rig(log, Span(start=Beginning(), end=At(2_000)))
    with rig.reader as reader:
        assert len(reader.poll()) == 3
        assert not reader.done
        rig.clock.advance(5.0)
        log.partitions[0] = (0, (*range(3), 199, 200, 201), 202)
        assert [r.offset for r in reader.poll()] == [199]
        assert reader.poll() == []
        assert reader.done


def test_an_offset_that_is_not_there_yet_is_refused_and_the_client_closed() -> None:
    log = FakeLog(p0=(0, range(3), 3))
    with pytest.raises(SpanError, match="alarm-events 0/4 is not there: it ends at 0/3"):
        Rig(log, Span(start=_offsets(p0=4))).read()
    assert log.closed


@pytest.mark.parametrize(
    "span",
    [Span(start=_offsets(p0=0, p9=1)), Span(start=Beginning(), end=_offsets(p9=1))],
    ids=["start", "end"],
)
def test_a_partition_that_is_not_there_is_refused(span: Span) -> None:
    """Nothing would ever come from it."""
    log = FakeLog(p0=(0, range(3), 3), p1=(0, (), 0))
    with pytest.raises(SpanError, match="there is no partition 9; there are 0, 1"):
        Rig(log, span).read()
    assert log.closed


def test_records_that_retention_took_are_told_and_stepped_over() -> None:
    log = FakeLog(p0=(5, range(5, 8), 8))
    rig = Rig(log, Span(start=_offsets(p0=2), end=Now()))
    with rig.reader as reader:
        log.partitions[0] = (6, range(6, 8), 8)  # and more of them while we read
        assert [reader.poll(), [r.offset for r in reader.poll()]] == [[], [6, 7]]
    assert rig.told.lines == [("gone", 0, 2, 5), ("gone", 0, 5, 6)]


def test_an_outage_is_told_once_and_waited_out() -> None:
    log = FakeLog(p0=(0, range(3), 3))
    rig = Rig(log, Span(start=Beginning()))
    with rig.reader as reader:
        log.away = True
        for _ in range(3):
            rig.clock.advance(6.0)
            assert reader.poll() == []
        log.away = False
        assert len(reader.poll()) == 3
        log.partitions[0] = (0, range(4), 4)
        assert [r.offset for r in reader.poll()] == [3]
    assert rig.told.lines == [("away",), ("back",)]


def test_what_was_polled_when_the_broker_went_away_is_not_lost() -> None:
    log = FakeLog(p0=(0, range(3), 3), p1=(0, (), 2))
    rig = Rig(log, Span(start=Beginning(), end=Now()))
    with rig.reader as reader:
        poll = log.poll

        def poll_and_go(timeout_ms: int, max_records: int) -> object:
            polled = poll(timeout_ms, max_records)
            log.away = True
            return polled

        log.poll = poll_and_go  # type: ignore[method-assign, assignment] # for one call
        assert len(reader.poll()) == 3
        log.poll, log.away = poll, False  # type: ignore[method-assign] # as it was
        assert [len(batch) for batch in reader.batches()] == [0]
        assert reader.done


def test_a_partition_that_is_added_is_read_from_its_first_record() -> None:
    log = FakeLog(p0=(0, range(3), 3))
    rig = Rig(log, Span())
    with rig.reader as reader:
        log.partitions[1] = (0, range(2), 2)
        rig.clock.advance(6.0)
        assert reader.poll() == []
        assert [(r.partition, r.offset) for r in reader.poll()] == [(1, 0), (1, 1)]
    assert rig.told.lines == [("grew", 1)]


def test_a_broker_that_is_away_at_the_start_is_an_error() -> None:
    log = FakeLog(p0=(0, range(3), 3))
    log.away = True
    with pytest.raises(BrokerUnavailable, match="none:1 does not answer"):
        Rig(log, Span()).read()
    assert log.closed


def test_the_client_has_no_group_to_commit_to_and_no_place_to_jump_to() -> None:
    config = reader_config(KafkaSettings(bootstrap_servers="a:1", group_id="messenger"))
    assert config["group_id"] is None
    assert config["enable_auto_commit"] is False
    assert config["auto_offset_reset"] == "none"
    assert config["allow_auto_create_topics"] is False


def test_a_reader_offers_no_way_to_commit_or_to_write() -> None:
    offered = {name for name in dir(TopicReader) if not name.startswith("_")}
    assert offered == {"batches", "done", "poll", "positions", "progress"}
