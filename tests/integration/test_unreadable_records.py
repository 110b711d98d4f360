"""A record that the Kafka client cannot decode, in the middle of a batch, on a real broker."""

from contextlib import closing
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from consumer.domain.reasons import Kind
from consumer.sandbox.catalog import write_load_catalog
from tests.support.kafka import Kafka
from tests.support.load import RECIPIENTS, by_event, decoded, load
from tests.support.messenger import Messenger

EVENTS, PLACE = 20, 10


class NotUtf8(str):
    """A header's name as another client may write it; brokers do not look."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


def test_a_record_that_cannot_be_decoded_becomes_a_dead_letter_and_stops_nobody(
    tmp_path: Path, kafka: Kafka
) -> None:
    with Messenger(tmp_path, kafka, partitions=1) as messenger:
        write_load_catalog(messenger.catalog, EVENTS, RECIPIENTS)
        records = load(EVENTS, atoms=EVENTS)
        # Everything in one batch: it is sent when it is flushed.
        with closing(
            KafkaProducer(bootstrap_servers=kafka.bootstrap, linger_ms=60_000)
        ) as producer:
            for number, record in enumerate(records):
                if number == PLACE:
                    producer.send(messenger.events, value=b"?", headers=[(NotUtf8(), b"x")])
                producer.send(messenger.events, key=record.key, value=record.value)
            producer.flush(timeout=30)
        messenger.start("one")
        messenger.until_done(EVENTS + 1)

        events = decoded(records)
        assert by_event(messenger.fake.messages(limit=100)) == dict.fromkeys(events, 1)
        (letter,) = kafka.read_all(messenger.dead_letters)
        assert not letter.value, "it could not be read"
        told = dict(letter.headers)
        assert told["messenger-source-offset"] == b"%d" % PLACE
        assert b"cannot be read from Kafka" in told["messenger-error"]
        (invalid,) = messenger.tracked([Kind.INVALID])
        assert invalid.source == (messenger.events, 0, PLACE)
        assert "UnicodeDecodeError" in invalid.outcome.message
