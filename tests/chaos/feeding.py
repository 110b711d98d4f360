"""The producer of the events: in order, over the whole run, whatever befalls the broker."""

import threading
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from kafka import KafkaProducer

from tests.chaos.traffic import Item

#: The header that numbers the records: what is on the topic can be held against the plan.
NUMBER = "chaos-number"
#: Longer than any outage of the broker (seconds).
_PATIENCE = 120.0


class Feeder:
    """A thread that produces each item when it is due. Idempotent, acknowledged by all."""

    def __init__(self, bootstrap: str, topic: str, items: Sequence[Item]) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._items = items
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)
        self._error: BaseException | None = None
        self.sent = 0

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Until all are acknowledged; raises what went wrong."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            with closing(self._producer()) as producer:
                self._feed(producer)
        except BaseException as error:  # noqa: BLE001 - told by `join`
            self._error = error

    def _producer(self) -> KafkaProducer:
        patience_ms = int(_PATIENCE * 1000)
        return KafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            acks="all",
            linger_ms=5,
            max_block_ms=patience_ms,
            delivery_timeout_ms=patience_ms,
            request_timeout_ms=10_000,
            reconnect_backoff_max_ms=500,
        )

    def _feed(self, producer: KafkaProducer) -> None:
        began = time.monotonic()
        sent = []
        for item in self._items:
            _sleep_until(began + item.due)
            headers = [(NUMBER, str(item.number).encode())]
            sent.append(producer.send(self._topic, key=item.key, value=item.value, headers=headers))
            self.sent += 1
        producer.flush(timeout=_PATIENCE)
        for future in sent:
            future.get(timeout=0)


def _sleep_until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > 0:
        time.sleep(left)


def number_of(record: Any) -> int:
    """Which item a record of the topic is."""
    return int(dict(record.headers)[NUMBER])
