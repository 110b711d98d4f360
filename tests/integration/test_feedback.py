"""Reports over HTTP: webhooks, some of them lost, and polling agree with the fake's truth."""

import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from consumer.adapters.clock import SystemClock
from consumer.adapters.ledger import open_ledger
from consumer.adapters.mailgun.client import MailgunTransport
from consumer.adapters.mailgun.events import MailgunEvents
from consumer.adapters.mailgun.lookup_questions import Api
from consumer.adapters.web_server import WebServer
from consumer.domain.notification import SendOptions
from consumer.domain.reasons import Kind
from consumer.domain.tracking import TrackingEvent
from consumer.feedback.poller import Poller
from consumer.feedback.receiver import Receiver, ReceiverRules
from consumer.feedback.windows import PollRules
from consumer.sandbox.mailgun import FakeMailgun, Options
from tests.support.clock import ManualClock
from tests.support.factories import make_email
from tests.support.feedback import Rig
from tests.support.kafka import until
from tests.support.reports import SIGNING_KEY, VARIABLES

DOMAIN = "alerts.example.com"
KEY = "key-of-the-tests"
TYPES = ("accepted", "delivered", "permanent_fail", "temporary_fail", "opened", "complained")

#: What becomes of whose email, and how it has to be told.
FATES: dict[str, tuple[dict[str, Any], set[Kind]]] = {
    "fine": ({}, {Kind.DELIVERED}),
    "reader": (
        {"afterwards": ["opened", "complained"]},
        {Kind.DELIVERED, Kind.OPENED, Kind.COMPLAINED},
    ),
    "gone": ({"outcome": "permanent"}, {Kind.BOUNCED_PERMANENT}),
    "full": ({"outcome": "permanent", "bounce_type": "soft"}, {Kind.BOUNCED_TEMPORARY}),
    "slow": ({"temporary_failures": 1}, {Kind.DEFERRED, Kind.DELIVERED}),
    "never": (
        {"outcome": "expired", "temporary_failures": 1},
        {Kind.DEFERRED, Kind.BOUNCED_TEMPORARY},
    ),
    "refused": ({"outcome": "rejected"}, {Kind.REJECTED}),
}


class World:
    """A fake Mailgun whose hours pass in a moment, a receiver that it posts to, and a poller."""

    def __init__(self, api: Api) -> None:
        self.ledger = open_ledger("sqlite://")
        self.clock = ManualClock(SystemClock().now())
        self.rig = Rig(self.ledger, self.clock)
        self.fake = FakeMailgun(
            Options(api_keys={KEY: "full"}, domains={DOMAIN}, signing_key=SIGNING_KEY)
        ).start()
        self.fake.switch(time_scale=200_000.0)
        receiver = Receiver(
            ReceiverRules(path="/hook", max_age_seconds=43_200.0, max_body_bytes=100_000),
            signing_key=SecretStr(SIGNING_KEY),
            recorder=self.rig.recorder,
            clock=self.clock,
        )
        self.server = WebServer(receiver.app, "127.0.0.1", 0)
        self.server.start()
        for kind in TYPES:
            requests.post(
                f"{self.fake.url}/v3/domains/{DOMAIN}/webhooks",
                data={"id": kind, "url": f"{self.server.address}/hook"},
                auth=("api", KEY),
                timeout=10,
            ).raise_for_status()
        self.poller = Poller(
            feed="mailgun",
            owner="one",
            events=MailgunEvents(
                base_url=self.fake.url, domain=DOMAIN, lookup_key=KEY, api=api, clock=self.clock
            ),
            store=self.ledger.feedback,
            recorder=self.rig.another("feedback-2"),
            clock=self.clock,
            rules=PollRules(interval=1.0, overlap=300.0, settle=1.0),
        )

    def send(self, to: str) -> str:
        """One email, marked before and settled after, as the senders do; its uid."""
        uid = str(uuid.uuid4())
        email = make_email(
            uid=uid,
            message_id=f"<{uid}@{DOMAIN}>",
            to=to,
            variables=tuple((VARIABLES | {"uid": uid}).items()),
        )
        transport = MailgunTransport(
            base_url=self.fake.url, domain=DOMAIN, api_key=KEY, clock=self.clock, pool_size=1
        )
        self.rig.send(uid=uid)
        assert transport.send(email, SendOptions()).kind is Kind.ACCEPTED
        transport.close()
        return uid

    def until_quiet(self) -> None:
        """All has happened, and each webhook has its answer."""

        def quiet() -> bool:
            state = self.fake.webhooks()
            return not (state["waiting"] or state["under_way"])

        until(quiet, "the last webhook", 20.0)

    def close(self) -> None:
        self.server.stop()
        self.poller.stop()
        self.fake.stop()
        self.ledger.close()


@pytest.fixture(params=["events", "logs"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(request.param)
    yield made
    made.close()


def truth(fake: FakeMailgun) -> Counter[str]:
    """How many events each email has, by the uid that it carries; its acceptance is not told."""
    happened = [event for event in fake.events() if event["event"] != "accepted"]
    return Counter(event["user-variables"]["uid"] for event in happened)


def test_webhooks_and_polling_tell_each_report_once_and_agree_with_the_truth(world: World) -> None:
    """A third of the webhooks is lost, others come twice, or in another order."""
    world.fake.disturb_webhooks(
        {"kind": "lose", "probability": 0.3, "seed": 1},
        {"kind": "duplicate", "probability": 0.5, "seed": 2, "seconds": 0.1},
        {"kind": "reorder", "seconds": 0.1},
    )
    expected: dict[str, set[Kind]] = {}
    for name, (fate, kinds) in FATES.items():
        world.fake.deliver({"recipient": f"{name}-*", **fate})
        for number in range(3):
            expected[world.send(f"{name}-{number}@example.com")] = kinds
    world.until_quiet()
    heard = len(world.rig.sink.tracked)
    world.clock.advance(60)  # the fake's clock is the real one, and went on
    world.poller.step()
    world.poller.step()
    told: dict[str, list[TrackingEvent]] = {uid: [] for uid in expected}
    for record in world.rig.sink.tracked:
        assert record.notification is not None
        told[record.notification.uid or ""].append(record)
    assert {uid: {r.kind for r in records} for uid, records in told.items()} == expected
    assert {uid: len(records) for uid, records in told.items()} == truth(world.fake)
    assert 0 < heard < truth(world.fake).total(), "both sides had something to do"
