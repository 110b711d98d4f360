"""An address that cannot be reached, with the command, Kafka and Mailgun's lists around it."""

import json
from pathlib import Path

from consumer.domain.follow_up import FALLBACK_CONTACT, is_follow_up_id
from consumer.domain.reasons import Kind, Reason
from consumer.sandbox.catalog import write_load_catalog
from consumer.sandbox.mailgun import Options
from tests.support.kafka import Kafka, until
from tests.support.load import load
from tests.support.messenger import KEY, Messenger

GONE, OPS = "load-0@example.net", "ops@example.com"
SETTINGS = f"""
[feedback]
in_run = true
webhooks = false
poll_interval_seconds = 0.5
settle_seconds = 1.0
suppressions_interval_seconds = 0.5

[delivery]
on_bounce = "fallback_contact"
fallback_contact = "{OPS}"
"""


def to(messenger: Messenger, address: str) -> list[str]:
    """Subjects of the emails that were accepted for an address."""
    return [mail["subject"] for mail in messenger.fake.messages() if mail["recipient"] == address]


def test_a_bounce_is_told_to_the_fallback_contact_and_later_emails_are_not_tried(
    tmp_path: Path, kafka: Kafka
) -> None:
    options = Options(api_keys={KEY: "full"})
    with Messenger(tmp_path, kafka, options=options, settings=SETTINGS) as messenger:
        messenger.fake.deliver({"recipient": GONE, "outcome": "permanent"})
        write_load_catalog(messenger.catalog, 1, 1)
        first, second = load(2, atoms=1)
        messenger.start("one")
        kafka.produce(messenger.events, [(first.key, first.value)])
        until(lambda: to(messenger, OPS), "the fallback contact is told", 60)
        assert to(messenger, OPS)[0].startswith(f"[Not reached: {GONE}] ** ")
        (bounced,) = messenger.tracked([Kind.BOUNCED_PERMANENT])
        assert bounced.notification is not None
        assert bounced.notification.destination == GONE

        def listed() -> bool:
            told = messenger.command("suppressions", "list", "--json").stdout
            return [e["address"] for e in json.loads(told)["entries"]] == [GONE]

        until(listed, "Mailgun's list is read", 60)
        kafka.produce(messenger.events, [(second.key, second.value)])
        until(lambda: len(to(messenger, OPS)) == 2, "told at once instead", 60)
        (held,) = messenger.tracked([Kind.SUPPRESSED])
        assert held.outcome.reason is Reason.SUPPRESSED_RECIPIENT
        assert len(to(messenger, GONE)) == 1
        # The events, and the one that made the fallback contact be told: each was done once.
        messenger.until_done(3)
        told = [r for r in messenger.tracked([Kind.ACCEPTED]) if r.notification is not None]
        by_fallback = [r for r in told if r.notification.notification_id == FALLBACK_CONTACT]  # type: ignore[union-attr] # looked at above
        assert len(told) == 3
        assert [is_follow_up_id(str(r.event.id)) for r in by_fallback].count(True) == 1
        assert messenger.terminate("one") == 0
