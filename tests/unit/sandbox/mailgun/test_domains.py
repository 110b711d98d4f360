"""The sending domains: their life, what they may do, what waits in their queues."""

from typing import Any

import pytest
import requests

from consumer.sandbox.mailgun import FakeMailgun, Options
from tests.support.clock import ManualClock
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW, TIMEOUT, Client, make_form

NEW = "new.example.com"


def call(client: Client, method: str, path: str, **more: Any) -> requests.Response:
    return client.session.request(method, client.fake.url + path, timeout=TIMEOUT, **more)


def send_from(client: Client, domain: str, **changes: Any) -> requests.Response:
    return client.post(f"/v3/{domain}/messages", data=make_form(**changes).fields)


def test_a_new_domain_may_send_once_it_is_verified(client: Client) -> None:
    created = client.post("/v4/domains", data={"name": NEW.upper(), "require_tls": "true"})
    assert created.json()["message"] == "Domain DNS records have been created"
    assert created.json()["domain"]["state"] == "unverified"
    assert created.json()["domain"]["require_tls"] is True

    refused = send_from(client, NEW)
    assert refused.status_code == 400
    assert refused.json()["message"].startswith(
        f"Domain {NEW} is not allowed to send: The domain is unverified and requires DNS"
    )
    verified = call(client, "PUT", f"/v4/domains/{NEW}/verify").json()
    assert verified["domain"]["state"] == "active"
    assert {record["valid"] for record in verified["sending_dns_records"]} == {"valid"}
    assert send_from(client, NEW).status_code == 200
    assert call(client, "DELETE", f"/v3/domains/{NEW}").json() == {
        "message": "Domain will be deleted in the background"
    }
    assert send_from(client, NEW).status_code == 404


def test_domains_are_listed_by_state_name_and_page(client: Client) -> None:
    for name in ("b.example.com", "c.example.com"):
        client.post("/v4/domains", data={"name": name})

    def listed(**parameters: str) -> list[str]:
        answer = client.get("/v4/domains", params=parameters).json()
        return [item["name"] for item in answer["items"]]

    assert listed() == [DOMAIN, "b.example.com", "c.example.com"]
    assert listed(state="active") == [DOMAIN]
    assert listed(search="B.") == ["b.example.com"]
    assert listed(sort="name:desc", limit="1", skip="1") == ["b.example.com"]
    assert client.get("/v4/domains", params={"skip": "x"}).status_code == 400
    assert client.get("/v3/domains").json()["total_count"] == 3


def test_a_domain_is_changed(client: Client) -> None:
    changed = call(
        client, "PUT", f"/v4/domains/{DOMAIN}", data={"message_ttl": "600", "web_scheme": "http"}
    ).json()

    assert changed["message"] == "Domain has been updated"
    domain = client.get(f"/v4/domains/{DOMAIN}").json()["domain"]
    assert (domain["message_ttl"], domain["web_scheme"]) == (600, "http")
    wrong = call(client, "PUT", f"/v4/domains/{DOMAIN}", data={"message_ttl": "long"})
    assert wrong.status_code == 400


@pytest.mark.parametrize("name", ["", "nodot", "a/b.com", DOMAIN])
def test_what_is_no_new_name_is_refused(client: Client, name: str) -> None:
    assert client.post("/v4/domains", data={"name": name}).status_code == 400


def test_a_sandbox_domain_sends_to_authorised_recipients_only(client: Client) -> None:
    sandbox = "sandbox123.mailgun.org"
    client.post("/v4/domains", data={"name": sandbox, "force_active": "true"})
    assert client.get(f"/v4/domains/{sandbox}").json()["domain"]["type"] == "sandbox"

    refused = send_from(client, sandbox)
    assert "Sandbox subdomains are for test purposes only." in refused.json()["message"]
    client.post("/v5/sandbox/auth_recipients", params={"email": "Ops@example.org"})
    assert send_from(client, sandbox).status_code == 200
    listed = client.get("/v5/sandbox/auth_recipients").json()["recipients"]
    assert [one["email"] for one in listed] == ["ops@example.org"]
    call(client, "DELETE", "/v5/sandbox/auth_recipients/ops@example.org")
    assert send_from(client, sandbox).status_code == 400
    assert client.post("/v5/sandbox/auth_recipients").status_code == 400


def test_where_every_domain_is_known_a_deleted_one_is_not() -> None:
    with FakeMailgun(Options()) as fake:
        client = Client(fake)
        with client.session:
            assert client.get("/v4/domains/any.example.com").status_code == 200
            call(client, "DELETE", "/v3/domains/any.example.com")
            assert client.get("/v4/domains/any.example.com").status_code == 404
            client.post("/v4/domains", data={"name": "any.example.com"})
            assert client.get("/v4/domains/any.example.com").status_code == 200


def test_the_queues_are_shown_and_emptied() -> None:
    clock = ManualClock(NOW)
    with FakeMailgun(Options(domains={DOMAIN}, now=clock.now)) as fake:
        client = Client(fake)
        with client.session:
            queues = client.get(f"/v3/domains/{DOMAIN}/sending_queues").json()
            assert queues["regular"] == {
                "is_disabled": False,
                "disabled": {"until": "", "reason": ""},
            }
            client.send(o_deliverytime=str(int(NOW) + 60))
            dropped = call(client, "DELETE", f"/v3/{DOMAIN}/envelopes")
            assert dropped.json() == {"message": "done"}
            clock.advance(60)
            assert [event["event"] for event in client.events()] == ["accepted"]
