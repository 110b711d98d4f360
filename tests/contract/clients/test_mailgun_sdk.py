"""Mailgun's own Python SDK, unchanged, takes the fake for Mailgun."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from mailgun.client import Client

from consumer.sandbox.mailgun import FakeMailgun
from tests.contract.clients.conftest import DOMAIN, KEY

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def sdk(fake: FakeMailgun) -> Iterator[Client]:
    with Client(auth=("api", KEY), api_url=fake.url) as client:
        yield client


def message(**changes: Any) -> dict[str, Any]:
    """As the SDK's examples write it."""
    return {
        "from": f"Alarms <alarms@{DOMAIN}>",
        "to": ["ops@example.org"],
        "cc": "boss@example.org",
        "subject": "CPU high",
        "text": "It is.",
        "o:tag": ["a", "b"],
        **changes,
    }


def test_a_message_with_and_without_a_file(sdk: Client, fake: FakeMailgun) -> None:
    plain = sdk.messages.create(data=message(), domain=DOMAIN)
    files = [("attachment", ("a.txt", b"hello"))]
    with_file = sdk.messages.create(data=message(), files=files, domain=DOMAIN)

    assert plain.status_code == with_file.status_code == 200
    assert plain.json()["message"].startswith("Queued.")
    mails = fake.messages()
    assert [mail["recipient"] for mail in mails[:2]] == ["ops@example.org", "boss@example.org"]
    assert [file["filename"] for file in mails[2]["attachments"]] == ["a.txt"]
    assert list(mails[0]["tags"]) == ["a", "b"]


def test_a_message_without_recipients_is_refused(sdk: Client) -> None:
    answer = sdk.messages.create(data={"from": f"a@{DOMAIN}"}, domain=DOMAIN)

    assert answer.status_code == 400
    assert answer.json()["message"] == "to parameter is missing"


def test_a_mime_message(sdk: Client, fake: FakeMailgun) -> None:
    files = {"message": ("message.mime", b"Subject: Hello\r\n\r\nText")}
    answer = sdk.mimemessage.create(data={"to": "ops@example.org"}, files=files, domain=DOMAIN)

    assert answer.status_code == 200
    assert fake.messages()[0]["subject"] == "Hello"


def test_a_batch_and_a_scheduled_test_message(sdk: Client, fake: FakeMailgun) -> None:
    variables = {"a@x.org": {"n": 1}, "b@x.org": {"n": 2}}
    batch = message(
        **{"to": list(variables), "cc": None, "recipient-variables": json.dumps(variables)},
        text="%recipient.n%",
    )
    del batch["cc"]
    sdk.messages.create(data=batch, domain=DOMAIN)
    later = {"o:deliverytime": "Thu, 01 Jan 2099 00:00:00 +0000", "o:testmode": True}
    sdk.messages.create(data=message(**later), domain=DOMAIN)

    mails = fake.messages()
    assert [mail["text"] for mail in mails[:2]] == ["1", "2"]
    assert mails[2]["test_mode"] is True


def test_events_and_sending_a_stored_message_again(sdk: Client, fake: FakeMailgun) -> None:
    sent = sdk.messages.create(data=message(), domain=DOMAIN).json()["id"].strip("<>")
    found = sdk.events.get(domain=DOMAIN, filters={"message-id": sent, "event": "accepted"})

    items = found.json()["items"]
    assert {item["recipient"] for item in items} == {"ops@example.org", "boss@example.org"}
    again = sdk.resend_message.create(
        domain=DOMAIN, storage_url=items[0]["storage"]["url"], data={"to": "new@x.org"}
    )
    assert again.status_code == 200, again.text
    assert fake.messages()[-1]["recipient"] == "new@x.org"


@pytest.mark.parametrize(
    ("kind", "argument"),
    [
        ("bounces", "bounce_address"),
        ("complaints", "complaint_address"),
        ("unsubscribes", "unsubscribe_address"),
        ("whitelists", "whitelist_address"),
    ],
)
def test_suppressions(sdk: Client, kind: str, argument: str) -> None:
    calls = getattr(sdk, kind)
    one = {argument: "a+b@example.org"}

    assert calls.create(data={"address": "a+b@example.org"}, domain=DOMAIN).status_code == 200
    assert calls.get(domain=DOMAIN, **one).status_code == 200
    assert len(calls.get(domain=DOMAIN).json()["items"]) == 1
    assert calls.delete(domain=DOMAIN, **one).status_code == 200
    assert calls.get(domain=DOMAIN, **one).status_code == 404
    loaded = getattr(sdk, f"{kind}_import").create(
        domain=DOMAIN, files={"file": ("list.csv", b"address\nx@x.org\n")}
    )
    assert loaded.status_code == 202
    assert calls.delete(domain=DOMAIN).status_code == 200
    assert calls.get(domain=DOMAIN).json()["items"] == []


def test_many_bounces_as_json(sdk: Client) -> None:
    many = [{"address": "a@x.org", "code": "550"}, {"address": "b@x.org", "code": "551"}]
    answer = sdk.bounces.create(
        data=json.dumps(many), domain=DOMAIN, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 200, answer.text
    assert "2 addresses" in answer.json()["message"]


def test_domain_webhooks(sdk: Client) -> None:
    made = sdk.domains_webhooks.create(
        domain=DOMAIN, data={"id": "clicked", "url": ["https://example.org/hook"]}
    )
    assert made.json()["message"] == "Webhook has been created"
    two = [("url", "https://example.org/a"), ("url", "https://example.org/b")]
    changed = sdk.domains_webhooks.put(domain=DOMAIN, webhook_name="clicked", data=two)
    assert len(changed.json()["webhook"]["urls"]) == 2
    assert sdk.domains_webhooks.get(domain=DOMAIN).json()["webhooks"]["clicked"]
    assert sdk.domains_webhooks.get(domain=DOMAIN, webhook_name="clicked").status_code == 200
    assert sdk.domains_webhooks.delete(domain=DOMAIN, webhook_name="clicked").status_code == 200


def test_account_webhooks(sdk: Client) -> None:
    data = {"url": "https://example.org/hook", "event_types": ["delivered", "opened"]}
    made = sdk.account_webhooks.create(data=data)

    assert made.status_code == 200, made.text
    listed = sdk.account_webhooks.get().json()["webhooks"]
    assert listed[0]["webhook_id"] == made.json()["webhook_id"]
    assert listed[0]["event_types"] == ["delivered", "opened"]


def test_domains(sdk: Client) -> None:
    assert sdk.domainlist.get().json()["items"][0]["name"] == DOMAIN
    assert sdk.domains.create(data={"name": "new.example.com"}).status_code == 200
    got = sdk.domains.get(domain="new.example.com").json()
    assert got["domain"]["state"] == "unverified"
    verified = sdk.domains.put(domain="new.example.com", verify=True)
    assert verified.json()["domain"]["state"] == "active"
    assert sdk.domains.delete(domain="new.example.com").status_code == 200
    assert sdk.domains.get(domain="new.example.com").status_code == 404
    queues = sdk.domains_sendingqueues.get(domain=DOMAIN).json()
    assert queues["regular"]["is_disabled"] is False
    sdk.domains_tracking_click.put(domain=DOMAIN, data={"active": "yes"})
    assert sdk.domains_tracking.get(domain=DOMAIN).json()["tracking"]["click"]["active"] is True


def test_tags_old_and_new(sdk: Client) -> None:
    sdk.messages.create(data=message(), domain=DOMAIN)

    assert len(sdk.tags.get(domain=DOMAIN).json()["items"]) == 2
    put = sdk.tags.put(domain=DOMAIN, tag_name="a", data={"description": "first"})
    assert put.status_code == 200, put.text
    assert sdk.tags.get(domain=DOMAIN, tag_name="a").json()["description"] == "first"
    listed = sdk.analytics_tags.create(data={"pagination": {"sort": "lastseen:desc", "limit": 10}})
    assert {item["tag"] for item in listed.json()["items"]} == {"a", "b"}
    update = sdk.analytics_tags.update(data={"tag": "b", "description": "second"})
    assert update.json()["message"] == "Tag updated"
    assert sdk.analytics_tags_limits.get().json()["count"] == 2
    assert sdk.analytics_tags.delete(filters={"tag": "b"}).json()["message"] == "Tag deleted"


def test_logs_and_metrics(sdk: Client) -> None:
    sdk.messages.create(data=message(), domain=DOMAIN)
    domain = {
        "attribute": "domain",
        "comparator": "=",
        "values": [{"label": DOMAIN, "value": DOMAIN}],
    }

    logs = sdk.analytics_logs.create(
        data={"duration": "1d", "events": ["accepted"], "filter": {"AND": [domain]}}
    )
    assert len(logs.json()["items"]) == 2
    metrics = sdk.analytics_metrics.create(
        data={
            "resolution": "day",
            "duration": "1d",
            "dimensions": ["time"],
            "metrics": ["accepted_count", "delivered_rate"],
            "filter": {"AND": [domain]},
            "include_aggregates": True,
        }
    )
    assert metrics.json()["items"][0]["metrics"]["accepted_count"] == 2
    with pytest.deprecated_call():
        older = sdk.stats_total.get(domain=DOMAIN, filters={"event": ["accepted", "delivered"]})
    assert older.json()["stats"][-1]["delivered"]["total"] == 2


def test_templates(sdk: Client, fake: FakeMailgun) -> None:
    data = {"name": "alarm", "template": "{{state}}", "description": "x"}
    assert sdk.templates.create(data=data, domain=DOMAIN).status_code == 200
    version = {"tag": "v2", "template": "<b>{{state}}</b>", "active": "yes"}
    made = sdk.templates.create(data=version, domain=DOMAIN, template_name="alarm", versions=True)
    assert made.status_code == 200, made.text
    got = sdk.templates.get(domain=DOMAIN, template_name="alarm", versions=True, tag="v2")
    assert got.json()["template"]["version"]["active"] is True
    sent = message(template="alarm", **{"t:variables": json.dumps({"state": "OK"})})
    del sent["text"]
    assert sdk.messages.create(data=sent, domain=DOMAIN).status_code == 200
    assert fake.messages()[0]["html"] == "<b>OK</b>"
    assert sdk.templates.delete(domain=DOMAIN, template_name="alarm").status_code == 200


def test_keys(sdk: Client) -> None:
    data = {"role": "sending", "kind": "domain", "domain_name": DOMAIN}
    made = sdk.keys.create(data=data, headers=FORM)

    assert made.status_code == 200, made.text
    listed = sdk.keys.get(filters={"kind": "domain"}).json()["items"]
    assert listed[0]["id"] == made.json()["key"]["id"]
    assert sdk.keys.delete(key_id=listed[0]["id"]).status_code == 200


def test_a_wrong_key_and_an_unknown_domain(sdk: Client, fake: FakeMailgun) -> None:
    with Client(auth=("api", "wrong"), api_url=fake.url) as stranger:
        assert stranger.messages.create(data=message(), domain=DOMAIN).status_code == 401
    unknown = sdk.messages.create(data=message(), domain="other.example.com")
    assert unknown.json() == {"message": "Domain not found: other.example.com"}
