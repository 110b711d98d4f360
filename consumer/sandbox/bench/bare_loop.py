"""The limit of a storm: a loop that only consumes, and produces one record per event.

    python -m consumer.sandbox.bench.bare_loop BOOTSTRAP EVENTS_TOPIC TRACKING_TOPIC EVENTS

With the client and the settings of Messenger's own consumer and producer (acks=all). It reads
tracking records from standard input, one per line, and produces them over and over. Prints JSON:
`seconds` from the first event to the last acknowledgement, and `cpu_seconds` of the process.
"""

import itertools
import json
import os
import sys
from collections.abc import Sequence

from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import TopicPartition

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.config import KafkaSettings, consumer_config, producer_config
from consumer.sandbox.bench.proc import cpu_seconds

_FLUSH_SECONDS = 60.0


def main(bootstrap: str, events_topic: str, tracking_topic: str, events: str) -> None:
    """Consume so many events and produce as many records."""
    settings = KafkaSettings(bootstrap_servers=bootstrap)
    examples = sys.stdin.buffer.read().splitlines()
    consumer = KafkaConsumer(**consumer_config(settings) | {"group_id": None})
    producer = KafkaProducer(**producer_config(settings))
    partitions = consumer.partitions_for_topic(events_topic)
    consumer.assign([TopicPartition(events_topic, number) for number in partitions])
    print(json.dumps(_loop(consumer, producer, tracking_topic, int(events), examples)))  # noqa: T201
    producer.close(timeout=5)
    consumer.close()


def _loop(
    consumer: KafkaConsumer,
    producer: KafkaProducer,
    topic: str,
    events: int,
    examples: Sequence[bytes],
) -> dict[str, float]:
    clock, values = SystemClock(), itertools.cycle(examples)
    begun = spent = 0.0
    done = 0
    while done < events:
        for records in consumer.poll(timeout_ms=500).values():
            if not done:
                begun, spent = clock.monotonic(), cpu_seconds(os.getpid())
            for record in records:
                producer.send(topic, key=record.key, value=next(values))
            done += len(records)
    producer.flush(timeout=_FLUSH_SECONDS)
    return {
        "seconds": clock.monotonic() - begun,
        "cpu_seconds": cpu_seconds(os.getpid()) - spent,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
