"""`kafka`: one broker for the whole run. `own_kafka`: one that the test may stop and break."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import kafka_jars
from tests.support.kafka import Kafka, KafkaBroker, until


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


def _started(folder: Path) -> Iterator[KafkaBroker]:
    reason = kafka_jars.missing()
    if reason:
        # CI proves nothing by skipping.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    broker = KafkaBroker(folder)
    try:
        yield broker.start()
    finally:
        broker.stop()
