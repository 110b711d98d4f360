"""The producer of the events: in order, over the whole run, whatever befalls the broker.

    python -m tests.chaos.feeding BOOTSTRAP TOPIC FILE [TRANSACTIONAL_ID]

A process of its own: kafka-python leaves sockets behind when its broker goes away.
"""

import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaProducer

from tests.chaos.traffic import Item
from tests.support.process import Process

#: The header that numbers the records: what is on the topic can be held against the plan.
NUMBER = "chaos-number"
#: The header of records whose transaction was aborted.
ABORTED = "chaos-aborted"
#: With transactions: so many records in each, and every so many-th is aborted first.
_TRANSACTION, _ABORTED_EVERY = 10, 5
#: Longer than any outage of the broker (seconds).
_PATIENCE = 120.0


class Feeder:
    """Produces each item when it is due. Idempotent, acknowledged by all."""

    def __init__(
        self,
        folder: Path,
        bootstrap: str,
        topic: str,
        items: Sequence[Item],
        transactional_id: str | None = None,
    ) -> None:
        file = folder / "items.msgpack"
        file.write_bytes(msgspec.msgpack.encode(items))
        self._log = folder / "feeder.log"
        self._arguments = [bootstrap, topic, str(file)]
        self._arguments += [] if transactional_id is None else [transactional_id]
        self._process: Process | None = None

    def start(self) -> None:
        self._log.unlink(missing_ok=True)
        self._process = Process("tests.chaos.feeding", *self._arguments, stdout=self._log)

    def join(self) -> None:
        """Until all are acknowledged."""
        assert self._process is not None
        assert self._process.wait() == 0, self._log.read_text(encoding="utf-8")[-2000:]

    def stop(self) -> None:
        """At once, if it is still at it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def number_of(record: Any) -> int:
    """Which item a record of the topic is."""
    return int(dict(record.headers)[NUMBER])


def main(bootstrap: str, topic: str, file: str, transactional_id: str | None = None) -> None:
    items = msgspec.msgpack.decode(Path(file).read_bytes(), type=list[Item])
    patience_ms = int(_PATIENCE * 1000)
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        transactional_id=transactional_id,
        acks="all",
        linger_ms=5,
        max_block_ms=patience_ms,
        delivery_timeout_ms=patience_ms,
        request_timeout_ms=10_000,
        reconnect_backoff_max_ms=500,
    )
    with closing(producer):
        feed = _feed if transactional_id is None else _feed_in_transactions
        for future in feed(producer, topic, items):
            future.get(timeout=0)


def _feed(producer: KafkaProducer, topic: str, items: Sequence[Item]) -> list[Any]:
    began = time.monotonic()
    sent = []
    for item in items:
        _wait(began + item.due)
        sent.append(_send(producer, topic, item))
    producer.flush(timeout=_PATIENCE)
    return sent


def _feed_in_transactions(producer: KafkaProducer, topic: str, items: Sequence[Item]) -> list[Any]:
    began = time.monotonic()
    producer.init_transactions()
    sent = []
    for number, place in enumerate(range(0, len(items), _TRANSACTION)):
        some = items[place : place + _TRANSACTION]
        _wait(began + some[-1].due)
        if number % _ABORTED_EVERY == 0:
            producer.begin_transaction()
            for item in some:
                _send(producer, topic, item, (ABORTED, b"1"))
            producer.flush(timeout=_PATIENCE)
            producer.abort_transaction()
        producer.begin_transaction()
        sent += [_send(producer, topic, item) for item in some]
        producer.commit_transaction()
    return sent


def _send(producer: KafkaProducer, topic: str, item: Item, *more: tuple[str, bytes]) -> Any:
    headers = [(NUMBER, str(item.number).encode()), *more]
    return producer.send(
        topic, key=item.key, value=item.value, headers=headers, partition=item.partition
    )


def _wait(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))  # the traffic has its pace


if __name__ == "__main__":
    main(*sys.argv[1:])
