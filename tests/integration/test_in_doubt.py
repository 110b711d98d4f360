"""Sends whose answer was lost, on real Kafka: looked up, settled, sent again, or held."""

from pathlib import Path

import msgspec

from consumer.domain.reasons import Kind, Reason
from consumer.sandbox.catalog import write_load_catalog
from consumer.sandbox.mailgun import Options
from tests.support.kafka import Kafka, until
from tests.support.load import ATOMS, RECIPIENTS, assert_in_order, by_event, decoded, load
from tests.support.messenger import KEY, Messenger, budget

HOLD = {"delivery.doubt_policy": "hold"}
NO_KEY = {"mailgun.lookup_key": ""}
#: Mailgun's records are behind its answers.
IMPATIENT = {"mailgun.read_timeout_seconds": 1.0}
LATE = Options(api_keys={KEY: "full"}, event_delay_seconds=0.7)


def test_every_way_to_lose_an_answer_ends_with_one_email_each(tmp_path: Path, kafka: Kafka) -> None:
    """5xx, cut connections, silence and nonsense, before and after the email was accepted."""
    with Messenger(tmp_path, kafka, options=LATE, overrides=IMPATIENT) as messenger:
        write_load_catalog(messenger.catalog, 500, RECIPIENTS)
        faults = [
            {"kind": kind, "when": when, "probability": 0.04, "count": 6, "seed": n} | more
            for n, (kind, more) in enumerate(
                [
                    ("status", {"status": 500}),
                    ("html502", {}),
                    ("reset", {}),
                    ("truncate", {}),
                    ("hang", {}),
                ]
            )
            for when in ("before", "after")
        ]
        faults.append({"kind": "status", "status": 503, "call": "lookup", "count": 10})
        messenger.fake.script(*faults)
        records = load(600, atoms=500)
        events = decoded(records)
        messenger.start("one")
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.until_done(600)

        mails = messenger.fake.messages(limit=5000)
        sent = by_event(mails)
        assert max(sent.values()) == 1
        assert_in_order(mails, events)
        tracked = messenger.tracked()
        assert {r.event.id for r in tracked if r.kind is Kind.ACCEPTED} == set(sent)
        # What is not there, and whose alarm has moved on meanwhile, is not sent again.
        superseded = {r.event.id for r in tracked if r.kind is Kind.SUPERSEDED}
        assert set(events) - set(sent) == superseded
        doubted = {r.event.id for r in tracked if r.kind is Kind.IN_DOUBT}
        found = {r.event.id for r in tracked if r.outcome.reason is Reason.FOUND}
        assert len(found) >= 15, "accepted before the answer was lost"
        again = {r.event.id for r in tracked if r.possible_duplicate}
        assert again
        # What was sent again may be in doubt again, and be found then.
        assert found | again <= doubted <= found | again | superseded


def test_a_doubt_outlives_the_process_that_had_it(tmp_path: Path, kafka: Kafka) -> None:
    """Killed while it waited for Mailgun's records; the next owner of the alarm finds it there."""
    late = Options(api_keys={KEY: "full"}, event_delay_seconds=6.0)
    with Messenger(tmp_path, kafka, options=late, overrides=budget(60)) as messenger:
        write_load_catalog(messenger.catalog, ATOMS, RECIPIENTS)
        messenger.fake.script({"kind": "status", "status": 500, "when": "after", "count": 3})
        records = load(40)
        events = decoded(records)
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.start("one")
        until(
            lambda: len(messenger.tracked([Kind.IN_DOUBT])) == 3,
            "three doubts are told",
            pause_seconds=0.2,
        )
        messenger.kill("one")
        messenger.start("two")
        messenger.until_done(40)

        assert by_event(messenger.fake.messages(limit=100)) == dict.fromkeys(events, 1)
        found = [r for r in messenger.tracked() if r.outcome.reason is Reason.FOUND]
        assert len(found) >= 3
        assert {r.worker for r in found} == {"two"}
        assert not any(r.possible_duplicate for r in messenger.tracked())


def test_by_policy_a_doubt_is_held_for_a_person(tmp_path: Path, kafka: Kafka) -> None:
    """It is listed, it is a dead letter, its trace says so, and nothing was sent again."""
    with Messenger(tmp_path, kafka, overrides=budget(1) | HOLD) as messenger:
        write_load_catalog(messenger.catalog, ATOMS, RECIPIENTS)
        messenger.fake.script({"kind": "status", "status": 500, "when": "before", "count": 2})
        records = load(40)
        events = decoded(records)
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.start("one")
        messenger.until_done(40)

        sent = by_event(messenger.fake.messages(limit=100))
        held = [r for r in messenger.tracked() if r.outcome.reason is Reason.HELD]
        assert len(held) == 2
        assert set(events) - set(sent) == {r.event.id for r in held}
        listed = msgspec.json.decode(
            messenger.command("ledger", "show", "--in-doubt", "--json").stdout
        )
        assert {row["event_id"] for row in listed} == {r.event.id for r in held}
        letters = kafka.read_all(messenger.dead_letters)
        assert [dict(letter.headers)["messenger-reason"] for letter in letters] == [b"held"] * 2
        told = messenger.command("trace", str(held[0].event.id))
        assert "held for a person" in told.stdout


def test_without_a_key_to_look_up_it_says_so_at_the_start(tmp_path: Path, kafka: Kafka) -> None:
    """And what was in doubt goes out again, marked."""
    with Messenger(tmp_path, kafka, overrides=budget(1) | NO_KEY) as messenger:
        write_load_catalog(messenger.catalog, ATOMS, RECIPIENTS)
        messenger.fake.script({"kind": "status", "status": 500, "when": "after", "count": 1})
        records = load(10)
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.start("one")
        messenger.until_logged("one", "mailgun.no_lookup_key")
        messenger.until_done(10)
        assert max(by_event(messenger.fake.messages(limit=100)).values()) == 2
        doubled = {r.event.id for r in messenger.tracked() if r.possible_duplicate}
        assert len(doubled) == 1
