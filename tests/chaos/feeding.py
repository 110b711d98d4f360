"""The producer of the events: in order, over the whole run, whatever befalls the broker.

    python -m tests.chaos.feeding BOOTSTRAP TOPIC FILE

A process of its own: kafka-python leaves sockets behind when its broker goes away.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaProducer

from tests.chaos.traffic import Item

#: The header that numbers the records: what is on the topic can be held against the plan.
NUMBER = "chaos-number"
#: Longer than any outage of the broker (seconds).
_PATIENCE = 120.0


class Feeder:
    """Produces each item when it is due. Idempotent, acknowledged by all."""

    def __init__(self, folder: Path, bootstrap: str, topic: str, items: Sequence[Item]) -> None:
        file = folder / "items.msgpack"
        file.write_bytes(msgspec.msgpack.encode(items))
        self._log = folder / "feeder.log"
        self._command = [sys.executable, "-m", "tests.chaos.feeding", bootstrap, topic, str(file)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

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


def main(bootstrap: str, topic: str, file: str) -> None:
    items = msgspec.msgpack.decode(Path(file).read_bytes(), type=list[Item])
    patience_ms = int(_PATIENCE * 1000)
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        linger_ms=5,
        max_block_ms=patience_ms,
        delivery_timeout_ms=patience_ms,
        request_timeout_ms=10_000,
        reconnect_backoff_max_ms=500,
    )
    with closing(producer):
        _feed(producer, topic, items)


def _feed(producer: KafkaProducer, topic: str, items: Sequence[Item]) -> None:
    began = time.monotonic()
    sent = []
    for item in items:
        time.sleep(max(0.0, began + item.due - time.monotonic()))
        headers = [(NUMBER, str(item.number).encode())]
        sent.append(producer.send(topic, key=item.key, value=item.value, headers=headers))
    producer.flush(timeout=_PATIENCE)
    for future in sent:
        future.get(timeout=0)


if __name__ == "__main__":
    main(*sys.argv[1:])
