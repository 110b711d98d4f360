"""The producer's side: each record is acknowledged or said to have failed, once; none is a trap."""

from typing import Any

import pytest
from kafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)

from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.kafka.sink import KafkaSink
from consumer.domain.errors import BrokerUnavailable, InvalidMessage
from tests.unit.adapters.kafka.fakes import FakeProducer


class Rig:
    def __init__(self) -> None:
        self.made: list[FakeProducer] = []
        self.open_error: Exception | None = None
        settings = KafkaSettings(bootstrap_servers="kafka:9092")
        self.sink = KafkaSink(settings, make_producer=self._make)

    def _make(self, **config: Any) -> FakeProducer:
        if self.open_error is not None:
            raise self.open_error
        self.made.append(FakeProducer(**config))
        return self.made[-1]

    def send(self, key: bytes | None = b"k", value: bytes | None = b"v") -> Exception | None:
        told: list[Exception | None] = []
        self.sink.send("topic", key, value, [("h", b"1")], told.append)
        (answer,) = told
        return answer

    @property
    def producer(self) -> FakeProducer:
        return self.made[-1]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_an_acknowledged_record_is_said_to_be(rig: Rig) -> None:
    assert rig.send() is None
    assert rig.producer.sent == [("topic", b"k", b"v", [("h", b"1")])]
    assert (rig.producer.config["enable_idempotence"], rig.producer.config["acks"]) == (True, "all")


def test_a_tombstone_without_a_key_can_be_written(rig: Rig) -> None:
    """As a dead letter. The client raises ValueError: in the tracker's thread that is the end."""
    assert rig.send(None, None) is None
    assert rig.producer.sent[0][1:3] == (None, b"")


def test_a_tombstone_with_a_key_stays_one(rig: Rig) -> None:
    assert rig.send(b"k", None) is None
    assert rig.producer.sent[0][1:3] == (b"k", None)


def test_a_client_that_cannot_be_made_fails_the_record_and_is_made_later(rig: Rig) -> None:
    rig.open_error = KafkaConnectionError("refused")
    assert isinstance(rig.send(), BrokerUnavailable)
    rig.open_error = None
    assert rig.send() is None


def test_a_failure_that_passes_keeps_the_producer(rig: Rig) -> None:
    rig.send()
    rig.producer.acks = [KafkaTimeoutError("slow")]
    assert isinstance(rig.send(), KafkaTimeoutError)
    assert rig.send() is None
    assert len(rig.made) == 1


def test_after_a_failure_for_good_the_next_record_gets_a_new_producer(rig: Rig) -> None:
    """An idempotent producer of this client refuses everything after such an error."""
    rig.send()
    rig.producer.acks = [TopicAuthorizationFailedError("no")]
    assert isinstance(rig.send(), TopicAuthorizationFailedError)
    assert rig.send() is None
    assert [len(producer.closed) for producer in rig.made] == [1, 0]


@pytest.mark.parametrize("where", ["raises", "acks"])
def test_a_record_too_large_for_kafka_is_said_to_be_invalid(rig: Rig, where: str) -> None:
    rig.send()
    setattr(rig.producer, where, [MessageSizeTooLargeError("3 MB")])
    error = rig.send()
    assert isinstance(error, InvalidMessage)
    assert "3 MB" in str(error)
    assert rig.send() is None


def test_a_flush_that_fails_is_an_outage(rig: Rig) -> None:
    rig.sink.flush(1.0)
    rig.send()
    rig.producer.flush_error = KafkaTimeoutError("slow")
    with pytest.raises(BrokerUnavailable, match="slow"):
        rig.sink.flush(1.0)


def test_closing_waits_as_long_as_it_is_told_to(rig: Rig) -> None:
    rig.sink.close(2.0)
    rig.send()
    rig.sink.close(2.0)
    rig.sink.close(2.0)
    assert rig.producer.closed == [2.0]
