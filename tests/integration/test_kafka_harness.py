"""The test broker does what the other tests rely on, and kafka-python works against it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from consumer.adapters.kafka.joining import finish_join, keep_finished_joins
from tests.support.kafka import Kafka, KafkaBroker, until


def _member(kafka: Kafka, topic: str, group: str) -> Any:
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=kafka.bootstrap,
        group_id=group,
        partition_assignment_strategy=[CooperativeStickyAssignor],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=20_000,  # who is slow on a busy machine stays a member
        heartbeat_interval_ms=300,
    )
    keep_finished_joins(consumer)
    return consumer


def test_records_are_read_back_in_offset_order(kafka: Kafka) -> None:
    topic = kafka.create_topic("harness", partitions=2)
    kafka.produce(topic, [(b"a", b"%d" % n, n % 2) for n in range(10)])
    read = [(r.partition, r.offset, r.value) for r in kafka.read_all(topic)]
    assert read == [(p, n, b"%d" % (2 * n + p)) for p in (0, 1) for n in range(5)]


def test_a_topic_without_records_is_read_as_empty(kafka: Kafka) -> None:
    assert kafka.read_all(kafka.create_topic("harness", partitions=3)) == []


def test_a_group_consumes_and_its_commits_are_seen(kafka: Kafka) -> None:
    topic = kafka.create_topic("harness", partitions=2)
    kafka.produce(topic, [(b"a", b"x", n % 2) for n in range(6)])
    assert kafka.committed(topic, topic) == {}
    seen: list[Any] = []
    with closing(_member(kafka, topic, group=topic)) as member:

        def all_read() -> bool:
            for records in member.poll(timeout_ms=100).values():
                seen.extend(records)
            finish_join(member)
            return len(seen) >= 6

        until(all_read, "six records")
        member.commit()
    assert len(seen) == 6
    assert kafka.committed(topic, topic) == {0: 3, 1: 3}


def test_a_second_member_takes_half_of_the_partitions(kafka: Kafka) -> None:
    topic = kafka.create_topic("harness", partitions=4)
    stop = threading.Event()
    held: dict[str, set[int]] = {}

    def poll(name: str) -> None:
        with closing(_member(kafka, topic, topic)) as member:
            while not stop.is_set():
                member.poll(timeout_ms=500)
                finish_join(member)
                held[name] = {part.partition for part in member.assignment()}

    with ThreadPoolExecutor(2) as pool:
        try:
            members = [pool.submit(poll, "one")]
            until(lambda: len(held.get("one", ())) == 4, "all partitions for the first")
            members.append(pool.submit(poll, "two"))
            until(lambda: [len(parts) for parts in held.values()] == [2, 2], "two partitions each")
        finally:
            stop.set()
        for member in members:
            member.result()
    assert held["one"] | held["two"] == {0, 1, 2, 3}


def test_a_killed_broker_comes_back_at_its_address_with_its_records(
    own_kafka: KafkaBroker,
) -> None:
    topic = own_kafka.create_topic("harness")
    own_kafka.produce(topic, [(b"a", b"before")])
    address = own_kafka.bootstrap
    own_kafka.restart(kill=True)
    own_kafka.produce(topic, [(b"a", b"after")])
    assert own_kafka.bootstrap == address
    assert [r.value for r in own_kafka.read_all(topic)] == [b"before", b"after"]


def test_a_frozen_broker_answers_nobody_until_it_thaws(own_kafka: KafkaBroker) -> None:
    own_kafka.pause()
    assert not own_kafka.answers()
    own_kafka.cont()
    until(own_kafka.answers, "an answer after the thaw")
