"""`messenger ingest` as a process, before anybody posts: ports that are taken."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.domain.errors import SettingsError
from consumer.ingest.process import IngestProcess
from consumer.settings import Settings


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def process(**ingest: Any) -> IngestProcess:
    given: dict[str, Any] = {
        "mailgun": {"domain": "a.example", "api_key": "k", "from_address": "a@a.example"},
        "kafka": {"bootstrap_servers": "127.0.0.1:1"},
        "ingest": {"port": 0, "telemetry_port": 0, "clients": {"a": {"token": "hush"}}} | ingest,
    }
    return IngestProcess(Settings.model_validate(given), "alarm-events")


@pytest.fixture(autouse=True)
def _hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process sets it for good."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)


@pytest.mark.parametrize("key", ["port", "telemetry_port"])
def test_a_port_that_is_taken_is_told_by_its_key_and_nothing_stays_behind(
    taken: int, key: str
) -> None:
    before = threading.active_count()
    with pytest.raises(SettingsError) as told:
        process(**{key: taken}).run()
    assert str(told.value) == (
        f"[ingest] {key}: cannot listen on 127.0.0.1:{taken}: Address already in use; "
        "choose another, or 0 for a free one"
    )
    assert threading.active_count() == before


def test_it_starts_without_kafka_and_stops_when_it_is_told_to() -> None:
    running = process()
    running.stop.set()
    assert running.run()
