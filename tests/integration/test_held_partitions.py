"""A partition that was held alone goes on where it stopped, on the real client and broker."""

from contextlib import closing

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.kafka.source import KafkaSource
from tests.support.kafka import Kafka, until
from tests.unit.adapters.kafka.source_rig import Worker

STORM, QUIET = 0, 1
RECORDS = 3_000


def test_a_partition_that_was_held_while_others_brought_records_goes_on(kafka: Kafka) -> None:
    """The client sets aside what it had fetched of it, and is not to forget it there."""
    topic = kafka.create_topic("held-events", partitions=2)
    kafka.produce(topic, ((b"s", b"%d" % n, STORM) for n in range(RECORDS)))
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap, group_id=topic)
    worker = Worker()
    source = KafkaSource(settings, [topic], assignment=worker, observer=worker, clock=SystemClock())
    read: dict[int, list[int]] = {STORM: [], QUIET: []}

    def read_on(partition: int, count: int) -> None:
        """Until so many records of the partition are there."""

        def enough() -> bool:
            for record in source.poll(0.1):
                read[record.partition].append(record.offset)
            return len(read[partition]) >= count

        until(enough, f"{count} records of partition {partition}")

    with closing(source):
        read_on(STORM, 1)
        for turn in range(1, 4):
            before = len(read[STORM])
            source.hold({(topic, STORM)})
            kafka.produce(topic, [(b"q", b"%d" % turn, QUIET)])
            read_on(QUIET, turn)
            assert len(read[STORM]) == before
            source.hold(())
            read_on(STORM, before + 1)
        read_on(STORM, RECORDS)
    assert read == {STORM: list(range(RECORDS)), QUIET: [0, 1, 2]}
    assert worker.of("stalled", "gap") == []
