"""django-anymail, unchanged, takes the fake for Mailgun: it sends, and its view takes webhooks."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from anymail.exceptions import AnymailAPIError
from anymail.message import AnymailMessage, attach_inline_image
from anymail.signals import AnymailTrackingEvent, tracking
from django.core.mail import send_mail

from consumer.sandbox.mailgun import FakeMailgun
from tests.contract.clients.conftest import DOMAIN
from tests.contract.clients.django_site import WEBHOOK_PATH, serving, use_mailgun_at

_DEADLINE = 20.0  # seconds


@pytest.fixture(autouse=True)
def _mailgun(fake: FakeMailgun) -> None:
    use_mailgun_at(fake.url)


class Told:
    """The events that the site was told of."""

    def __init__(self) -> None:
        self.events: list[AnymailTrackingEvent] = []
        self._changed = threading.Condition()

    def __call__(self, event: AnymailTrackingEvent, **_: Any) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait(self, number: int) -> list[AnymailTrackingEvent]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= number, _DEADLINE)
            return list(self.events)


@pytest.fixture
def told(fake: FakeMailgun) -> Iterator[Told]:
    """The site runs, listens, and is told of everything."""
    told = Told()
    tracking.connect(told)
    with serving() as site:
        for kind in ("accepted", "delivered", "opened", "clicked", "complained", "unsubscribed"):
            fake.world.webhooks.set_domain(DOMAIN, kind, [site + WEBHOOK_PATH])
        for kind in ("permanent_fail", "temporary_fail"):
            fake.world.webhooks.set_domain(DOMAIN, kind, [site + WEBHOOK_PATH])
        yield told
    tracking.disconnect(told)


def test_a_plain_mail(fake: FakeMailgun) -> None:
    assert send_mail("CPU high", "It is.", None, ["ops@example.org"]) == 1

    (mail,) = fake.messages()
    assert (mail["subject"], mail["text"]) == ("CPU high", "It is.")
    assert mail["from"] == f"alarms@{DOMAIN}"


def test_a_mail_with_all_that_anymail_offers(fake: FakeMailgun) -> None:
    message = AnymailMessage(
        "CPU high",
        "It is.",
        f"Alarms <alarms@{DOMAIN}>",
        ["Ops <ops@example.org>"],
        cc=["boss@example.org"],
        reply_to=["reply@example.org"],
        headers={"X-Priority": "1", "Message-ID": f"<own@{DOMAIN}>"},
        tags=["critical"],
        metadata={"alert": 17},
        track_clicks=False,
        esp_extra={"o:testmode": "yes"},
    )
    image = attach_inline_image(message, b"of pixels", subtype="png")
    message.attach_alternative(f"<img src=cid:{image}>", "text/html")
    message.attach("a.txt", "hello", "text/plain")

    assert message.send() == 1

    status = message.anymail_status
    assert status.status == {"queued"}
    assert status.message_id == f"<own@{DOMAIN}>"
    mail, _ = fake.messages()
    assert list(mail["tags"]) == ["critical"]
    assert mail["variables"] == {"alert": "17"}
    assert ["X-Priority", "1"] in [list(header) for header in mail["headers"]]
    assert mail["test_mode"] is True
    assert mail["options"]["tracking-clicks"] == ["no"]
    assert len(mail["attachments"]) == 2


def test_a_merge_reaches_each_recipient_with_its_own_data(fake: FakeMailgun) -> None:
    message = AnymailMessage(
        "%recipient.state%",
        "Hello %recipient.name%",
        to=["Ann <ann@x.org>", "Bob <bob@x.org>"],
        merge_data={
            "ann@x.org": {"name": "Ann"},
            "bob@x.org": {"name": "Bob"},
        },
        merge_global_data={"state": "CRITICAL"},
        merge_metadata={"ann@x.org": {"n": "1"}, "bob@x.org": {"n": "2"}},
        merge_headers={
            "ann@x.org": {"List-Unsubscribe": "<https://x.org/1>"},
            "bob@x.org": {"List-Unsubscribe": "<https://x.org/2>"},
        },
    )
    assert message.send() == 1

    ann, bob = fake.messages()
    assert (ann["text"], bob["text"]) == ("Hello Ann", "Hello Bob")
    assert ann["subject"] == "CRITICAL"
    assert [mail["variables"]["n"] for mail in (ann, bob)] == ["1", "2"]
    assert ["List-Unsubscribe", "<https://x.org/2>"] in [list(one) for one in bob["headers"]]
    assert "bob" not in ann["to"]


def test_a_stored_template(fake: FakeMailgun) -> None:
    made = fake.world.templates.create(DOMAIN, "alarm", "", "")
    requests.post(
        f"{fake.url}/v3/{DOMAIN}/templates/{made.name}/versions",
        data={"tag": "v1", "template": "{{state}} of {{name}}"},
        auth=("api", fake.api_key),
        timeout=10,
    ).raise_for_status()
    message = AnymailMessage(
        to=["ann@x.org"],
        subject="x",
        template_id="alarm",
        merge_data={"ann@x.org": {"name": "Web 1"}},
        merge_global_data={"state": "CRITICAL"},
    )
    message.send()

    assert fake.messages()[0]["html"] == "CRITICAL of Web 1"


def test_an_error_is_anymails_error(fake: FakeMailgun) -> None:
    message = AnymailMessage("x", "x", to=["ops@example.org"])
    message.esp_extra = {"sender_domain": "unknown.example.com"}

    with pytest.raises(AnymailAPIError, match="Domain not found"):
        message.send()
    fake.script({"kind": "magnificent"})
    with pytest.raises(AnymailAPIError, match="Magnificent API"):
        send_mail("x", "x", None, ["ops@example.org"])


def test_the_view_is_told_of_every_kind_of_event(fake: FakeMailgun, told: Told) -> None:
    fake.deliver({"outcome": "permanent", "recipient": "gone@*"})
    for recipient in ("ops@example.org", "gone@example.org"):
        AnymailMessage(
            "x", "x", to=[recipient], metadata={"alert": "a-17"}, tags=["critical"]
        ).send()
    for kind in ("opened", "clicked", "complained", "unsubscribed"):
        fake.happen(kind, recipient="ops@example.org")

    events = told.wait(8)

    kinds = sorted(event.event_type for event in events)
    assert kinds == [
        "bounced",
        "clicked",
        "complained",
        "delivered",
        "opened",
        "queued",
        "queued",
        "unsubscribed",
    ]
    assert all(event.metadata == {"alert": "a-17"} for event in events)
    assert all(event.tags == ["critical"] for event in events)
    (bounce,) = [event for event in events if event.event_type == "bounced"]
    assert (bounce.recipient, bounce.reject_reason) == ("gone@example.org", "bounced")
    assert len({event.event_id for event in events}) == len(events)
    assert {item["outcome"] for item in fake.webhooks()["items"]} <= {"done"}


def test_the_view_refuses_another_key(fake: FakeMailgun, told: Told) -> None:
    fake.world.subaccounts.new_signing_key("")
    fake.deliver({"outcome": "none"})
    send_mail("x", "x", None, ["ops@example.org"])

    pending = threading.Event()
    for _ in range(200):
        if items := fake.webhooks()["items"]:
            break
        pending.wait(0.05)
    assert (items[0]["outcome"], items[0]["status"]) == ("retry", 400)
    assert told.events == []
