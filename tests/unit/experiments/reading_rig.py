"""A topic as the reader's client shows it: offsets with and without a record, and a broker that
may be away."""

from collections.abc import Mapping, Sequence
from typing import Any

from kafka.errors import KafkaTimeoutError, OffsetOutOfRangeError
from kafka.structs import OffsetAndTimestamp, TopicPartition

from consumer.adapters.kafka.config import KafkaSettings
from consumer.experiments.reading import Partition, ReadingTold, TopicReader
from consumer.experiments.span import Span
from tests.support.clock import ManualClock
from tests.unit.adapters.kafka.fakes import raw

TOPIC = "alarm-events"


class FakeLog:
    """The client of one topic. By partition: where it begins, which offsets hold a record (their
    timestamps are ten times as large), and where it ends."""

    def __init__(self, **partitions: tuple[int, Sequence[int], int]) -> None:
        self.partitions = {int(name[1:]): log for name, log in partitions.items()}
        self.away = False
        self.closed = False
        self.paused: set[TopicPartition] = set()
        self._at: dict[TopicPartition, int] = {}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(self.partitions) if topic == TOPIC else set()

    def beginning_offsets(self, partitions: Any, timeout_ms: int = 0) -> dict[TopicPartition, int]:
        self._ask()
        return {p: self.partitions[p.partition][0] for p in partitions}

    def end_offsets(self, partitions: Any, timeout_ms: int = 0) -> dict[TopicPartition, int]:
        self._ask()
        return {p: self.partitions[p.partition][2] for p in partitions}

    def offsets_for_times(self, asked: Mapping[TopicPartition, int]) -> dict[TopicPartition, Any]:
        self._ask()
        found = {}
        for partition, time in asked.items():
            later = [o for o in self.partitions[partition.partition][1] if o * 10 >= time]
            found[partition] = OffsetAndTimestamp(later[0], later[0] * 10, -1) if later else None
        return found

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        self._at = {p: self._at.get(p, 0) for p in partitions}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._at[partition] = offset

    def pause(self, partition: TopicPartition) -> None:
        self.paused.add(partition)

    def position(self, partition: TopicPartition, timeout_ms: int = 0) -> int:
        self._ask()
        return self._at[partition]

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        if self.away:
            return {}
        polled = {}
        for partition in self._at.keys() - self.paused:
            first, there, end = self.partitions[partition.partition]
            if self._at[partition] < first:
                raise OffsetOutOfRangeError({partition: self._at[partition]})
            offsets = [o for o in there if self._at[partition] <= o < end][:max_records]
            if offsets:
                polled[partition] = [raw(partition, o, timestamp=o * 10) for o in offsets]
            self._at[partition] = offsets[-1] + 1 if offsets else end
        return polled

    def close(self, *, autocommit: bool) -> None:
        assert not autocommit
        self.closed = True

    def _ask(self) -> None:
        if self.away:
            raise KafkaTimeoutError("no answer")


class Told(ReadingTold):
    """What the reader said."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, ...]] = []

    def away(self, why: str) -> None:
        self.lines.append(("away",))

    def back(self) -> None:
        self.lines.append(("back",))

    def gone(self, partition: Partition, first: int, found: int) -> None:
        self.lines.append(("gone", partition[1], first, found))

    def grew(self, partition: Partition) -> None:
        self.lines.append(("grew", partition[1]))


class Rig:
    """A reader on a fake log; `clock` begins at one second after the epoch."""

    def __init__(self, log: FakeLog, span: Span) -> None:
        self.log = log
        self.told = Told()
        self.clock = ManualClock(now=1.0)
        self.reader = TopicReader(
            KafkaSettings(bootstrap_servers="none:1"),
            [TOPIC],
            span,
            self.clock,
            self.told,
            connect=lambda _: log,
        )

    def read(self) -> list[tuple[int, int]]:
        """All of a span that ends, as partition and offset."""
        with self.reader as reader:
            found = [(r.partition, r.offset) for batch in reader.batches() for r in batch]
        assert self.log.closed
        return sorted(found)
