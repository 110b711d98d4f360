"""What the client is told, and what must never be seen of it."""

import pytest

from consumer.adapters.kafka.config import (
    KafkaSettings,
    client_config,
    consumer_config,
    producer_config,
)
from consumer.adapters.kafka.records import record_of
from tests.unit.adapters.kafka.fakes import P, raw

SETTINGS = KafkaSettings(
    bootstrap_servers="a:1,b:2", sasl_password="hush", session_timeout_seconds=6
)


def test_the_password_is_in_the_clients_settings_and_not_in_ours_when_printed() -> None:
    assert client_config(SETTINGS)["sasl_plain_password"] == "hush"
    assert "hush" not in repr(SETTINGS)


def test_what_is_not_set_is_not_told() -> None:
    assert "ssl_cafile" not in client_config(SETTINGS)
    assert client_config(SETTINGS)["bootstrap_servers"] == ["a:1", "b:2"]


def test_several_heartbeats_fit_into_a_session() -> None:
    config = consumer_config(SETTINGS)
    assert config["session_timeout_ms"] == 6000
    assert config["heartbeat_interval_ms"] * 3 <= config["session_timeout_ms"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("cooperative-sticky", "CooperativeStickyAssignor"), ("range", "RangePartitionAssignor")],
)
def test_the_assignor_is_chosen_by_name(name: str, expected: str) -> None:
    settings = KafkaSettings(bootstrap_servers="a:1", assignor=name)
    (assignor,) = consumer_config(settings)["partition_assignment_strategy"]
    assert assignor.__name__ == expected


def test_nobody_creates_topics_by_the_way() -> None:
    assert consumer_config(SETTINGS)["allow_auto_create_topics"] is False
    assert producer_config(SETTINGS)["allow_auto_create_topics"] is False


@pytest.mark.parametrize("session", [6, 60])
@pytest.mark.parametrize("flushed", [False, True])
def test_a_record_that_waits_for_others_and_is_lost_once_is_still_told_in_time(
    flushed: bool, session: float
) -> None:
    """The client refuses settings that say otherwise."""
    settings = KafkaSettings(bootstrap_servers="a:1", session_timeout_seconds=session)
    config = producer_config(settings, flushed=flushed)
    assert (config["linger_ms"] > 0) is flushed
    assert config["linger_ms"] + config["request_timeout_ms"] <= config["delivery_timeout_ms"]


def test_a_record_has_headers_and_a_timestamp_in_any_case() -> None:
    record = record_of(raw(P, 7, headers=[("a", None), ("b", b"1")], timestamp=None))
    assert record.position == ("alarm-events", 0, 7)
    assert (record.headers, record.timestamp) == ((("a", b""), ("b", b"1")), 0)
    assert record_of(raw(P, 7, headers=None)).headers == ()
