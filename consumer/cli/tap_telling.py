"""What `messenger tap` says on stderr: how its reading goes, and in the end what came of it."""

from consumer.cli.common import complain
from consumer.cli.plain import plain
from consumer.experiments.filters import Filter
from consumer.experiments.reading import Partition, ReadingTold
from consumer.experiments.sinks import Sink
from consumer.experiments.tap import TapCounts


class TellOfReading(ReadingTold):
    """One line for each thing, on stderr."""

    def away(self, why: str) -> None:
        complain(f"{why}; waiting for it")

    def back(self) -> None:
        complain("Kafka answers again")

    def gone(self, partition: Partition, first: int, found: int) -> None:
        topic, number = partition
        complain(f"{topic} {number}/{first} is not there any more; reading on at {number}/{found}")

    def grew(self, partition: Partition) -> None:
        topic, number = partition
        complain(f"{topic} has a new partition {number}; reading it too")


def summary(counts: TapCounts, sink: Sink, wanted: Filter) -> str:
    """One line: what was read, what was left out and why, what came out."""
    told = [f"{counts.records} records read, {counts.events} events"]
    if counts.unreadable:
        left_out = f", {counts.unreadable_left_out} of them left out by the filter"
        extra = left_out if counts.unreadable_left_out else ""
        told.append(f"{counts.unreadable} records unreadable{extra}")
    if counts.filtered:
        told.append(f"{counts.filtered} not meant by the filter")
    if wanted.failures:
        first = plain(wanted.first_failure)
        told.append(f"{wanted.failures} could not be asked (the first: {first})")
    if counts.not_sampled:
        told.append(f"{counts.not_sampled} not in the sample")
    if counts.over_rate:
        told.append(f"{counts.over_rate} dropped over the rate")
    if sink.dropped:
        told.append(f"{sink.dropped} dropped on the way out")
    return "tap: " + "; ".join([*told, f"{sink.written} written"])
