"""Kafka clients with the defects that kafka-python is known to have had, each once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition

#: Records of a partition that pass before its defect shows.
_SOUND = 20
_Batches = Mapping[TopicPartition, Sequence[Any]]


class _Client:
    """A real client, of which a subclass bends one method or two."""

    def __init__(self, *topics: str, **config: Any) -> None:
        self._client: Any = KafkaConsumer(*topics, **config)
        self._seen: Counter[TopicPartition] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class Skipping(_Client):
    """Once on each partition, jumps ahead: some records of a batch are never handed on."""

    def poll(self, **options: Any) -> _Batches:
        batches: _Batches = self._client.poll(**options)
        return {place: self._passed(place, records) for place, records in batches.items()}

    def _passed(self, place: TopicPartition, records: Sequence[Any]) -> Sequence[Any]:
        before = self._seen[place]
        self._seen[place] += len(records)
        if before < _SOUND <= self._seen[place]:
            return records[: len(records) // 3]
        return records


class SilentUntilSeek(_Client):
    """After some records a partition stands still until somebody seeks."""

    def __init__(self, *topics: str, **config: Any) -> None:
        super().__init__(*topics, **config)
        self._silent: set[TopicPartition] = set()
        self._healed: set[TopicPartition] = set()

    def poll(self, **options: Any) -> _Batches:
        batches: _Batches = self._client.poll(**options)
        for place, records in batches.items():
            if self._seen[place] > _SOUND and place not in self._healed:
                self._silent.add(place)
            self._seen[place] += len(records)
            if place in self._silent:
                # Its position stays where it was: as if nothing had come.
                self._client.seek(place, records[0].offset)
        return {place: r for place, r in batches.items() if place not in self._silent}

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._silent.discard(place)
        self._healed.add(place)
        self._client.seek(place, offset)


class SilentUntilRejoin(SilentUntilSeek):
    """Only a new client helps: the second one of a process is sound."""

    _made = 0

    def __init__(self, *topics: str, **config: Any) -> None:
        super().__init__(*topics, **config)
        SilentUntilRejoin._made += 1
        self._sound = SilentUntilRejoin._made > 1

    def poll(self, **options: Any) -> _Batches:
        if self._sound:
            batches: _Batches = self._client.poll(**options)
            return batches
        return super().poll(**options)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._client.seek(place, offset)
