"""`kafka`: one broker for the whole run. `own_kafka`: one that the test may stop and break.

`proxied_kafka`: one whose clients may be cut off, slowed and left without an answer.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import kafka_jars
from tests.support.kafka import Kafka, KafkaBroker, until
from tests.support.proxy import TcpProxy


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """The shared broker, or the one that MESSENGER_TEST_KAFKA names. Topics are the test's own."""
    named = os.environ.get("MESSENGER_TEST_KAFKA")
    if named:
        running = Kafka(named)
        until(running.answers, f"an answer from {named}")
        yield running
    else:
        yield from _started(tmp_path_factory.mktemp("kafka"))


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker of this test alone: it may be killed, frozen and restarted."""
    folder = tmp_path / "kafka"
    folder.mkdir()
    yield from _started(folder)


@pytest.fixture
def proxied_kafka(tmp_path: Path) -> Iterator[tuple[KafkaBroker, TcpProxy]]:
    """A broker of this test alone; clients that start at the proxy's address stay with it."""
    folder = tmp_path / "kafka"
    folder.mkdir()
    broker = KafkaBroker(folder)
    with TcpProxy("127.0.0.1", broker.side_port) as proxy:
        broker.side_advertised = proxy.port
        for running in _running(broker):
            yield running, proxy


def _started(folder: Path) -> Iterator[KafkaBroker]:
    yield from _running(KafkaBroker(folder))


def _running(broker: KafkaBroker) -> Iterator[KafkaBroker]:
    reason = kafka_jars.missing()
    if reason:
        # CI proves nothing by skipping.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    try:
        yield broker.start()
    finally:
        broker.stop(kill=True)  # its data goes too
