"""All that the fake knows survives it in a file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from consumer.sandbox.mailgun import FakeMailgun, Options
from consumer.sandbox.mailgun.state_file import BadState
from tests.support.clock import ManualClock
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW, Client


@contextmanager
def started(path: Path, clock: ManualClock) -> Iterator[Client]:
    with FakeMailgun(Options(state_file=path, now=clock.now, domains={DOMAIN})) as fake:
        client = Client(fake)
        with client.session:
            yield client


def shown(client: Client) -> dict[str, Any]:
    """Everything that can be asked for."""
    paths = [
        "/_fake/messages",
        "/_fake/events",
        "/_fake/switches",
        "/_fake/limits",
        f"/v3/{DOMAIN}/bounces",
        f"/v3/{DOMAIN}/unsubscribes",
        f"/v3/{DOMAIN}/tags",
        f"/v3/{DOMAIN}/templates",
        f"/v3/domains/{DOMAIN}/webhooks",
        "/v1/webhooks",
        "/v1/keys",
        "/v4/domains",
        "/v5/accounts/subaccounts",
        "/v5/accounts/http_signing_key",
    ]
    base = client.fake.url
    return {path: json.loads(client.get(path).text.replace(base, "")) for path in paths}


def test_everything_is_there_again_and_goes_on(tmp_path: Path) -> None:
    clock, path = ManualClock(NOW), tmp_path / "state.json"
    with started(path, clock) as client:
        client.fake.deliver({"temporary_failures": 1, "recipient": "slow@*"})
        client.send(to="slow@example.org", o_tag="x", v_a="b", h_Message_Id="<one@x.org>")
        client.post(
            f"/v3/{DOMAIN}/messages",
            data={"from": "a@x.org", "to": "b@x.org", "text": "é"},
            files={"attachment": ("a.bin", b"\x00\xff")},
        )
        client.post(f"/v3/{DOMAIN}/bounces", data={"address": "gone@x.org"})
        client.post(f"/v3/{DOMAIN}/unsubscribes", data={"address": "a@x.org", "tag": "news"})
        client.post(f"/v3/{DOMAIN}/templates", data={"name": "t", "template": "{{x}}"})
        url = {"url": "http://127.0.0.1:9/"}
        client.post(f"/v3/domains/{DOMAIN}/webhooks", data={"id": "delivered", **url})
        client.post("/v1/webhooks", data={"event_types": "opened", **url})
        client.post("/v1/keys", data={"role": "sending", "description": "mine"})
        client.post("/v4/domains", data={"name": "new.example.com"})
        client.post("/v5/accounts/subaccounts", params={"name": "Shop"})
        client.post("/v5/accounts/http_signing_key")
        client.fake.switch(time_scale=2.0)
        client.fake.limit({"limit": 9}, probation_recipients=7)
        before, stats = shown(client), client.fake.stats()

    assert path.stat().st_mode & 0o077 == 0
    with started(path, clock) as client:
        assert client.fake.stats() == stats
        assert shown(client) == before
        assert [event["event"] for event in client.events(recipient="slow@example.org")] == [
            "failed",
            "accepted",
        ]
        clock.advance(600)
        assert client.events(recipient="slow@example.org")[0]["event"] == "delivered"
        client.send(h_Message_Id="<one@x.org>", to="slow@example.org")
        assert client.fake.stats()["duplicate_messages"] == 1
        serials = [event["serial"] for event in client.fake.events()]
        assert len(serials) == len(set(serials))


def test_a_webhook_that_waits_is_posted_after_the_restart(tmp_path: Path) -> None:
    clock, path = ManualClock(NOW), tmp_path / "state.json"
    with started(path, clock) as client:
        client.post(
            f"/v3/domains/{DOMAIN}/webhooks", data={"id": "accepted", "url": "http://127.0.0.1:9/"}
        )
        client.fake.disturb_webhooks({"kind": "delay", "seconds": 60})
        client.send()
        assert client.fake.webhooks()["waiting"] == 1

    with started(path, clock) as client:
        assert client.fake.webhooks()["waiting"] == 1


def test_it_is_written_on_demand_too(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with started(path, ManualClock(NOW)) as client:
        client.send()
        assert client.post("/_fake/save").json() == {"message": "saved"}
        assert json.loads(path.read_bytes())["store"]["sequence"] == 1


def test_without_a_file_nothing_is_written(client: Client) -> None:
    assert client.post("/_fake/save").status_code == 400


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 99}', "null"])
def test_a_file_that_holds_no_state_is_not_overwritten(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)

    with pytest.raises(BadState, match=r"state\.json"):
        FakeMailgun(Options(state_file=path))

    assert path.read_text() == content
