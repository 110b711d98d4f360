"""The broker's own latency: a consumer that only notes when each event came.

    python -m consumer.sandbox.bench.bare_reader BOOTSTRAP TOPIC FILE

With the settings of Messenger's own consumer. FILE gets a line for each event: epoch seconds and
event id. It says `ready` on standard output when it listens, and ends on SIGTERM.
"""

import signal
import sys
from pathlib import Path
from typing import TextIO

import msgspec
from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.config import KafkaSettings, consumer_config


class _Named(msgspec.Struct):
    id: str


def main(bootstrap: str, topic: str, file: str) -> None:
    """Note all that comes from now on."""
    settings = KafkaSettings(bootstrap_servers=bootstrap)
    consumer = KafkaConsumer(**consumer_config(settings) | {"group_id": None})
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    for partition in partitions:
        consumer.position(partition)
    with Path(file).open("w", encoding="utf-8", buffering=1) as noted:
        print("ready", flush=True)  # noqa: T201  # whoever started it waits for this
        _note_all(consumer, noted)


def _note_all(consumer: KafkaConsumer, noted: TextIO) -> None:
    clock, decoder = SystemClock(), msgspec.json.Decoder(_Named)
    while True:
        batches = consumer.poll(timeout_ms=500)
        now = clock.now()
        for records in batches.values():
            for record in records:
                noted.write(f"{now!r} {decoder.decode(record.value).id}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(0)
