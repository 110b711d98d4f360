"""The main job on real Apache Kafka: 4 partitions, 2 processes, the fake Mailgun over HTTP."""

import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from consumer.domain.reasons import Kind, Reason
from consumer.sandbox.catalog import write_load_catalog, write_sample_catalog
from consumer.sandbox.traffic import Label, generate
from tests.support.fleet import assert_each_once
from tests.support.kafka import Kafka, KafkaBroker, until
from tests.support.load import ATOMS, RECIPIENTS, assert_in_order, by_event, decoded, load
from tests.support.messenger import DOMAIN, Messenger
from tests.support.postgres import PostgresServer


def test_many_events_give_exactly_the_expected_emails(tmp_path: Path, kafka: Kafka) -> None:
    """Count, content and order per atom are right, and every event has its tracking record."""
    with Messenger(tmp_path, kafka) as messenger:
        write_load_catalog(messenger.catalog, ATOMS, RECIPIENTS)
        records = load(600)
        events = decoded(records)
        messenger.start_pair("one", "two")
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.until_accepted(600)
        messenger.until_done(600)
        mails = messenger.fake.messages(limit=5000)

        assert by_event(mails) == dict.fromkeys(events, 1)
        assert_in_order(mails, events)
        for mail in mails:
            event = events[mail["variables"]["event_id"]]
            number = int(event.alarm_id.removeprefix("alLoad"))
            assert mail["to"] == f"load-{number % RECIPIENTS}@example.net"
            assert mail["subject"] == f"** {event.state}: Load {number} on {event.entity_id} **"
            assert event.status in mail["text"]
        accepted = messenger.tracked([Kind.ACCEPTED])
        assert {record.event.id for record in accepted} == set(events)
        assert {record.worker for record in accepted} == {"one", "two"}, "both processes worked"
        assert messenger.terminate("one") == 0
        assert messenger.terminate("two") == 0
        assert sum(kafka.committed(messenger.group, messenger.events).values()) == 600


def test_mails_of_one_alarm_form_one_thread(tmp_path: Path, kafka: Kafka) -> None:
    """Each later mail refers to the first one's real Message-Id."""
    with Messenger(tmp_path, kafka) as messenger:
        write_load_catalog(messenger.catalog, 1, 1)
        messenger.start("one")
        records = load(4, atoms=1)
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.until_accepted(4)
        first, *later = sorted(messenger.fake.messages(), key=lambda m: m["sequence"])
        root = f"<{first['message_id']}>"
        assert root.endswith(f"@{DOMAIN}>")
        assert "References" not in dict(first["headers"])
        assert [dict(mail["headers"])["References"] for mail in later] == [root] * 3


def test_sample_traffic_ends_in_the_records_it_must(tmp_path: Path, kafka: Kafka) -> None:
    """Realistic traffic: each record ends in tracking, what may be mended in the dead letters."""
    with Messenger(tmp_path, kafka) as messenger:
        write_sample_catalog(messenger.catalog)
        records = list(generate(400, 3, int(time.time() * 1000)))
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.start("one")
        messenger.until_done(len(records))
        tracked = messenger.tracked()
        told = Counter(record.kind for record in tracked)
        labels = Counter(record.label for record in records)
        letters = kafka.read_all(messenger.dead_letters)

        assert {record.source for record in tracked} == {
            (messenger.events, partition, offset)
            for partition, count in Counter(
                r.partition for r in kafka.read_all(messenger.events)
            ).items()
            for offset in range(count)
        }, "every record of the topic is told of"
        assert told[Kind.ACCEPTED] == messenger.fake.stats()["accepted_messages"]
        assert messenger.fake.stats()["duplicate_messages"] == 0
        assert told[Kind.INVALID] == labels[Label.BROKEN]
        unknown = {r.source for r in tracked if r.outcome.reason is Reason.UNKNOWN_NOTIFICATION}
        assert len(letters) == labels[Label.BROKEN] + len(unknown)
        assert told[Kind.STALE] == labels[Label.STALE]
        reasons = Counter(record.outcome.reason for record in tracked)
        assert reasons[Reason.SEEN_BEFORE] == labels[Label.REPEAT]
        assert reasons[Reason.ACTIONS_DISABLED] == labels[Label.MUTED]
        for expected in (
            Reason.UNSUPPORTED_TYPE,
            Reason.UNKNOWN_NOTIFICATION,
            Reason.EMPTY_LIST,
            Reason.MAINTENANCE,
            Reason.ALARM_DISABLED,
            Reason.CHECK_DISABLED,
            Reason.DELETED,
            Reason.FIRST_STATE_OK,
        ):
            assert reasons[expected], expected


@pytest.mark.parametrize(("store", "together"), [("sqlite", 1), ("postgresql", 10)])
def test_kill_minus_nine_loses_nothing(
    tmp_path: Path, kafka: Kafka, store: str, together: int, request: pytest.FixtureRequest
) -> None:
    """What was under way at the kill is looked up, and sent again only if it is not there."""
    url = None
    if store == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.new_database()
    limit = {"mailgun.batch_limit": together}
    with Messenger(tmp_path, kafka, ledger_url=url, overrides=limit) as messenger:
        write_load_catalog(messenger.catalog, ATOMS, RECIPIENTS)
        messenger.fake.script({"kind": "delay", "seconds": 0.05, "count": None})
        assert messenger.command("ledger", "upgrade").returncode == 0
        records = load(500)
        events = decoded(records)
        messenger.start_pair("one", "two")
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.until_accepted(100)
        messenger.kill("one")
        messenger.until_done(500)

        sent = by_event(messenger.fake.messages(limit=5000))
        assert max(sent.values()) == 1
        assert {r.event.id for r in messenger.tracked([Kind.ACCEPTED])} == set(sent)
        in_doubt = {r.event.id for r in messenger.tracked([Kind.IN_DOUBT])}
        assert len(in_doubt) <= 32 * together, "no more than the senders had under way"
        # What is not there, and whose alarm has moved on meanwhile, is not sent again.
        superseded = {r.event.id for r in messenger.tracked([Kind.SUPERSEDED])}
        assert set(events) - set(sent) == superseded <= in_doubt
        sent_again = {r.event.id for r in messenger.tracked() if r.possible_duplicate}
        assert sent_again <= in_doubt
        shown = messenger.command("ledger", "show", "--in-doubt", "--json")
        assert msgspec.json.decode(shown.stdout) == []
        assert_in_order(messenger.fake.messages(limit=5000), events)


def test_broker_stopped_and_started_loses_nothing(tmp_path: Path, own_kafka: KafkaBroker) -> None:
    """Kafka goes away in mid-run and comes back: every email is sent once and tracked."""
    with Messenger(tmp_path, own_kafka) as messenger:
        write_load_catalog(messenger.catalog, ATOMS, RECIPIENTS)
        messenger.fake.script({"kind": "delay", "seconds": 0.05, "count": None})
        records = load(500)
        events = decoded(records)
        messenger.start_pair("one", "two")
        own_kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.until_accepted(100)
        own_kafka.stop()
        until(
            lambda: any(line["event"] == "dependency.down" for line in messenger.log("one")),
            "a word about Kafka being away",
        )
        own_kafka.start()
        messenger.until_accepted(500)
        messenger.until_done(500)

        mails = messenger.fake.messages(limit=5000)
        assert_each_once(messenger, events)
        assert_in_order(mails, events)
        assert {r.event.id for r in messenger.tracked([Kind.ACCEPTED])} == set(events)


def test_a_second_run_of_the_same_events_sends_nothing(tmp_path: Path, kafka: Kafka) -> None:
    """Offsets lost, the same records again: all duplicates, told as such."""
    with Messenger(tmp_path, kafka) as messenger:
        write_load_catalog(messenger.catalog, ATOMS, RECIPIENTS)
        records = load(200)
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.start("one")
        messenger.until_done(200)
        messenger.terminate("one")
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.start("two")
        messenger.until_done(400)
        assert messenger.fake.stats()["accepted_messages"] == 200
        assert len(messenger.tracked([Kind.DUPLICATE])) == 200


def test_provider_refusing_the_key_loses_nothing(tmp_path: Path, kafka: Kafka) -> None:
    """A wrong key is the operator's mistake: emails wait, and go when it is mended."""
    with Messenger(tmp_path, kafka) as messenger:
        write_load_catalog(messenger.catalog, ATOMS, RECIPIENTS)
        messenger.fake.script(
            {"kind": "status", "status": 401, "body": "Forbidden", "when": "before", "count": 5}
        )
        records = load(20)
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.start("one")
        messenger.until_done(20)
        assert by_event(messenger.fake.messages()) == dict.fromkeys(decoded(records), 1)
        assert any(
            line["event"] == "dependency.down" and line["dependency"] == "mailgun"
            for line in messenger.log("one")
        )
        assert not messenger.tracked([Kind.FAILED])
