"""What `check-config --connect` says of the ports that `run` would listen on."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.cli.findings import Level
from consumer.cli.port_checks import check_ports
from consumer.settings import Feedback, Mailgun, Settings, Telemetry


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def said(telemetry: dict[str, Any], feedback: dict[str, Any]) -> list[tuple[Level, str]]:
    settings = Settings(
        mailgun=Mailgun.model_validate(
            {"domain": "alerts.example.com", "api_key": "k", "from_address": "a@b.example"}
        ),
        telemetry=Telemetry.model_validate(telemetry),
        feedback=Feedback.model_validate(feedback),
    )
    return [(found.level, found.text.split(";")[0]) for found in check_ports(settings)]


def test_ports_that_are_taken_are_warned_of(taken: int) -> None:
    told = said({"port": taken}, {"in_run": True, "port": taken})
    cannot = f"cannot listen on 127.0.0.1:{taken}: Address already in use"
    assert told == [
        (Level.WARNING, f"[telemetry] port: {cannot}"),
        (Level.WARNING, f"[feedback] port: {cannot}"),
    ]


@pytest.mark.parametrize(
    ("telemetry", "feedback"),
    [
        ({"enabled": False}, {"in_run": False}),
        ({"enabled": False}, {"in_run": True, "webhooks": False}),
    ],
)
def test_a_port_that_run_does_not_use_may_be_taken(
    taken: int, telemetry: dict[str, Any], feedback: dict[str, Any]
) -> None:
    assert said({"port": taken} | telemetry, {"port": taken} | feedback) == []


def test_free_ports_are_fine() -> None:
    assert said({"port": 0}, {"in_run": True, "port": 0}) == []


def test_an_address_that_is_not_ours_is_a_problem() -> None:
    """192.0.2.0/24 is for documentation (RFC 5737)."""
    ((level, told),) = said({"host": "192.0.2.1", "port": 0}, {})
    assert (level, told.startswith("[telemetry] port: cannot listen on 192.0.2.1:0: ")) == (
        Level.PROBLEM,
        True,
    )
