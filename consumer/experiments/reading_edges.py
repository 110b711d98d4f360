"""From times and names of places to offsets: where a span begins and ends in each partition."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kafka.structs import TopicPartition

from consumer.adapters.kafka.client_quirks import is_found
from consumer.domain.errors import MessengerError
from consumer.experiments.span import At, Beginning, Edge, Now, Offsets, Span
from consumer.ports import Clock

if TYPE_CHECKING:
    from consumer.experiments.reading import ReadingTold

Found = Mapping[TopicPartition, int]


class SpanError(MessengerError):
    """The span names offsets that are not there."""


class Edges:
    """Asks the broker, through a client that reads committed records only. Raises its errors."""

    def __init__(self, consumer: Any, span: Span, clock: Clock, told: "ReadingTold") -> None:
        self._consumer = consumer
        self._span = span
        self._clock = clock
        self._told = told

    def check(self, there: Sequence[TopicPartition]) -> None:
        """Raises SpanError for a partition that is named and not there: nothing would ever come."""
        for edge in (self._span.start, self._span.end):
            for topic, number in edge.by_partition if isinstance(edge, Offsets) else ():
                if not any(p.partition == number and topic in (None, p.topic) for p in there):
                    numbers = ", ".join(str(p.partition) for p in there if topic in (None, p.topic))
                    raise SpanError(
                        f"there is no partition {number}{f' of {topic}' if topic else ''}; "
                        f"there are {numbers or 'none'}"
                    )

    def starts(self, partitions: Sequence[TopicPartition]) -> Found:
        """The first offset of each. Raises SpanError for one beyond the partition's end."""
        firsts, ends = self._bounds(partitions)
        match self._span.start:
            case Offsets() as given:
                return {p: self._there(p, given, firsts[p], ends[p]) for p in partitions}
            case edge:
                return self._resolved(edge, partitions, firsts, ends)

    def ends(self, partitions: Sequence[TopicPartition]) -> Found | None:
        """The offset at which each ends; None: the span is open, or its end has not come yet."""
        match self._span.end:
            case None:
                return None
            case Offsets() as given:
                return {p: given.of(p.topic, p.partition) or 0 for p in partitions}
            case At() as at if self._now_ms() < at.milliseconds:
                return None
            case edge:
                return self._resolved(edge, partitions, *self._bounds(partitions))

    def is_late(self) -> bool:
        """Whether an end that was in the future has come."""
        end = self._span.end
        return isinstance(end, At) and self._now_ms() >= end.milliseconds

    def _now_ms(self) -> float:
        return self._clock.now() * 1000

    def _bounds(self, partitions: Sequence[TopicPartition]) -> tuple[Found, Found]:
        if not partitions:
            return {}, {}
        return (
            self._consumer.beginning_offsets(partitions),
            self._consumer.end_offsets(partitions),
        )

    def _resolved(
        self, edge: Edge, partitions: Sequence[TopicPartition], firsts: Found, ends: Found
    ) -> Found:
        match edge:
            case Beginning():
                return firsts
            case At(milliseconds) if partitions:
                asked = dict.fromkeys(partitions, max(0, milliseconds))
                found = self._consumer.offsets_for_times(asked)
                return {p: _offset_of(found.get(p), ends[p]) for p in partitions}
            case Now() | _:
                return ends

    def _there(self, partition: TopicPartition, given: Offsets, first: int, end: int) -> int:
        topic, number = partition
        wanted = given.of(topic, number) or 0
        if wanted > end:
            raise SpanError(f"{topic} {number}/{wanted} is not there: it ends at {number}/{end}")
        if wanted < first:
            self._told.gone((topic, number), wanted, first)
        return max(wanted, first)


def _offset_of(found: Any, otherwise: int) -> int:
    """The client's answer for a time; else all that is there is before it."""
    return min(found.offset, otherwise) if is_found(found) else otherwise
