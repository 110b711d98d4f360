"""The embedded broker carries what the demo needs: topics, records, groups, commits."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from kafka import KafkaConsumer

from consumer.adapters.kafka.joining import finish_join, keep_finished_joins
from consumer.sandbox.broker import EmbeddedBroker, answers
from tests.support.kafka import Kafka, until


@pytest.fixture(scope="module")
def embedded() -> Iterator[Kafka]:
    with EmbeddedBroker() as broker:
        yield Kafka(broker.bootstrap)


def test_records_keep_their_partition_and_order(embedded: Kafka) -> None:
    topic = embedded.create_topic("embedded", partitions=3)
    embedded.produce(topic, [(b"a", b"%d" % n, n % 3) for n in range(9)])
    read = [(r.partition, r.value) for r in _read(embedded, topic, 9)]
    assert sorted(read) == [(p, b"%d" % (3 * n + p)) for p in range(3) for n in range(3)]


def test_a_group_commits_and_goes_on_from_there(embedded: Kafka) -> None:
    topic = embedded.create_topic("embedded")
    embedded.produce(topic, [(b"a", b"1"), (b"a", b"2")])
    assert [r.value for r in _read(embedded, topic, 2)] == [b"1", b"2"]
    assert embedded.committed(topic, topic) == {0: 2}
    embedded.produce(topic, [(b"a", b"3")])
    assert [r.value for r in _read(embedded, topic, 1)] == [b"3"]


def test_after_a_stop_nobody_answers() -> None:
    broker = EmbeddedBroker()
    broker.start()
    assert answers(broker.bootstrap)
    broker.stop()
    assert not answers(broker.bootstrap)


def _read(kafka: Kafka, topic: str, count: int) -> list[Any]:
    """Read `count` records as a group of the topic's name, and commit.

    Counted, because Tansu 0.6.0 gives an end offset that is too low after a batch of several.
    """
    read: list[Any] = []
    member = KafkaConsumer(
        topic,
        bootstrap_servers=kafka.bootstrap,
        group_id=topic,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=2000,
        heartbeat_interval_ms=200,
    )
    keep_finished_joins(member)
    with closing(member):

        def enough() -> bool:
            for records in member.poll(timeout_ms=200).values():
                read.extend(records)
            finish_join(member)
            return len(read) >= count

        until(enough, f"{count} records of {topic}")
        member.commit()
    return read
