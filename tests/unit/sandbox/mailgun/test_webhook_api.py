"""The calls that manage webhooks, and those about the account's keys and subaccounts."""

from typing import Any

import pytest
import requests
from requests.auth import HTTPBasicAuth

from consumer.sandbox.mailgun.events import HOOKS
from tests.unit.sandbox.mailgun.support import DOMAIN, TIMEOUT, Client

V3 = f"/v3/domains/{DOMAIN}/webhooks"
V4 = f"/v4/domains/{DOMAIN}/webhooks"
A, B, C, D = (f"https://example.org/{letter}" for letter in "abcd")


def call(client: Client, method: str, path: str, **more: Any) -> requests.Response:
    return client.session.request(method, client.fake.url + path, timeout=TIMEOUT, **more)


def test_v3_creates_reads_changes_and_deletes_one_type(client: Client) -> None:
    created = client.post(V3, data={"id": "delivered", "url": [A, B]})
    assert created.json() == {
        "message": "Webhook has been created",
        "webhook": {"urls": [A, B]},
    }
    assert client.get(f"{V3}/delivered").json() == {"webhook": {"urls": [A, B]}}
    listed = client.get(V3).json()["webhooks"]
    assert set(listed) == set(HOOKS)
    assert (listed["delivered"], listed["opened"]) == ({"urls": [A, B]}, None)
    updated = call(client, "PUT", f"{V3}/delivered", files={"url": (None, C)})
    assert updated.json() == {"message": "Webhook has been updated", "webhook": {"urls": [C]}}
    deleted = client.delete(f"{V3}/delivered")
    assert deleted.json() == {"message": "Webhook has been deleted", "webhook": {"urls": [C]}}
    assert client.get(f"{V3}/delivered").status_code == 404


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"id": "delivered", "url": "https://"}, "https:// is not a valid url: host not found"),
        ({"id": "delivered", "url": "ftp://x"}, "ftp://x is not a valid url: invalid URL scheme"),
        ({"id": "delivered", "url": "http://[x"}, "http://[x is not a valid url: invalid URL"),
        ({"id": "delivered"}, "url parameter is missing"),
        ({"id": "rejected", "url": A}, "rejected is not a valid event type"),
        ({"id": "opened", "url": [A, B, C, D]}, "unable to add more than 3 urls"),
    ],
)
def test_v3_refuses_what_is_no_webhook(client: Client, data: dict[str, Any], reason: str) -> None:
    answer = client.post(V3, data=data)

    assert answer.status_code == 400
    assert reason in answer.json()["Reason"]


def test_v3_creates_a_type_only_once(client: Client) -> None:
    client.post(V3, data={"id": "opened", "url": A})

    assert client.post(V3, data={"id": "opened", "url": B}).status_code == 400


def test_v4_gives_one_url_several_types(client: Client) -> None:
    client.post(V4, data={"url": A, "event_types": ["delivered", "opened"]})
    both = client.post(V4, data={"url": B, "event_types": "opened"}).json()["webhooks"]
    assert (both["delivered"], both["opened"]) == ({"urls": [A]}, {"urls": [A, B]})
    again = client.post(V4, data={"url": A, "event_types": "opened"})
    assert again.json() == {
        "Reason": f"Webhook for event type 'opened' with URL '{A}' already exists"
    }
    moved = call(client, "PUT", V4, data={"url": A, "event_types": "clicked"}).json()["webhooks"]
    assert (moved["delivered"], moved["opened"], moved["clicked"]) == (
        None,
        {"urls": [B]},
        {"urls": [A]},
    )
    missing = call(client, "PUT", V4, data={"url": D, "event_types": "clicked"})
    assert (missing.status_code, missing.json()) == (404, {"Description": "Webhook not found"})
    gone = call(client, "DELETE", V4, params={"url": f"{A},{B}"}).json()["webhooks"]
    assert set(gone.values()) == {None}
    assert call(client, "DELETE", V4).json() == {"Field": "url"}


def test_v1_manages_the_accounts_own(client: Client) -> None:
    data = {"url": A, "event_types": ["delivered", "opened"], "description": "all"}
    created = client.post("/v1/webhooks", data=data)
    id_ = created.json()["webhook_id"]
    assert len(id_) == 24

    one = client.get(f"/v1/webhooks/{id_}").json()
    assert one["created_at"].endswith("Z")
    assert (one["url"], one["event_types"]) == (A, ["delivered", "opened"])
    changed = call(client, "PUT", f"/v1/webhooks/{id_}", data={"url": B, "event_types": "clicked"})
    assert (changed.status_code, changed.content) == (204, b"")
    (listed,) = client.get("/v1/webhooks", params={"webhook_ids": id_}).json()["webhooks"]
    assert (listed["url"], listed["description"]) == (B, "all")
    assert client.delete(f"/v1/webhooks/{id_}").status_code == 204
    assert client.get(f"/v1/webhooks/{id_}").status_code == 404
    assert client.get("/v1/webhooks").json() == {"webhooks": []}


def test_v1_knows_the_limit_and_deletes_several(client: Client) -> None:
    for url in (A, B, C):
        client.post("/v1/webhooks", data={"url": url, "event_types": "delivered"})

    refused = client.post("/v1/webhooks", data={"url": D, "event_types": "delivered"})
    assert (refused.status_code, refused.json()) == (
        409,
        {"Description": "unable to add more than 3 urls for event type delivered"},
    )
    assert call(client, "DELETE", "/v1/webhooks").status_code == 400
    assert call(client, "DELETE", "/v1/webhooks", params={"all": "true"}).status_code == 204
    assert client.get("/v1/webhooks").json() == {"webhooks": []}


@pytest.mark.parametrize("path", [V3, "/v3/domains/other.example.com/webhooks"])
def test_the_domain_calls_have_texts_of_their_own(client: Client, path: str) -> None:
    unknown = client.get("/v3/domains/other.example.com/webhooks")
    client.session.auth = HTTPBasicAuth("api", "wrong")
    wrong = client.get(path)

    assert (unknown.status_code, unknown.json()) == (404, {"message": "Domain not found"})
    assert (wrong.status_code, wrong.json()) == (401, {"message": "Invalid private key"})


# Keys


def new_key(client: Client, **data: str) -> dict[str, Any]:
    answer = client.post("/v1/keys", files={name: (None, value) for name, value in data.items()})
    assert answer.status_code == 200, answer.text
    key: dict[str, Any] = answer.json()["key"]
    return key


def as_key(client: Client, key: dict[str, Any]) -> None:
    client.session.auth = HTTPBasicAuth("api", key["secret"])


def test_a_sending_key_may_post_messages_of_its_domain_only(client: Client) -> None:
    mine = new_key(client, role="sending", kind="domain", domain_name=DOMAIN)
    other = new_key(client, role="sending", kind="domain", domain_name="other.example.com")

    as_key(client, mine)
    assert client.send().status_code == 200
    for path in (f"/v3/{DOMAIN}/events", V3, "/v1/keys", "/v1/webhooks"):
        assert client.get(path).status_code == 403
    as_key(client, other)
    assert (client.send().status_code, client.send().text) == (401, "Forbidden")


@pytest.mark.parametrize(
    ("role", "sends", "reads", "changes", "makes_keys"),
    [
        ("admin", 200, 200, 200, 200),
        ("developer", 200, 200, 200, 403),
        ("basic", 401, 200, 403, 403),
    ],
)
def test_each_role_may_do_its_part(
    client: Client, role: str, sends: int, reads: int, changes: int, makes_keys: int
) -> None:
    as_key(client, new_key(client, role=role))

    assert client.send().status_code == sends
    assert client.get(V3).status_code == reads
    assert client.get(f"/v3/{DOMAIN}/events").status_code == 200
    assert client.post(V3, data={"id": "opened", "url": A}).status_code == changes
    assert client.post("/v1/keys", data={"role": "sending"}).status_code == makes_keys
    client.fake.switch(basic_reads_events=False, developer_reads_events=False)
    expected = 200 if role == "admin" else 403
    assert client.get(f"/v3/{DOMAIN}/events").status_code == expected
    assert client.post("/v1/analytics/logs", json={}).status_code == expected


def test_keys_are_listed_without_their_secret_and_deleted(client: Client) -> None:
    key = new_key(client, role="sending", kind="domain", domain_name=DOMAIN, description="mine")

    listed = client.get("/v1/keys", params={"kind": "domain"}).json()
    assert listed["total_count"] == 1
    assert "secret" not in listed["items"][0]
    assert listed["items"][0]["description"] == "mine"
    assert client.get("/v1/keys", params={"kind": "x"}).status_code == 400
    assert client.delete(f"/v1/keys/{key['id']}").json() == {"message": "key deleted"}
    assert client.delete(f"/v1/keys/{key['id']}").status_code == 404
    as_key(client, key)
    assert client.send().status_code == 401


@pytest.mark.parametrize(
    "data",
    [{}, {"role": "king"}, {"role": "basic", "kind": "x"}, {"role": "basic", "expiration": "soon"}],
)
def test_a_wrong_key_is_not_made(client: Client, data: dict[str, str]) -> None:
    assert client.post("/v1/keys", data=data).status_code == 400


# Subaccounts


def test_an_unknown_or_disabled_subaccount_may_not_be_acted_for(client: Client) -> None:
    made = client.post("/v5/accounts/subaccounts", params={"name": "Shop"}).json()["subaccount"]
    path = f"/v5/accounts/subaccounts/{made['id']}"
    assert client.get(path).json()["subaccount"]["name"] == "Shop"
    assert client.get("/v5/accounts/subaccounts").json()["total"] == 1
    client.session.headers["X-Mailgun-On-Behalf-Of"] = made["id"]
    assert client.send().status_code == 200
    assert client.fake.messages()[0]["subaccount"] == made["id"]

    del client.session.headers["X-Mailgun-On-Behalf-Of"]
    assert client.post(f"{path}/disable").json()["subaccount"]["status"] == "disabled"
    assert client.post(f"{path}/disable").status_code == 400
    client.session.headers["X-Mailgun-On-Behalf-Of"] = made["id"]
    assert client.send().status_code == 401
    client.session.headers["X-Mailgun-On-Behalf-Of"] = "nobody"
    assert client.send().status_code == 401
    del client.session.headers["X-Mailgun-On-Behalf-Of"]
    assert client.post(f"{path}/enable").status_code == 200
    assert client.get("/v5/accounts/subaccounts/nobody").status_code == 404
    assert client.post("/v5/accounts/subaccounts").status_code == 400
