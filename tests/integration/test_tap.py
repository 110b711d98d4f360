"""A tap on real Kafka: it sees what production would see, and production cannot see it."""

import hashlib
import json
import os
import signal
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.ledger import upgrade
from consumer.experiments.reading import TopicReader
from consumer.experiments.sinks.topic import WAY_HEADER
from consumer.experiments.span import Beginning, Edge, Now, Offsets, Span
from consumer.wire import encode_event
from tests.support.factories import make_event
from tests.support.kafka import Kafka, until
from tests.support.messenger import Messenger
from tests.support.process import Process

EVENT = make_event()
KEY, VALUE = EVENT.atom.encode(), encode_event(EVENT)


def test_a_tap_leaves_no_trace_in_production(tmp_path: Path, kafka: Kafka) -> None:
    """Neither group, nor offsets, nor topics, nor ledger are other than before."""
    with Messenger(tmp_path, kafka, partitions=2) as messenger:
        kafka.produce(messenger.events, [(KEY, VALUE, 0), (KEY, VALUE, 1), (b"k", b"{", 1)])
        upgrade(messenger.ledger_url)
        _commit(messenger)
        copy = kafka.create_topic("copy")
        before = _production(messenger)

        told = messenger.command("tap", "--from", "beginning", "--to", "now", "--json")
        assert told.returncode == 0, told.stderr
        lines = [json.loads(line) for line in told.stdout.splitlines()]
        assert sorted(line["readable"] for line in lines) == [False, True, True]
        assert "3 records read, 2 events; 1 records unreadable; 3 written" in told.stderr

        copied = messenger.command(
            "tap", "--from", "beginning", "--to", "now", "--into", f"topic:{copy}"
        )
        assert copied.returncode == 0, copied.stderr
        assert sorted((record.key, record.value) for record in kafka.read_all(copy)) == sorted(
            [(KEY, VALUE), (KEY, VALUE), (b"k", b"{")]
        )
        assert {name for r in kafka.read_all(copy) for name, _ in r.headers} == {WAY_HEADER}

        _follow_live(messenger)
        assert _production(messenger) == before | {(messenger.events, 0): 2}


def _follow_live(messenger: Messenger) -> None:
    """One new event is shown; SIGTERM ends it in order."""
    out = messenger.folder / "live.ndjson"
    program = ("consumer", "tap", "-c", str(messenger.config), "--into", f"file:{out}")
    log = messenger.folder / "tap.log"
    process = Process(*program, "--filter", 'state == "CRITICAL"', stdout=log, env=os.environ)
    try:
        until(lambda: "following" in log.read_text(), "a tap that follows", pause_seconds=0.1)
        messenger.kafka.produce(messenger.events, [(KEY, VALUE, 0)])
        until(lambda: out.read_text().endswith("\n"), "a whole line", pause_seconds=0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30.0) == 0
    finally:
        process.kill()
    assert json.loads(out.read_text().splitlines()[-1])["event"]["id"] == EVENT.id


def test_markers_of_transactions_aborted_records_and_empty_partitions_hinder_nobody(
    kafka: Kafka,
) -> None:
    topic = kafka.create_topic("alarm-events", 3)
    kafka.produce(topic, [(None, b"plain", 0)])
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap, transactional_id=f"{topic}-transactions"
    )
    try:
        producer.init_transactions()
        for word in (b"commit", b"abort"):
            producer.begin_transaction()
            for partition in (0, 1):
                producer.send(topic, value=word, partition=partition)
            getattr(producer, f"{word.decode()}_transaction")()
    finally:
        producer.close(timeout=5)

    assert _values(kafka, topic, Beginning()) == [
        (0, 0, b"plain"),
        (0, 1, b"commit"),
        (1, 0, b"commit"),
    ]
    assert _values(kafka, topic, Offsets({(None, 1): 1})) == []


def _values(kafka: Kafka, topic: str, start: Edge) -> list[tuple[int, int, bytes | None]]:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap)
    span = Span(start=start, end=Now())
    with TopicReader(settings, [topic], span, SystemClock()) as reader:
        read = [record for batch in reader.batches() for record in batch]
    return sorted((record.partition, record.offset, record.value) for record in read)


def _commit(messenger: Messenger) -> None:
    """The group has done one record, and nobody is in it."""
    consumer = KafkaConsumer(
        bootstrap_servers=messenger.kafka.bootstrap,
        group_id=messenger.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        consumer.assign([TopicPartition(messenger.events, 1)])
        until(lambda: consumer.poll(timeout_ms=200, max_records=1), "a record")
        consumer.commit()
    finally:
        consumer.close(autocommit=False)


def _production(messenger: Messenger) -> dict[object, object]:
    """All that a tap could have touched."""
    kafka = messenger.kafka
    topics = (messenger.events, messenger.tracking, messenger.dead_letters)
    with kafka.admin() as admin:
        groups = sorted(str(group["group_id"]) for group in admin.list_groups())
    ledger = Path(messenger.ledger_url.removeprefix("sqlite:///"))
    return _ends(kafka, topics) | {
        "groups": groups,
        "committed": kafka.committed(messenger.group, messenger.events),
        "ledger": hashlib.sha256(ledger.read_bytes()).hexdigest(),
    }


def _ends(kafka: Kafka, topics: tuple[str, ...]) -> dict[object, object]:
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap)
    try:
        found = [
            TopicPartition(topic, number)
            for topic in topics
            for number in consumer.partitions_for_topic(topic)
        ]
        return {(p.topic, p.partition): end for p, end in consumer.end_offsets(found).items()}
    finally:
        consumer.close(autocommit=False)
