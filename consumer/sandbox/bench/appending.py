"""Events into the topic: a backlog as fast as Kafka takes it, or one by one at a pace.

    python -m consumer.sandbox.bench.appending BOOTSTRAP TOPIC EVENTS ATOMS PARTITION

appends a storm from a process of its own, beside whoever measures.
"""

import sys
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.config import KafkaSettings, producer_config
from consumer.domain.errors import BrokerUnavailable
from consumer.ports import Clock
from consumer.sandbox.traffic import TrafficRecord, generate_atoms

#: Key and value.
Record = tuple[bytes, bytes]

#: A backlog is written in large batches: nobody waits for its single records.
_BACKLOG = {"linger_ms": 50, "batch_size": 512 * 1024, "compression_type": None}
_FLUSH_SECONDS = 60.0


class Appender:
    """A producer that appends and remembers when. Raises BrokerUnavailable."""

    def __init__(self, settings: KafkaSettings, clock: Clock, **config: Any) -> None:
        self._clock = clock
        self._producer = KafkaProducer(**producer_config(settings) | config)
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._producer.close(timeout=5)

    def append(self, topic: str, record: Record, partition: int | None = None) -> float:
        """Hand it to the client; the time just before it, epoch seconds."""
        key, value = record
        at = self._clock.now()
        sent = self._producer.send(topic, key=key, value=value, partition=partition)
        sent.add_errback(self._failed)
        return at

    def flush(self) -> None:
        """Have all of them acknowledged."""
        try:
            self._producer.flush(timeout=_FLUSH_SECONDS)
        except KafkaError as error:
            self._failed(error)
        if self._error is not None:
            raise BrokerUnavailable(f"Kafka did not take all events: {self._error}")

    def _failed(self, error: Exception) -> None:
        self._error = error


def append_backlog(
    settings: KafkaSettings,
    topic: str,
    records: Iterable[Record],
    clock: Clock,
    partition: int | None = None,
) -> None:
    """All of them, acknowledged on return."""
    with Appender(settings, clock, **_BACKLOG) as appender:
        for record in records:
            appender.append(topic, record, partition)
        appender.flush()


def paced(
    append: Callable[[Record], float], records: Iterable[Record], per_second: float, clock: Clock
) -> list[float]:
    """One after the other at a steady pace; what `append` said of each."""
    begun = clock.monotonic()
    times: list[float] = []
    for number, record in enumerate(records):
        ahead = begun + number / per_second - clock.monotonic()
        if ahead > 0:
            clock.wait(ahead)
        times.append(append(record))
    return times


class _Named(msgspec.Struct):
    id: str


def event_id(record: TrafficRecord) -> str:
    """The id of the event in it."""
    return msgspec.json.decode(record.value, type=_Named).id


def main(bootstrap: str, topic: str, events: str, atoms: str, partition: str) -> None:
    """Append a storm of the load catalog's tenant."""
    clock = SystemClock()
    records = generate_atoms(int(events), int(atoms), 1, int(clock.now() * 1000))
    append_backlog(
        KafkaSettings(bootstrap_servers=bootstrap),
        topic,
        ((record.key, record.value) for record in records),
        clock,
        int(partition),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
