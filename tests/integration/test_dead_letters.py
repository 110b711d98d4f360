"""Dead letters on real Kafka: listed by reason, redriven once the cause is mended, limited."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from consumer.domain.reasons import Kind
from consumer.sandbox.catalog import write_load_catalog
from consumer.sandbox.traffic import TrafficRecord, generate_atoms
from tests.support.kafka import Kafka
from tests.support.load import RECIPIENTS, assert_in_order, by_event, decoded, load
from tests.support.messenger import Messenger

ATOMS = 30
DAY_MS = 86_400_000
#: What was mended is noticed at once, and what is missing is soon given up.
HASTY = {"catalog.max_age_seconds": 0.2, "catalog.lookup_patience_seconds": 0.3}


def produce(messenger: Messenger, records: Sequence[TrafficRecord]) -> None:
    messenger.kafka.produce(messenger.events, [(r.key, r.value) for r in records])


def listed(messenger: Messenger, *arguments: str) -> list[dict[str, Any]]:
    ran = messenger.command("dead-letters", *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    letters: list[dict[str, Any]] = json.loads(ran.stdout)
    return letters


def redrive(messenger: Messenger, *arguments: str) -> str:
    ran = messenger.command("dead-letters", "redrive", "--yes", *arguments)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def test_redriven_after_the_catalog_was_mended_exactly_the_missing_emails_are_sent(
    tmp_path: Path, kafka: Kafka
) -> None:
    """Half of the alarms are unknown, and some records are broken for good."""
    with Messenger(tmp_path, kafka, overrides=HASTY) as messenger:
        write_load_catalog(messenger.catalog, ATOMS // 2, RECIPIENTS)
        records = load(2 * ATOMS, atoms=ATOMS)
        events = decoded(records)
        kafka.produce(messenger.events, [(b"a", b"{"), (None, b"[]"), (b"b", b"\xff")])
        produce(messenger, records)
        messenger.start("one")
        messenger.until_done(len(records) + 3)
        sent = by_event(messenger.fake.messages(limit=500))
        missing = set(events) - set(sent)
        assert 0 < len(missing) < len(events)

        reasons = Counter(letter["reason"] for letter in listed(messenger, "list"))
        assert reasons.pop("not_in_catalog") == len(missing)
        assert sum(reasons.values()) == 3
        unknown = listed(messenger, "list", "--reason", "not_in_catalog", "--since", "1h")
        assert {event["id"] for letter in unknown for event in letter["events"]} == missing
        ends = len(kafka.read_all(messenger.events))
        dry = listed(messenger, "redrive", "--reason", "not_in_catalog", "--dry-run")
        assert len(dry) == len(missing)
        assert len(kafka.read_all(messenger.events)) == ends, "a dry run changes nothing"

        write_load_catalog(messenger.catalog, ATOMS, RECIPIENTS)
        said = redrive(messenger, "--reason", "not_in_catalog")
        assert said.endswith(f"\n{len(missing)} redriven\n")
        messenger.until_done(ends + len(missing))
        mails = messenger.fake.messages(limit=500)
        assert by_event(mails) == dict.fromkeys(events, 1)
        assert_in_order(mails, events)
        again = redrive(messenger, "--reason", "not_in_catalog")
        assert again.endswith(f"\n0 redriven; left out: {len(missing)} already sent since\n")
        assert not listed(messenger, "list", "--open", "--reason", "not_in_catalog")


def test_what_was_given_up_is_sent_when_redriven_and_what_was_sent_is_not(
    tmp_path: Path, kafka: Kafka
) -> None:
    """Too old, or refused by the provider: each is its alarm's last event. Twice, to be sure."""
    with Messenger(tmp_path, kafka, overrides=HASTY) as messenger:
        write_load_catalog(messenger.catalog, ATOMS, RECIPIENTS)
        old = list(generate_atoms(10, 10, 7, int(time.time() * 1000) - 2 * DAY_MS))
        alarms = {record.key for record in old}
        fresh = [record for record in load(ATOMS, atoms=ATOMS) if record.key not in alarms]
        events = decoded([*old, *fresh])
        messenger.fake.script({"kind": "status", "status": 400, "when": "before", "count": 5})
        messenger.start("one")
        produce(messenger, [*old, *fresh])
        messenger.until_done(ATOMS)
        failed = {r.event.id for r in messenger.tracked([Kind.FAILED])}
        assert len(failed) == 5
        assert {r.event.id for r in messenger.tracked([Kind.EXPIRED])} == set(decoded(old))
        letters = listed(messenger, "list", "--reason", "provider_rejected")
        assert {event["id"] for letter in letters for event in letter["events"]} == failed

        redrive(messenger, "--offset", letters[0]["position"])
        messenger.until_done(ATOMS + 1)
        said = redrive(messenger, "--since", "1h", "--rate", "100")
        assert said.endswith("\n14 redriven; left out: 1 already sent since\n")
        messenger.until_done(ATOMS + 15)
        assert by_event(messenger.fake.messages(limit=500)) == dict.fromkeys(events, 1)
        assert {r.event.id for r in messenger.tracked([Kind.ACCEPTED])} == set(events)


def test_a_broken_topic_is_not_emptied_into_the_dead_letters(tmp_path: Path, kafka: Kafka) -> None:
    """The process says so and stays, in its group too; a restart goes on by as many again."""
    limited = {"kafka.dead_letters_per_minute": 20, "kafka.max_poll_records": 10}
    with Messenger(tmp_path, kafka, partitions=1, overrides=limited) as messenger:
        write_load_catalog(messenger.catalog, 1, 1)
        kafka.produce(messenger.events, [(None, b"{")] * 200)
        for name, most in (("one", 30), ("two", 60)):
            messenger.start(name)
            messenger.until_logged(name, "intake.stopped")
            assert messenger.terminate(name) == 0
            assert most - 10 <= len(kafka.read_all(messenger.dead_letters)) <= most
        (said,) = [line for line in messenger.log("one") if line["event"] == "intake.stopped"]
        assert "messenger dead-letters list --reason" in said["error"]
