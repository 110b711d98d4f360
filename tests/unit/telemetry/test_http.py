"""The three pages of the telemetry server, over a real socket."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from consumer.telemetry.http import TelemetryServer
from consumer.telemetry.metrics import Metrics
from tests.support.worker import SOON


class Rig:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.alive = True
        self.ready: tuple[bool, dict[str, Any]] = (True, {"dependencies": {"kafka": "ok"}})
        self.server = TelemetryServer(
            "127.0.0.1",
            0,
            registry=self.metrics.registry,
            is_alive=lambda: self.alive,
            readiness=lambda: self.ready,
        )
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(self.server.address + path, headers=headers, timeout=SOON)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    made.server.start()
    yield made
    made.session.close()
    made.server.stop()


def test_healthz_follows_the_poll_loop(rig: Rig) -> None:
    assert rig.get("/healthz").status_code == 200
    rig.alive = False
    answer = rig.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "poll loop stands still\n")


def test_readyz_says_what_is_missing(rig: Rig) -> None:
    assert rig.get("/readyz").json() == {"ready": True, "dependencies": {"kafka": "ok"}}
    rig.ready = (False, {"dependencies": {"kafka": "refused"}})
    answer = rig.get("/readyz?verbose")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "dependencies": {"kafka": "refused"}}


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text"])
def test_metrics_come_in_the_form_that_is_asked_for(rig: Rig, accept: str) -> None:
    rig.metrics.dead_letters.inc(2)
    answer = rig.get("/metrics", Accept=accept)
    assert answer.headers["Content-Type"].startswith(accept)
    assert "messenger_dead_letters_total 2.0" in answer.text


def test_any_other_page_says_which_there_are(rig: Rig) -> None:
    answer = rig.get("/")
    assert answer.status_code == 404
    assert "/readyz" in answer.text


def test_a_server_that_was_never_started_can_be_stopped() -> None:
    Rig().server.stop()
