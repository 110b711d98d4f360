"""Now and then: how far behind are we, does any partition stand still, is Kafka there at all?"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kafka.structs import TopicPartition as KafkaPartition

from consumer.adapters.kafka.gaps import GapCheck, TopicPartition
from consumer.adapters.kafka.hooks import Observer
from consumer.adapters.kafka.watchdog import Remedy, Watchdog

#: Milliseconds for the broker to tell the ends, and for the client to tell its position.
_ENDS_MS, _POSITION_MS = 2_000, 1_000


class Inspection:
    """Looks at all partitions that are ours, each time that its pause is over."""

    def __init__(
        self,
        topics: Sequence[str],
        *,
        gaps: GapCheck,
        stall_seconds: float,
        pause_seconds: float,
        observer: Observer,
        now: float,
    ) -> None:
        """Times are monotonic seconds."""
        self._topics = topics
        self._gaps = gaps
        self._watchdog = Watchdog(stall_seconds)
        self._pause = pause_seconds
        self._observer = observer
        self._look_at = now + pause_seconds

    def forget(self, partitions: Collection[TopicPartition]) -> None:
        """They came or went: nothing that was seen of them counts any more."""
        self._gaps.forget(partitions)
        self._watchdog.forget(partitions)

    def look(self, consumer: Any, now: float) -> bool:
        """Look when it is time, seek where that helps; True: only joining anew does.

        Raises the client's errors, of which its `poll` says nothing.
        """
        if now < self._look_at:
            return False
        self._look_at = now + self._pause
        assigned = sorted(consumer.assignment())
        if not assigned:
            # Nothing to look at, but the question alone tells whether Kafka is there: a member
            # that waits to join would wait for a silent broker without a word.
            first = [KafkaPartition(topic, 0) for topic in self._topics]
            consumer.end_offsets(first, timeout_ms=_ENDS_MS)
            self._observer.answered()
            return False
        ends = _plain(consumer.end_offsets(assigned, timeout_ms=_ENDS_MS))
        told = {p: consumer.position(p, timeout_ms=_POSITION_MS) for p in assigned}
        # Also on a quiet topic: only a broker can tell where a partition ends.
        self._observer.answered()
        positions = _plain({p: at for p, at in told.items() if at is not None})
        self._observer.lag({p: max(0, ends.get(p, at) - at) for p, at in positions.items()})
        # They stand still because we want it so.
        held = {(p.topic, p.partition) for p in consumer.paused()}
        self._watchdog.forget(held)
        going = {p: at for p, at in positions.items() if p not in held}
        if self._unstall(consumer, going, ends, now):
            return True
        self._read_ends_again(consumer, going)
        return False

    def _unstall(
        self,
        consumer: Any,
        positions: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
        now: float,
    ) -> bool:
        remedies = self._watchdog.look(positions, ends, now)
        for partition, remedy in remedies.items():
            self._observer.stalled(partition, remedy, positions[partition])
        if Remedy.REJOIN in remedies.values():
            return True
        for partition in remedies:
            consumer.seek(KafkaPartition(*partition), positions[partition])
        return False

    def _read_ends_again(self, consumer: Any, positions: Mapping[TopicPartition, int]) -> None:
        """A record that was skipped at the very end would be missed with the next one only."""
        for partition, position in positions.items():
            checked = self._gaps.check_end(partition, position)
            for finding in checked.findings:
                self._observer.gap(partition, finding.verdict, finding.missing)
            if checked.seek_to is not None:
                consumer.seek(KafkaPartition(*partition), checked.seek_to)


def _plain(offsets: Mapping[KafkaPartition, int]) -> dict[TopicPartition, int]:
    return {(p.topic, p.partition): offset for p, offset in offsets.items()}
