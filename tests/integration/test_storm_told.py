"""A thousand alarms over HTTP from end to end: what is told of each email is what became of it."""

from collections import Counter
from pathlib import Path
from typing import Any

import requests

from consumer.adapters.ledger import open_ledger
from consumer.domain.ledger import DeliveryState
from consumer.domain.reasons import Kind
from consumer.domain.tracking import TrackingEvent
from consumer.sandbox.catalog import write_load_catalog
from consumer.sandbox.mailgun import Options
from consumer.tracing import by_event, find, parse_reference
from tests.support.kafka import Kafka, until
from tests.support.load import by_event as emails_by_event
from tests.support.load import load
from tests.support.messenger import DOMAIN, KEY, Messenger
from tests.support.reports import SIGNING_KEY

EVENTS = 1_000
TYPES = ("delivered", "permanent_fail", "temporary_fail", "opened", "complained")
SETTINGS = f"""
[feedback]
in_run = true
port = 0
signing_key = "{SIGNING_KEY}"
poll_interval_seconds = 2.0
settle_seconds = 1.0
suppressions = false
"""
#: What becomes of the emails to these addresses; all others are simply delivered.
FATES: tuple[dict[str, Any], ...] = (
    {"recipient": "load-1??@*", "afterwards": ["opened", "complained"]},
    {"recipient": "load-2??@*", "outcome": "permanent"},
    {"recipient": "load-3??@*", "outcome": "permanent", "bounce_type": "soft"},
    {"recipient": "load-4??@*", "temporary_failures": 1},
    {"recipient": "load-5??@*", "outcome": "expired", "temporary_failures": 1},
    {"recipient": "load-6??@*", "outcome": "rejected"},
)
MISCHIEF: tuple[dict[str, Any], ...] = (
    {"kind": "lose", "probability": 0.2, "seed": 1},
    {"kind": "duplicate", "probability": 0.2, "seed": 2, "seconds": 0.05},
    {"kind": "reorder", "probability": 0.2, "seed": 3, "seconds": 0.1},
)
#: An event of the fake's, and how it is told.
TOLD = {
    "delivered": Kind.DELIVERED,
    "opened": Kind.OPENED,
    "complained": Kind.COMPLAINED,
    "rejected": Kind.REJECTED,
}


def kind_of(event: dict[str, Any]) -> Kind:
    if event["event"] != "failed":
        return TOLD[event["event"]]
    if event["severity"] == "temporary":
        return Kind.DEFERRED
    # What was tried for too long is soft as well: no dead address.
    soft = event["delivery-status"].get("bounce-type") == "soft"
    return Kind.BOUNCED_TEMPORARY if soft else Kind.BOUNCED_PERMANENT


def truth(messenger: Messenger) -> dict[str, Counter[Kind]]:
    """By the uid that an email carries, what became of it."""
    mails = messenger.fake.messages(limit=EVENTS + 1)
    became = {mail["variables"]["uid"]: Counter([Kind.ACCEPTED]) for mail in mails}
    for event in messenger.fake.events(limit=10 * EVENTS):
        if event["event"] != "accepted":
            became[event["user-variables"]["uid"]][kind_of(event)] += 1
    return became


def told(steps: list[TrackingEvent]) -> dict[str, Counter[Kind]]:
    kinds: dict[str, Counter[Kind]] = {}
    for step in steps:
        assert step.notification is not None, step
        kinds.setdefault(str(step.notification.uid), Counter())[step.kind] += 1
    return kinds


def register_webhooks(messenger: Messenger, address: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for name in TYPES:
            session.post(
                f"{messenger.fake.url}/v3/domains/{DOMAIN}/webhooks",
                data={"id": name, "url": address},
                auth=("api", KEY),
                timeout=10,
            ).raise_for_status()


def webhooks_address(messenger: Messenger) -> str:
    messenger.until_logged("one", "webhooks.listening")
    (line,) = [e for e in messenger.log("one") if e["event"] == "webhooks.listening"]
    return str(line["address"])


def test_what_is_told_of_a_thousand_emails_is_what_became_of_them(
    tmp_path: Path, kafka: Kafka
) -> None:
    options = Options(api_keys={KEY: "full"}, domains={DOMAIN}, signing_key=SIGNING_KEY)
    with Messenger(tmp_path, kafka, options=options, settings=SETTINGS) as messenger:
        messenger.fake.switch(time_scale=200_000.0)
        messenger.fake.deliver(*FATES)
        messenger.fake.disturb_webhooks(*MISCHIEF)
        write_load_catalog(messenger.catalog, EVENTS, EVENTS)
        messenger.start("one")
        register_webhooks(messenger, webhooks_address(messenger))
        records = load(EVENTS, atoms=EVENTS)
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.until_done(EVENTS)

        def all_is_told() -> bool:
            state = messenger.fake.webhooks()
            still = state["waiting"] or state["under_way"]
            return not still and told(messenger.tracked()) == truth(messenger)

        until(all_is_told, "all that became of them is told", 60.0, pause_seconds=0.5)
        assert messenger.terminate("one") == 0

        mails = messenger.fake.messages(limit=EVENTS + 1)
        assert set(emails_by_event(mails).values()) == {1}
        assert len(mails) == EVENTS
        assert messenger.fake.stats()["accepted_calls"] < EVENTS / 5, "they went in batches"
        assert_traces_agree(messenger, mails)


def assert_traces_agree(messenger: Messenger, mails: list[dict[str, Any]]) -> None:
    """`trace` by an event's id: its steps are what the fake knows of the event's email."""
    became = truth(messenger)
    topic = by_event(messenger.tracked())
    ledger = open_ledger(messenger.ledger_url)
    for mail in mails:
        uid, id_ = mail["variables"]["uid"], mail["variables"]["event_id"]
        found = find(parse_reference(id_), ledger=ledger, read=None)
        (trace,) = found.traces
        (delivery,) = trace.deliveries
        assert (delivery.uid, delivery.state) == (uid, DeliveryState.ACCEPTED)
        assert Counter(step.kind for step in topic[id_]) == became[uid]
    ledger.close()
    for fate in ("load-0@", "load-150@", "load-250@", "load-350@", "load-450@", "load-650@"):
        address = next(m["recipient"] for m in mails if m["recipient"].startswith(fate))
        (mail,) = [m for m in mails if m["recipient"] == address]
        shown = messenger.command("trace", address, "--json")
        assert shown.returncode == 0, shown.stderr
        for kind in became[mail["variables"]["uid"]]:
            assert f'"{kind}"' in shown.stdout, (address, kind)
