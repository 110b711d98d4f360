"""The tap: what passes on the stream, filtered, sampled and paced, into a sink.

It reads outside any group and knows no ledger. Its memory is one polled batch and what the sink
holds: while a sink is slow, Kafka keeps the rest.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from consumer.domain.record import Record
from consumer.experiments.filters import Filter
from consumer.experiments.pace import Pace
from consumer.experiments.sampling import Sample
from consumer.experiments.seen import Seen
from consumer.experiments.sinks import Sink, SinkClosed
from consumer.ports import Clock

#: Seconds between two looks at the sink while events wait for their turn.
_NAP: Final = 0.25


class Reader(Protocol):
    """Where records come from; a `TopicReader`, say."""

    def batches(self, stop: Callable[[], bool]) -> Iterator[Sequence[Record]]: ...


class TapPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What of the stream is wanted."""

    sample: Sample = Sample()
    #: Events a second, at most; None: as many as there are.
    rate: float | None = None
    #: Over the rate: dropped, and counted; otherwise the tap falls behind.
    drop: bool = False
    #: The tap ends after so many; None: it goes on.
    limit: int | None = None


class TapCounts(msgspec.Struct, kw_only=True):
    """What came of the records that were read."""

    records: int = 0
    #: Events in them.
    events: int = 0
    #: Records that cannot be read as events; and how many of them no filter let through.
    unreadable: int = 0
    unreadable_left_out: int = 0
    #: Not what the filter means.
    filtered: int = 0
    #: What the filter means, of alarms that are not in the sample.
    not_sampled: int = 0
    #: Over the rate.
    over_rate: int = 0
    #: Handed to the sink.
    taken: int = 0


class Tap:
    """Runs once."""

    def __init__(
        self,
        see: Callable[[Sequence[Record]], list[Seen]],
        wanted: Filter,
        plan: TapPlan,
        sink: Sink,
        clock: Clock,
    ) -> None:
        self.counts = TapCounts()
        self._see = see
        self._wanted = wanted
        self._plan = plan
        self._sink = sink
        self._clock = clock
        self._pace = Pace(plan.rate)
        self._flush_at = 0.0

    def run(self, reader: Reader, stop: Callable[[], bool]) -> None:
        """Until the reader ends, the limit is reached, `stop` says so, or nobody reads the sink.

        Raises SinkFailed, and what the reader raises.
        """

        def ended() -> bool:
            return stop() or self._is_full

        try:
            for records in reader.batches(ended):
                self._take(records, ended)
                self._sink.flush()
        except SinkClosed:
            return

    @property
    def _is_full(self) -> bool:
        return self._plan.limit is not None and self.counts.taken >= self._plan.limit

    def _take(self, records: Sequence[Record], ended: Callable[[], bool]) -> None:
        for record in records:
            if ended():
                return
            self.counts.records += 1
            for seen in self._see([record]):
                self._count(seen)
                if self._is_wanted(seen) and self._is_time(ended):
                    self.counts.taken += 1
                    self._sink.put(seen)
                if ended():
                    return

    def _count(self, seen: Seen) -> None:
        if seen.readable:
            self.counts.events += 1
        else:
            self.counts.unreadable += 1

    def _is_wanted(self, seen: Seen) -> bool:
        if not self._wanted.matches(seen):
            self.counts.filtered += seen.readable
            self.counts.unreadable_left_out += not seen.readable
            return False
        if not self._plan.sample.takes(seen.stream):
            self.counts.not_sampled += 1
            return False
        return True

    def _is_time(self, ended: Callable[[], bool]) -> bool:
        """Wait for the event's turn; False: there is none, by the plan or because of the end."""
        while wait := self._pace.wait_seconds(now := self._clock.monotonic()):
            if self._plan.drop:
                self.counts.over_rate += 1
                return False
            if ended():
                return False
            if now >= self._flush_at:
                self._sink.flush()
                self._flush_at = now + _NAP
            self._clock.wait(min(wait, _NAP))
        self._pace.spend(self._clock.monotonic())
        return True
