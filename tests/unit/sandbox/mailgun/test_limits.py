"""Real rate limits: what they count, what a refusal says, when it ends."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from consumer.sandbox.mailgun import FakeMailgun, Options
from consumer.sandbox.mailgun.limits import Quota, RateLimit
from tests.support.clock import ManualClock
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW, Client


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(scope="module")
def running(clock: ManualClock) -> Iterator[FakeMailgun]:
    with FakeMailgun(Options(now=clock.now)) as fake:
        yield fake


@pytest.fixture
def client(running: FakeMailgun, clock: ManualClock) -> Iterator[Client]:
    running.reset()
    clock.advance(NOW - clock.now())
    client = Client(running)
    with client.session:
        yield client


def statuses(client: Client, number: int, **changes: Any) -> list[int]:
    return [client.send(**changes).status_code for _ in range(number)]


def test_so_many_a_second_and_no_more_until_the_second_is_over(
    client: Client, clock: ManualClock
) -> None:
    client.fake.limit({"limit": 2, "per_seconds": 1})

    assert statuses(client, 3) == [200, 200, 429]
    assert len(client.fake.messages()) == 2
    clock.advance(1)
    assert statuses(client, 3) == [200, 200, 429]
    assert client.fake.stats()["rejected_calls"] == 2


@pytest.mark.parametrize(
    ("switches", "status", "end"),
    [
        ({}, 429, "Thu, 01 Jan 2026 01:00:00 UTC"),
        ({"rate_limit_status": 420, "rate_limit_text": "seconds"}, 420, "3600 seconds"),
    ],
)
def test_a_refusal_names_its_limit_and_its_end(
    client: Client, switches: dict[str, Any], status: int, end: str
) -> None:
    client.fake.switch(**switches)
    client.fake.limit({"limit": 0})

    answer = client.send()

    assert (answer.status_code, answer.json()) == (
        status,
        {
            "message": f"Domain {DOMAIN} is not allowed to send: recipient limit exceeded, "
            f"try again after {end}"
        },
    )


@pytest.mark.parametrize(
    ("where", "accepted", "refused"), [("none", 0, 0), ("refused", 0, 3), ("all", 3, 3)]
)
def test_which_answers_have_the_headers_is_a_switch(
    client: Client, where: str, accepted: int, refused: int
) -> None:
    client.fake.switch(rate_limit_headers=where, retry_after=True)
    client.fake.limit({"limit": 1, "per_seconds": 60})

    def named(answer: requests.Response) -> dict[str, str]:
        return {
            name.lower(): value
            for name, value in answer.headers.items()
            if name.lower().startswith("x-ratelimit")
        }

    first, second = client.send(), client.send()

    assert (len(named(first)), len(named(second))) == (accepted, refused)
    assert (first.headers.get("retry-after"), second.headers["retry-after"]) == (None, "60")
    if refused:
        assert named(second) == {
            "x-ratelimit-limit": "1",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": str(int(NOW) + 60),
        }


@pytest.mark.parametrize(
    ("counts", "limit", "expected"),
    [
        ("request", 2, [200, 200, 429]),
        ("account-requests-per-sec", 1, [200, 429, 429]),
        ("recipient", 5, [200, 200, 429]),
        ("bytes", 10, [429, 429, 429]),
    ],
)
def test_calls_recipients_or_bytes_are_counted(
    client: Client, counts: str, limit: int, expected: list[int]
) -> None:
    client.fake.limit({"limit": limit, "counts": counts})

    assert statuses(client, 3, to="a@x.org, b@x.org") == expected


def test_each_domain_has_its_own_window_unless_the_account_has_one(client: Client) -> None:
    def send_from(domain: str) -> int:
        data = {"from": f"a@{domain}", "to": "b@x.org", "text": "x"}
        return client.post(f"/v3/{domain}/messages", data=data).status_code

    client.fake.limit({"limit": 1, "domain": "*.example.com"})
    assert [send_from(f"{name}.example.com") for name in "aab"] == [200, 429, 200]
    assert [send_from("example.net") for _ in range(3)] == [200] * 3
    client.fake.limit({"limit": 1, "whole_account": True})
    assert [send_from(f"{name}.example.com") for name in "ab"] == [200, 429]


def test_a_refused_call_takes_nothing_from_any_limit(client: Client) -> None:
    client.fake.limit(
        {"limit": 2, "counts": "request"}, {"limit": 1, "counts": "recipient", "per_seconds": 1}
    )

    assert statuses(client, 1, to="a@x.org, b@x.org") == [429]
    assert statuses(client, 1) == [200]
    assert client.get("/_fake/limits").json()["rate_limits"][0]["counts"] == "request"


def test_probation_grants_ten_recipients_a_call_and_a_hundred_mails_an_hour(
    client: Client,
) -> None:
    hourly = {"limit": 100, "per_seconds": 3600, "whole_account": True}
    answer = client.session.put(
        client.fake.url + "/_fake/limits",
        json={"rate_limits": [hourly], "probation_recipients": 10},
        timeout=10,
    )
    assert answer.json()["probation_recipients"] == 10

    def batch(number: int) -> int:
        to = [f"r{one}@x.org" for one in range(number)]
        return client.send(to=to, recipient_variables="{}").status_code

    assert [batch(11), *(batch(10) for _ in range(11))] == [403, *[200] * 10, 429]


@pytest.mark.parametrize(
    "wish",
    [
        [],
        {"colour": 1},
        {"probation_recipients": 0},
        {"probation_recipients": "ten"},
        {"rate_limits": {}},
        {"rate_limits": [{}]},
        {"rate_limits": [{"limit": 1, "counts": "sheep"}]},
        {"rate_limits": [{"limit": -1}]},
        {"rate_limits": [{"limit": "many"}]},
    ],
)
def test_wrong_limits_are_refused(client: Client, wish: Any) -> None:
    answer = client.session.put(client.fake.url + "/_fake/limits", json=wish, timeout=10)

    assert answer.status_code == 400
    assert client.send().status_code == 200


def test_limits_may_be_there_from_the_start() -> None:
    with FakeMailgun(Options(rate_limits=[RateLimit(limit=1)])) as fake:
        client = Client(fake)
        with client.session:
            assert statuses(client, 2) == [200, 429]
            fake.reset()
            assert statuses(client, 2) == [200, 429]


def test_the_webhook_calls_have_a_quota(client: Client, clock: ManualClock) -> None:
    path = f"/v3/domains/{DOMAIN}/webhooks"
    answers = [client.get(path).status_code for _ in range(301)]

    assert answers == [*[200] * 300, 429]
    assert client.get(path).json()["retry-seconds"] == 60
    clock.advance(60)
    assert client.get(path).status_code == 200


def test_a_quota_begins_again_when_its_window_is_over() -> None:
    quota = Quota(2, per_seconds=10)

    assert [quota.take(NOW), quota.take(NOW + 9), quota.take(NOW + 9.5)] == [0, 0, 1]
    assert quota.take(NOW + 10) == 0


def test_the_idempotency_key_does_nothing_unless_a_switch_says_so(client: Client) -> None:
    for expected in (2, 3):
        ids = {client.send(h_X_Idempotency_Key="k").json()["id"] for _ in range(2)}
        assert len(client.fake.messages()) == expected
        assert len(ids) == 4 - expected
        client.fake.switch(idempotency_key="answered")
