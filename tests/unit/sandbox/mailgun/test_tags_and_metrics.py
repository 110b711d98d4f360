"""Tags as they are used, and events counted."""

from typing import Any

import pytest
import requests

from tests.unit.sandbox.mailgun.support import DOMAIN, TIMEOUT, Client

V1 = "/v1/analytics/tags"


def call(client: Client, method: str, path: str, **more: Any) -> requests.Response:
    return client.session.request(method, client.fake.url + path, timeout=TIMEOUT, **more)


def test_a_tag_is_known_from_its_first_use(client: Client) -> None:
    client.send(o_tag=["Critical", "shop"])
    client.send(o_tag="critical")

    listed = client.get(f"/v3/{DOMAIN}/tags").json()
    assert [item["tag"] for item in listed["items"]] == ["Critical", "shop"]
    assert set(listed["items"][0]) == {"tag", "description", "first-seen", "last-seen"}
    found = client.get(f"/v3/{DOMAIN}/tags", params={"prefix": "SH"}).json()["items"]
    assert [item["tag"] for item in found] == ["shop"]
    first = client.get(f"/v3/{DOMAIN}/tags", params={"limit": 1}).json()
    second = client.get(first["paging"]["next"]).json()
    assert [item["tag"] for item in second["items"]] == ["shop"]
    assert client.get(f"/v3/domains/{DOMAIN}/limits/tag").json() == {
        "id": DOMAIN,
        "limit": 20_000,
        "count": 2,
    }


@pytest.mark.parametrize("path", ["tag?tag=shop", "tags/shop"])
def test_one_tag_is_read_described_and_deleted(client: Client, path: str) -> None:
    client.send(o_tag="shop")
    one = f"/v3/{DOMAIN}/{path}"

    assert call(client, "PUT", one, data={"description": "x"}).json() == {"message": "Tag updated"}
    assert client.get(one).json()["description"] == "x"
    assert client.delete(one).json() == {"message": "Tag deleted"}
    for method in ("GET", "PUT", "DELETE"):
        assert call(client, method, one).status_code == 404


def test_the_accounts_tags_are_searched_described_and_deleted(client: Client) -> None:
    client.send(o_tag=["alpha", "beta"])

    listed = client.post(V1, json={"pagination": {"sort": "tag:asc", "limit": 1}}).json()
    assert [item["tag"] for item in listed["items"]] == ["alpha"]
    assert listed["pagination"] == {"sort": "tag:asc", "skip": 0, "limit": 1, "total": 2}
    found = client.post(V1, json={"tag": "be"}).json()["items"]
    assert [item["tag"] for item in found] == ["beta"]
    assert call(client, "PUT", V1, json={"tag": "beta", "description": "x"}).json() == {
        "message": "Tag updated"
    }
    assert client.post(V1, json={"tag": "be"}).json()["items"][0]["description"] == "x"
    assert call(client, "DELETE", V1, json={"tag": "beta"}).json() == {"message": "Tag deleted"}
    gone = call(client, "DELETE", V1, json={"tag": "beta"})
    assert (gone.status_code, gone.json()) == (404, {"message": "Tag not found"})
    assert client.get(V1 + "/limits").json() == {
        "limit": 20_000,
        "count": 1,
        "limit_reached": False,
    }
    assert client.post(V1, json={"pagination": {"limit": "x"}}).status_code == 400


def metrics(client: Client, **wish: Any) -> dict[str, Any]:
    answer = client.post("/v1/analytics/metrics", json=wish)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def test_events_are_counted_by_dimension(client: Client) -> None:
    client.fake.deliver({"outcome": "permanent", "recipient": "gone@*"})
    client.send(o_tag="a")
    client.send(o_tag=["a", "b"], to="gone@example.org")
    client.send(to="gone@example.net", o_tag="b")
    client.send(to="gone@example.net", o_tag="b")

    content = metrics(
        client,
        dimensions=["tag"],
        metrics=["accepted_count", "delivered_count", "bounced_count", "suppressed_bounces_count"],
        include_aggregates=True,
    )
    found = {item["dimensions"][0]["value"]: item["metrics"] for item in content["items"]}
    assert found["a"] == {
        "accepted_count": 2,
        "delivered_count": 1,
        "bounced_count": 1,
        "suppressed_bounces_count": 0,
    }
    assert found["b"]["suppressed_bounces_count"] == 1
    assert content["aggregates"]["metrics"]["accepted_count"] == 4
    assert content["pagination"]["total"] == 2


def test_a_filter_a_rate_and_the_time(client: Client) -> None:
    client.fake.deliver({"outcome": "permanent", "reason": "generic", "recipient": "gone@*"})
    client.send()
    client.send(to="gone@example.net")
    one = [{"label": "x", "value": "example.net"}]

    content = metrics(
        client,
        resolution="hour",
        metrics=["permanent_failed_count", "delivered_rate"],
        filter={"AND": [{"attribute": "recipient_domain", "comparator": "!=", "values": one}]},
    )
    (item,) = content["items"]
    assert item["metrics"] == {"permanent_failed_count": 0, "delivered_rate": "100.00"}
    assert item["dimensions"][0]["value"].endswith(":00:00 +0000")
    assert metrics(client, metrics=["delivered_rate"])["items"][0]["metrics"] == {
        "delivered_rate": "50.00"
    }


@pytest.mark.parametrize(("switch", "counted"), [("metrics", 3), ("none", 2)])
def test_a_batch_request_counts_as_one_more_accepted(
    client: Client, switch: str, counted: int
) -> None:
    client.fake.switch(batch_request_event=switch)
    client.send(to=["a@x.org", "b@x.org"], recipient_variables="{}")

    (item,) = metrics(client, metrics=["accepted_count"])["items"]
    assert item["metrics"]["accepted_count"] == counted
    assert len(client.events(event="accepted")) == 2


def test_a_batch_request_may_be_an_event_too(client: Client) -> None:
    client.fake.switch(batch_request_event="event")
    client.send(to=["a@x.org", "b@x.org"], recipient_variables="{}")

    recipients = [event["recipient"] for event in client.events(event="accepted")]
    assert sorted(recipients) == ["", "a@x.org", "b@x.org"]


@pytest.mark.parametrize(
    "wish",
    [
        {"dimensions": ["colour"]},
        {"metrics": ["colour_count"]},
        {"resolution": "century"},
        {"duration": "long"},
        {"filter": {"AND": [{"attribute": "colour", "comparator": "=", "values": []}]}},
        {"filter": {"AND": 1}},
        {"pagination": 1},
        [],
    ],
)
def test_a_wrong_wish_is_refused(client: Client, wish: object) -> None:
    assert client.post("/v1/analytics/metrics", json=wish).status_code == 400
