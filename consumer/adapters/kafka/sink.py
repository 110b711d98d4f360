"""The producer of tracking records and dead letters."""

import contextlib
from collections.abc import Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from consumer.adapters.kafka.config import KafkaSettings, producer_config
from consumer.domain.errors import BrokerUnavailable
from consumer.ports import OnAck


class KafkaSink:
    """Sends records; each is acknowledged by all in-sync replicas or said to have failed."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: Any = None

    def open(self) -> None:
        """Connect; raises BrokerUnavailable."""
        if self._producer is None:
            try:
                self._producer = KafkaProducer(**producer_config(self._settings))
            except KafkaError as error:
                raise BrokerUnavailable(
                    f"Kafka at {self._settings.bootstrap_servers} does not answer: {error}"
                ) from error

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
        on_ack: OnAck,
    ) -> None:
        """Hand a record to the client; `on_ack` is called from the client's thread, once."""
        try:
            self.open()
            future = self._producer.send(topic, key=key, value=value, headers=list(headers))
        except (KafkaError, BrokerUnavailable) as error:
            on_ack(error)
            return
        future.add_callback(lambda _: on_ack(None))
        future.add_errback(on_ack)

    def flush(self, timeout_seconds: float) -> None:
        """Have everything sent now, or raise BrokerUnavailable."""
        if self._producer is None:
            return
        try:
            self._producer.flush(timeout_seconds)
        except KafkaError as error:
            raise BrokerUnavailable(f"Kafka did not take all records: {error}") from error

    def renew(self) -> None:
        """Start over with a new producer: an idempotent one that failed for good stays failed."""
        self.close(0.0)

    def close(self, timeout_seconds: float) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(KafkaError):
                producer.close(timeout=timeout_seconds)
