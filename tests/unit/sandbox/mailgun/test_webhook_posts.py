"""Webhooks as a receiver gets them: signed, retried, spoilt on demand."""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from consumer.sandbox.mailgun import FakeMailgun
from consumer.sandbox.mailgun.options import DEFAULT_SIGNING_KEY
from tests.unit.sandbox.mailgun.receiver import Receiver, receiving
from tests.unit.sandbox.mailgun.support import DOMAIN, Client

ALL = ("accepted", "delivered", "opened", "permanent_fail", "temporary_fail")


@pytest.fixture(scope="module")
def running_receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def receiver(running_receiver: Receiver, client: Client) -> Receiver:
    """Told of every type; Mailgun's waits are a 5,000th part of what they are."""
    running_receiver.answers, running_receiver.told = [], []
    client.fake.switch(time_scale=5_000.0)
    for kind in ALL:
        subscribe(client, kind, running_receiver.url + "/hook")
    return running_receiver


def subscribe(client: Client, kind: str, *urls: str) -> None:
    path = f"/v3/domains/{DOMAIN}/webhooks"
    assert client.post(path, data={"id": kind, "url": urls}).status_code == 200


def eventually(truth: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not truth():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # until the truth has come, not for its own sake


def quiet(fake: FakeMailgun) -> list[dict[str, Any]]:
    """Every attempt, once none is to come."""

    def done() -> bool:
        state = fake.webhooks()
        return (state["waiting"], state["under_way"]) == (0, 0)

    eventually(done)
    items: list[dict[str, Any]] = fake.webhooks()["items"]
    return items


def signature_of(key: str, signature: dict[str, Any]) -> str:
    text = f"{signature['timestamp']}{signature['token']}"
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def test_each_event_is_posted_signed_and_as_the_events_api_has_it(
    client: Client, receiver: Receiver
) -> None:
    client.send(v_alert="a-17", o_tag="x")

    told = receiver.wait(2)
    assert {one.event["event"] for one in told} == {"accepted", "delivered"}
    assert {one.path for one in told} == {"/hook"}
    events = {event["event"]: event for event in client.events()}
    for one in told:
        assert one.event == events[one.event["event"]]
        assert isinstance(one.signature["timestamp"], str)
        assert len(one.signature["token"]) == 50
        assert one.signature["signature"] == signature_of(DEFAULT_SIGNING_KEY, one.signature)
        assert "parent-signature" not in one.signature
    assert len({one.signature["token"] for one in told}) == 2


def test_a_failure_has_the_type_of_its_severity(client: Client, receiver: Receiver) -> None:
    client.fake.deliver({"outcome": "permanent", "temporary_failures": 1})
    client.send()

    told = receiver.wait(3)
    assert sorted((one.event["event"], one.event.get("severity", "")) for one in told) == [
        ("accepted", ""),
        ("failed", "permanent"),
        ("failed", "temporary"),
    ]
    assert {item["type"] for item in quiet(client.fake)} == {
        "accepted",
        "permanent_fail",
        "temporary_fail",
    }


def test_a_rejection_is_no_webhook(client: Client, receiver: Receiver) -> None:
    client.fake.deliver({"outcome": "rejected"})
    client.send()

    assert client.events()[0]["event"] == "rejected"
    assert quiet(client.fake) == []


def test_an_answer_that_is_not_200_is_retried_with_a_new_signature(
    client: Client, receiver: Receiver
) -> None:
    receiver.answers = [500, 204, 404]
    client.fake.deliver({"outcome": "none"})
    client.send()

    told = receiver.wait(4)
    assert len({one.event["id"] for one in told}) == 1
    assert len({one.signature["token"] for one in told}) == 4
    items = quiet(client.fake)
    assert [(item["attempt"], item["outcome"], item["status"]) for item in items] == [
        (1, "retry", 500),
        (2, "retry", 204),
        (3, "retry", 404),
        (4, "done", 200),
    ]
    waits = [after["at"] - before["at"] for before, after in pairwise(items)]
    assert [wait >= least for wait, least in zip(waits, (0.06, 0.12, 0.18), strict=True)] == [
        True
    ] * 3


def test_406_ends_it(client: Client, receiver: Receiver) -> None:
    receiver.answers = [406]
    client.fake.deliver({"outcome": "none"})
    client.send()

    receiver.wait(1)
    assert [item["outcome"] for item in quiet(client.fake)] == ["rejected"]
    assert len(receiver.told) == 1


def test_delivered_has_one_chance(client: Client, receiver: Receiver) -> None:
    receiver.answers = [500] * 20
    client.fake.switch(time_scale=1_000_000.0)
    client.send()

    items = quiet(client.fake)
    assert [item["outcome"] for item in items if item["type"] == "delivered"] == ["given up"]
    accepted = [item["outcome"] for item in items if item["type"] == "accepted"]
    assert accepted == [*["retry"] * 6, "given up"]


def test_retries_of_delivered_and_2xx_and_the_signature_are_switches(
    client: Client, receiver: Receiver
) -> None:
    client.fake.switch(
        webhook_retries_delivered=True,
        webhook_success="2xx",
        webhook_retries_sign_again=False,
        webhook_timestamp="number",
        webhook_schedule="older",
    )
    receiver.answers = [500, 500, 204, 204]
    client.send()

    told = receiver.wait(4)
    assert len({one.signature["token"] for one in told}) == 2
    assert all(type(one.signature["timestamp"]) is int for one in told)
    assert sorted(item["outcome"] for item in quiet(client.fake)) == [
        "done",
        "done",
        "retry",
        "retry",
    ]


def test_a_receiver_that_is_not_there_is_retried(client: Client, receiver: Receiver) -> None:
    client.fake.world.webhooks.reset()
    client.fake.switch(time_scale=1_000_000.0)
    subscribe(client, "accepted", "http://127.0.0.1:9/nobody")
    client.send()

    eventually(lambda: len(client.fake.webhooks()["items"]) == 7)
    assert {item["status"] for item in quiet(client.fake)} == {None}


def test_lost_doubled_late_and_mixed_on_demand(client: Client, receiver: Receiver) -> None:
    client.fake.disturb_webhooks(
        {"kind": "lose", "recipient": "lost@*"},
        {"kind": "duplicate", "recipient": "twice@*", "seconds": 0.05, "event": "accepted"},
        {"kind": "delay", "recipient": "late@*", "seconds": 0.3},
        {"kind": "reorder", "recipient": "mixed@*", "seconds": 0.05, "seed": 1},
    )
    names = ("late", "lost", "twice", "mixed")
    for name in names:
        client.send(to=f"{name}@example.org")

    receiver.wait(7)
    items = quiet(client.fake)
    posted = {
        name: sum(item["recipient"] == f"{name}@example.org" for item in items) for name in names
    }
    assert posted == {"late": 2, "lost": 2, "twice": 3, "mixed": 2}
    assert {item["outcome"] for item in items if item["recipient"].startswith("lost")} == {"lost"}
    assert len(receiver.told) == 7
    assert {one.event["recipient"] for one in receiver.told[-2:]} == {"late@example.org"}
    rules = client.get("/_fake/webhook-mischief").json()["items"]
    assert [rule["served"] for rule in rules] == [2, 1, 2, 2]


def test_domain_and_account_level_tell_the_same_url_once(
    client: Client, receiver: Receiver
) -> None:
    for url in (receiver.url + "/hook", receiver.url + "/other"):
        answer = client.post("/v1/webhooks", data={"url": url, "event_types": ["accepted"]})
        assert answer.status_code == 200
    client.fake.deliver({"outcome": "none"})
    client.send()

    assert sorted(one.path for one in receiver.wait(2)) == ["/hook", "/other"]
    assert len(quiet(client.fake)) == 2


def test_a_subaccounts_event_is_signed_by_its_parent_too(
    client: Client, receiver: Receiver
) -> None:
    made = client.post("/v5/accounts/subaccounts", params={"name": "Shop"}).json()["subaccount"]
    headers = {"x-mailgun-on-behalf-of": made["id"]}
    key = client.get("/v5/accounts/http_signing_key", headers=headers).json()["http_signing_key"]
    client.session.headers.update(headers)
    client.send()

    for one in receiver.wait(2):
        assert one.signature["signature"] == signature_of(key, one.signature)
        assert one.signature["parent-signature"] == signature_of(DEFAULT_SIGNING_KEY, one.signature)


def test_a_new_signing_key_signs_from_then_on(client: Client, receiver: Receiver) -> None:
    answer = client.post("/v5/accounts/http_signing_key").json()
    key = answer["http_signing_key"]
    client.send()

    assert key != DEFAULT_SIGNING_KEY
    assert client.get("/v5/accounts/http_signing_key").json() == {"http_signing_key": key}
    for one in receiver.wait(2):
        assert one.signature["signature"] == signature_of(key, one.signature)


def test_a_change_may_take_its_time(client: Client, receiver: Receiver) -> None:
    client.fake.switch(webhook_change_delay_seconds=600.0)
    client.session.delete(
        f"{client.fake.url}/v3/domains/{DOMAIN}/webhooks/accepted", timeout=10
    ).raise_for_status()
    client.send()

    assert {one.event["event"] for one in receiver.wait(2)} == {"accepted", "delivered"}


def test_a_reset_forgets_webhooks_that_wait(client: Client, receiver: Receiver) -> None:
    client.fake.disturb_webhooks({"kind": "delay", "seconds": 3_600})
    client.send()
    assert client.fake.webhooks()["waiting"] == 2

    client.fake.reset()

    state = client.get("/_fake/webhooks").json()
    assert state == {"waiting": 0, "under_way": 0, "dropped": 0, "items": []}
