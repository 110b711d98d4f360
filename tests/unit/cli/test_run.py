"""`messenger run`, before it runs."""

import sys

import pytest
from structlog.testing import capture_logs

from consumer.domain.errors import BrokerUnavailable
from consumer.settings import Kafka

COMMAND = sys.modules["consumer.cli.run"]


def test_a_misspelt_topic_is_told_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks like one on which nothing happens otherwise."""
    missing = {"alarm-evnts": "alarm-events"}
    monkeypatch.setattr(
        COMMAND, "missing_topics", lambda _kafka, names: {names[0]: missing[names[0]]}
    )
    with capture_logs() as told:
        COMMAND._tell_missing_topics(Kafka(events_topic="alarm-evnts"))
    (line,) = told
    assert (line["event"], line["log_level"], line["topic"]) == (
        "kafka.no_topic",
        "warning",
        "alarm-evnts",
    )
    assert "there is alarm-events" in line["remedy"]


def test_a_broker_that_is_away_is_told_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise BrokerUnavailable("away")

    monkeypatch.setattr(COMMAND, "missing_topics", away)
    with capture_logs() as told:
        COMMAND._tell_missing_topics(Kafka())
    assert told == []
