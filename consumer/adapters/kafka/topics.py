"""Topics: create them, describe them, read them from end to end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import TracebackType
from typing import Any, Self

import msgspec
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.structs import TopicPartition as KafkaPartition

from consumer.adapters.kafka.client_quirks import ensure_reachable
from consumer.adapters.kafka.config import KafkaSettings, client_config
from consumer.adapters.kafka.records import record_of
from consumer.adapters.kafka.unreadable import step_over_unreadable
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.record import Record

#: Milliseconds for the look beyond the end that was seen.
_LAST_LOOK_MS = 200


class TopicState(msgspec.Struct, frozen=True, kw_only=True):
    """One partition of a topic, as the broker and the group have it."""

    topic: str
    partition: int
    first: int
    end: int
    committed: int | None

    @property
    def lag(self) -> int:
        """Records that the group has still to do."""
        return max(0, self.end - self.first - self.done)

    @property
    def done(self) -> int:
        """Records that the group has done, of those that are there."""
        return 0 if self.committed is None else max(0, self.committed - self.first)


class TopicAdmin:
    """Creates and describes topics. A context manager; raises BrokerUnavailable."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings

    def __enter__(self) -> Self:
        ensure_reachable(self._settings)
        try:
            self._admin = KafkaAdminClient(**client_config(self._settings))
            self._consumer = KafkaConsumer(
                **client_config(self._settings),
                group_id=self._settings.group_id,
                enable_auto_commit=False,
            )
        except KafkaError as error:
            raise _unavailable(self._settings, error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._consumer.close(autocommit=False)
        self._admin.close()

    def create(self, names: Sequence[str], partitions: int, replication: int) -> list[str]:
        """Create what is missing; returns the names of the new ones."""
        created = []
        for name in names:
            try:
                self._admin.create_topics(
                    {name: {"num_partitions": partitions, "replication_factor": replication}},
                    wait_for_metadata=True,
                )
            except TopicAlreadyExistsError:
                continue
            except KafkaError as error:
                raise _unavailable(self._settings, error) from error
            created.append(name)
        return created

    def describe(self, names: Sequence[str]) -> list[TopicState]:
        """The partitions of those topics that exist."""
        try:
            return [state for name in names for state in self._describe(name)]
        except KafkaError as error:
            raise _unavailable(self._settings, error) from error

    def _describe(self, name: str) -> Iterator[TopicState]:
        numbers = self._consumer.partitions_for_topic(name) or ()
        partitions = [KafkaPartition(name, number) for number in sorted(numbers)]
        if not partitions:
            return
        firsts = self._consumer.beginning_offsets(partitions)
        ends = self._consumer.end_offsets(partitions)
        for partition in partitions:
            yield TopicState(
                topic=name,
                partition=partition.partition,
                first=firsts[partition],
                end=ends[partition],
                committed=self._consumer.committed(partition),
            )


def missing_topics(settings: KafkaSettings, names: Sequence[str]) -> Mapping[str, str | None]:
    """Those of the topics that are not there, each with the topic whose name is nearest to it.

    Nothing is created by asking. Raises BrokerUnavailable.
    """
    ensure_reachable(settings)
    try:
        consumer = KafkaConsumer(**client_config(settings), group_id=None)
        try:
            there = consumer.topics()
        finally:
            consumer.close(autocommit=False)
    except KafkaError as error:
        raise _unavailable(settings, error) from error
    return {
        name: next(iter(get_close_matches(name, there, 1)), None)
        for name in dict.fromkeys(names)
        if name not in there
    }


def read_topic(
    settings: KafkaSettings, topic: str, wanted: Callable[[Record], bool] | None = None
) -> Iterator[Record]:
    """All records of a topic up to its present end, outside of any group, changing nothing.

    Raises BrokerUnavailable.
    """
    ensure_reachable(settings)
    try:
        consumer = KafkaConsumer(
            **client_config(settings), group_id=None, auto_offset_reset="earliest"
        )
        step_over_unreadable(consumer)
        try:
            yield from _read(consumer, topic, wanted)
        finally:
            consumer.close(autocommit=False)
    except KafkaError as error:
        raise _unavailable(settings, error) from error


def _read(consumer: Any, topic: str, wanted: Callable[[Record], bool] | None) -> Iterator[Record]:
    partitions = [KafkaPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
    if not partitions:
        return
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    left = {p for p in partitions if consumer.position(p) < ends[p]}
    while left:
        yield from _wanted(consumer.poll(timeout_ms=500), wanted)
        left = {p for p in left if consumer.position(p) < ends[p]}
    # One more look: a record may have come since, and Tansu's ends are sometimes one behind.
    yield from _wanted(consumer.poll(timeout_ms=_LAST_LOOK_MS), wanted)


def _wanted(
    batches: Mapping[Any, Sequence[Any]], wanted: Callable[[Record], bool] | None
) -> Iterator[Record]:
    for batch in batches.values():
        for record in map(record_of, batch):
            if wanted is None or wanted(record):
                yield record


def _unavailable(settings: KafkaSettings, error: Exception) -> BrokerUnavailable:
    what = str(error) or type(error).__name__
    return BrokerUnavailable(f"Kafka at {settings.bootstrap_servers} does not answer: {what}")
