"""A flood for one address, with the command as processes: some emails, and one for all others."""

import sqlite3
from contextlib import closing
from pathlib import Path

from consumer.domain.rate_limit import SUMMARY_TARGET
from consumer.domain.reasons import Kind
from consumer.sandbox.catalog import write_load_catalog
from tests.support.kafka import Kafka, until
from tests.support.load import load
from tests.support.messenger import Messenger

ALARMS, AT_ONCE = 30, 5
HELD = ALARMS - AT_ONCE
SETTINGS = f"""
[delivery.recipient_limit]
emails_per_hour = {AT_ONCE}
limited_states = ["CRITICAL", "WARNING", "OK"]
summary_seconds = 86400
"""


def test_a_flood_is_some_emails_and_one_summary_though_the_process_is_killed(
    tmp_path: Path, kafka: Kafka
) -> None:
    with Messenger(tmp_path, kafka, settings=SETTINGS) as messenger:
        write_load_catalog(messenger.catalog, ALARMS, 1)
        messenger.start("one")
        kafka.produce(messenger.events, [(e.key, e.value) for e in load(ALARMS, atoms=ALARMS)])
        messenger.until_accepted(1)
        messenger.kill("one")
        messenger.start("two")
        until(lambda: len(messenger.tracked([Kind.RATE_LIMITED])) == HELD, "all are held back", 90)
        with closing(sqlite3.connect(tmp_path / "messenger.db")) as ledger, ledger:
            # A day later.
            ledger.execute("UPDATE recipients SET due_at = 0 WHERE due_at IS NOT NULL")
        messenger.until_accepted(AT_ONCE + 1)
        messenger.until_done(ALARMS + 1)
        assert messenger.terminate("two") == 0

        *alarms, summary = sorted(messenger.fake.messages(), key=lambda mail: mail["sequence"])
        assert len(alarms) == AT_ONCE
        assert summary["subject"].startswith(f"** Summary: {HELD} notifications held back, {HELD} ")
        (told,) = {record.summary_uid for record in messenger.tracked([Kind.RATE_LIMITED])}
        (accepted,) = (
            record.notification
            for record in messenger.tracked([Kind.ACCEPTED])
            if record.notification and record.notification.notification_id == SUMMARY_TARGET
        )
        assert accepted.uid == told == summary["variables"]["uid"]
        trace = messenger.command("trace", str(told)).stdout
        assert "sent, the provider has accepted it" in trace
