"""Topics read outside any group: no commit, no production, no trace of having been there.

The client is kept inside and has no group, so that it has nothing to commit to. Nothing is paused
and resumed in the middle of a partition: that is where kafka-python is known to skip records.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

from kafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    LogTruncationError,
    OffsetOutOfRangeError,
)
from kafka.structs import TopicPartition

from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.kafka.records import record_of
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.record import Record
from consumer.experiments.reading_client import connected
from consumer.experiments.reading_edges import Edges
from consumer.experiments.span import Now, Span
from consumer.ports import Clock

#: Seconds of silence after which the broker is asked whether it is there, and how often then.
_LOOK_SECONDS: Final = 5.0
#: Milliseconds for its answer, and for the client to say where it stands.
_ANSWER_MS, _POSITION_MS = 2_000, 1_000

Partition = tuple[str, int]


class ReadingTold:
    """Who wants to know what happens while a topic is read; by itself it says nothing."""

    def away(self, why: str) -> None:
        """Kafka does not answer; told once, until it is back."""

    def back(self) -> None:
        """It answers again."""

    def gone(self, partition: Partition, first: int, found: int) -> None:
        """The records from `first` to before `found` are not there any more; read on from there."""

    def grew(self, partition: Partition) -> None:
        """A partition was added; it is read from its first record."""


class TopicReader:
    """Reads a span of some topics. A context manager; not for several threads.

    Entering it raises BrokerUnavailable when Kafka does not answer, and SpanError for offsets that
    are not there yet. After that an outage is waited out.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topics: Sequence[str],
        span: Span,
        clock: Clock,
        told: ReadingTold | None = None,
        *,
        connect: Callable[[KafkaSettings], Any] | None = None,
    ) -> None:
        self._settings = settings
        self._topics = tuple(dict.fromkeys(topics))
        self._span = span
        self._clock = clock
        self._told = told or ReadingTold()
        self._connect = connect or connected
        self._next: dict[TopicPartition, int] = {}
        self._starts: Mapping[TopicPartition, int] = {}
        self._ends: Mapping[TopicPartition, int] | None = None
        self._done: set[TopicPartition] = set()
        self._away = False

    def __enter__(self) -> Self:
        try:
            self._consumer = self._connect(self._settings)
        except KafkaError as error:
            raise self._unavailable(error) from error
        try:
            self._begin()
        except BaseException as error:
            self._consumer.close(autocommit=False)
            if isinstance(error, KafkaError):
                raise self._unavailable(error) from error
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._consumer.close(autocommit=False)

    @property
    def done(self) -> bool:
        """All that was asked for has been read; never so where the span has no end."""
        return self._ends is not None and self._done >= self._next.keys()

    @property
    def positions(self) -> Mapping[Partition, int]:
        """Where reading goes on: the offset after the last record that was handed out."""
        return {(p.topic, p.partition): offset for p, offset in self._next.items()}

    @property
    def progress(self) -> tuple[int, int | None]:
        """Offsets that are behind us, and how many there are in all; None: there is no end."""
        behind = sum(self._next[p] - start for p, start in self._starts.items())
        if self._ends is None:
            return behind, None
        total = sum(max(0, self._ends[p] - start) for p, start in self._starts.items())
        return min(behind, total), total

    def batches(self, stop: Callable[[], bool] = lambda: False) -> Iterator[list[Record]]:
        """What `poll` gives, until all is read or `stop` says so; empty lists while it is quiet."""
        while not (self.done or stop()):
            yield self.poll()

    def poll(self, seconds: float = 0.25, limit: int = 500) -> list[Record]:
        """The next records, at most `limit`; none when there are none for so long.

        Of one partition they are in order, and all are from inside the span.
        """
        if self.done:
            return []
        polled: Mapping[Any, Sequence[Any]] = {}
        with self._waiting_out():
            self._ends = self._edges.ends(list(self._next)) if self._is_late() else self._ends
            polled = self._consumer.poll(timeout_ms=int(seconds * 1000), max_records=limit)
        records = self._inside(polled)
        with self._waiting_out():
            self._finish(polled)
            if polled:
                self._say_back()
            else:
                self._look()
        return records

    # -- inside ---------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._began_ms = self._clock.now() * 1000
        self._edges = Edges(self._consumer, self._span, self._clock, self._told)
        self._look_at = self._clock.monotonic() + _LOOK_SECONDS
        found = [p for topic in self._topics for p in self._partitions(topic)]
        self._edges.check(found)
        meant = [p for p in found if self._span.names(p.topic, p.partition)]
        self._starts = self._edges.starts(meant)
        self._ends = self._edges.ends(meant)
        self._take(self._starts)

    def _take(self, positions: Mapping[TopicPartition, int]) -> None:
        self._next |= positions
        self._consumer.assign(list(self._next))
        for partition, offset in positions.items():
            self._consumer.seek(partition, offset)
        self._finish({})

    def _partitions(self, topic: str) -> list[TopicPartition]:
        numbers = self._consumer.partitions_for_topic(topic) or ()
        return [TopicPartition(topic, number) for number in sorted(numbers)]

    def _is_late(self) -> bool:
        return self._ends is None and self._edges.is_late()

    @contextmanager
    def _waiting_out(self) -> Iterator[None]:
        """Go on after what goes by itself, from where we were: a poll that fails may have had
        records in its hands."""
        try:
            yield
        except (OffsetOutOfRangeError, LogTruncationError):
            self._step_over_gone()
        except KafkaError as error:
            if not error.retriable:
                raise self._unavailable(error) from error
            for partition in self._next.keys() - self._done:
                self._consumer.seek(partition, self._next[partition])
            self._say_away(error)

    def _inside(self, polled: Mapping[Any, Sequence[Any]]) -> list[Record]:
        """What is before the ends; and how far we are."""
        records: list[Record] = []
        for partition, batch in polled.items():
            end = None if self._ends is None else self._ends[partition]
            kept = [raw for raw in batch if end is None or raw.offset < end or self._was_there(raw)]
            records += map(record_of, kept)
            behind = kept[-1].offset + 1 if kept else 0
            # A batch that was cut says that all before the end was read.
            self._next[partition] = behind if len(kept) == len(batch) else max(behind, end or 0)
        return records

    def _was_there(self, raw: Any) -> bool:
        """Whether it was there when reading began, although the broker named an earlier end: the
        embedded one leaves out what its last batch holds beside the first record."""
        return isinstance(self._span.end, Now) and 0 < (raw.timestamp or 0) < self._began_ms

    def _finish(self, polled: Mapping[Any, Sequence[Any]]) -> None:
        """Leave the partitions that are read to their end."""
        if self._ends is None:
            return
        for partition in self._next.keys() - self._done:
            if partition not in polled:
                # Markers of transactions and what compaction took are passed without a record.
                at = self._consumer.position(partition, timeout_ms=_POSITION_MS)
                self._next[partition] = max(self._next[partition], at or 0)
            if self._next[partition] >= self._ends[partition]:
                self._done.add(partition)
                self._consumer.pause(partition)

    def _look(self) -> None:
        """In silence only a question tells whether there is nothing, or nobody."""
        now = self._clock.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_SECONDS
        if self._next:
            self._consumer.end_offsets(list(self._next), timeout_ms=_ANSWER_MS)
            self._say_back()
        if self._span.end is None:
            self._find_new()

    def _find_new(self) -> None:
        found = [p for topic in self._topics for p in self._partitions(topic)]
        new = [p for p in found if p not in self._next and self._span.names(p.topic, p.partition)]
        for partition in new:
            self._told.grew((partition.topic, partition.partition))
        if new:
            self._take(self._consumer.beginning_offsets(new, timeout_ms=_ANSWER_MS))

    def _step_over_gone(self) -> None:
        """Retention was quicker than we are, or a log was cut: go on with what there is."""
        partitions = list(self._next.keys() - self._done)
        try:
            firsts = self._consumer.beginning_offsets(partitions, timeout_ms=_ANSWER_MS)
            ends = self._consumer.end_offsets(partitions, timeout_ms=_ANSWER_MS)
        except KafkaError as error:
            self._say_away(error)
            return
        for partition in partitions:
            at = self._next[partition]
            there = min(max(at, firsts[partition]), max(ends[partition], firsts[partition]))
            if there != at:
                self._told.gone((partition.topic, partition.partition), at, there)
            self._next[partition] = there
            self._consumer.seek(partition, there)

    def _say_away(self, error: Exception) -> None:
        if not self._away:
            self._told.away(str(self._unavailable(error)))
        self._away = True

    def _say_back(self) -> None:
        if self._away:
            self._told.back()
        self._away = False

    def _unavailable(self, error: Exception) -> BrokerUnavailable:
        # The client's own words for it are about a call that nobody made.
        silent = isinstance(error, KafkaTimeoutError)
        what = "no answer in time" if silent else str(error) or type(error).__name__
        return BrokerUnavailable(
            f"Kafka at {self._settings.bootstrap_servers} does not answer: {what}"
        )
