"""The producer of tracking records and dead letters."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RetriableError,
)

from consumer.adapters.kafka.config import KafkaSettings, producer_config
from consumer.domain.errors import BrokerUnavailable, InvalidMessage
from consumer.domain.reasons import Reason
from consumer.ports import OnAck

#: Seconds for a producer that failed for good to say so of all that it still has.
_LAST_WORDS: Final = 1.0


class KafkaSink:
    """Sends records; each is acknowledged by all in-sync replicas or said to have failed."""

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        flushed: bool = False,
        make_producer: Callable[..., Any] = KafkaProducer,
    ) -> None:
        """`flushed`: a flush follows all that is sent together; until then records may wait."""
        self._settings = settings
        self._flushed = flushed
        self._make_producer = make_producer
        self._producer: Any = None
        #: An idempotent producer that failed for good fails whatever it is given from then on.
        self._spent = False

    def open(self) -> None:
        """Connect, anew after a failure for good; raises BrokerUnavailable."""
        if self._spent:
            self.close(_LAST_WORDS)
        if self._producer is None:
            config = producer_config(self._settings, flushed=self._flushed)
            try:
                self._producer = self._make_producer(**config)
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
        """Hand a record to the client; `on_ack` is called from the client's thread, once.

        It is told InvalidMessage when Kafka takes no record of this size.
        """
        if key is None and value is None:
            value = b""  # the client refuses what a broker would take
        try:
            self.open()
            future = self._producer.send(topic, key=key, value=value, headers=list(headers))
        except (KafkaError, BrokerUnavailable) as error:
            on_ack(_in_our_words(error))
            return
        future.add_callback(lambda _: on_ack(None))
        future.add_errback(lambda error: self._failed(error, on_ack))

    def _failed(self, error: Exception, on_ack: OnAck) -> None:
        if not isinstance(error, RetriableError):
            self._spent = True
        on_ack(_in_our_words(error))

    def flush(self, timeout_seconds: float) -> None:
        """Have everything sent now, or raise BrokerUnavailable."""
        if self._producer is None:
            return
        try:
            self._producer.flush(timeout_seconds)
        except KafkaError as error:
            raise BrokerUnavailable(f"Kafka did not take all records: {error}") from error

    def close(self, timeout_seconds: float) -> None:
        producer, self._producer, self._spent = self._producer, None, False
        if producer is not None:
            with contextlib.suppress(KafkaError):
                producer.close(timeout=timeout_seconds)


def _in_our_words(error: Exception) -> Exception:
    if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
        return InvalidMessage(Reason.TOO_LARGE, str(error))
    return error
