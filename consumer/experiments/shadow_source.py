"""The records that both sides are asked about: of a past interval, of a file, or as they come."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final

from consumer.domain.errors import MessengerError
from consumer.domain.record import Record
from consumer.experiments.filters import Filter
from consumer.experiments.reading import TopicReader
from consumer.experiments.sampling import Sample
from consumer.experiments.seen import see_events
from consumer.pipeline.receive import ReceiveSettings

#: Bytes of one line of a file; more is no event.
_LONGEST_LINE: Final = 16 * 1024 * 1024


class TooMany(MessengerError):
    """The interval holds more records than may be held in memory."""


class Choosing:
    """Which of the records are meant, as production reads them."""

    def __init__(self, rules: ReceiveSettings, wanted: Filter, sample: Sample) -> None:
        self._rules = rules
        self._wanted = wanted
        self._sample = sample

    def of(self, records: Iterable[Record]) -> list[Record]:
        """A record is taken as a whole if any of its events is meant."""
        return [record for record in records if self._takes(record)]

    def _takes(self, record: Record) -> bool:
        return any(
            self._sample.takes(seen.stream) and self._wanted.matches(seen)
            for seen in see_events([record], self._rules)
        )


def past(
    reader: TopicReader, choosing: Choosing, at_most: int, stop: Callable[[], bool]
) -> Iterator[Record]:
    """A span that ends, in the order of time: the same records in the same order each time.

    Of one partition the order is the partition's own. Raises TooMany.
    """
    partitions: dict[tuple[str, int], list[Record]] = {}
    taken = 0
    for batch in reader.batches(stop):
        for record in choosing.of(batch):
            taken += 1
            if taken > at_most:
                raise TooMany(
                    f"more than {at_most} records: choose a shorter time, --sample 10%, "
                    "or raise --at-most"
                )
            partitions.setdefault((record.topic, record.partition), []).append(record)
    ordered = [partitions[name] for name in sorted(partitions)]
    return heapq.merge(*ordered, key=lambda record: record.timestamp)


def live(
    reader: TopicReader, choosing: Choosing, at_most: int, stop: Callable[[], bool]
) -> Iterator[Record]:
    """Records as they come, until `stop` says so or there were enough."""
    taken = 0
    for batch in reader.batches(stop):
        for record in choosing.of(batch):
            yield record
            taken += 1
            if taken >= at_most:
                return


def from_file(file: BinaryIO, topic: str, choosing: Choosing) -> Iterator[Record]:
    """One record for each line that is not blank, of a topic of that name."""
    for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b"")):
        if value := line.strip():
            yield from choosing.of([Record(topic, 0, number, None, value)])
