"""Replays on real Kafka: after an outage exactly what was missed is sent, each email once."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer

from consumer.adapters.kafka.joining import finish_join, keep_finished_joins
from consumer.domain.reasons import Kind
from consumer.sandbox.catalog import write_load_catalog
from tests.support.kafka import Kafka, until
from tests.support.load import RECIPIENTS, assert_in_order, by_event, decoded, load
from tests.support.messenger import Messenger
from tests.support.replaying import Replaying, assert_each_once, replayed

BEFORE, DURING = 40, 160


def test_what_an_outage_made_expire_is_replayed_once_also_by_a_replay_that_is_killed(
    tmp_path: Path, kafka: Kafka
) -> None:
    """Production runs beside it. Its offsets stay; a second replay finds nothing to send."""
    with Replaying(tmp_path, kafka, atoms=40) as run:
        run.go_through_an_outage(BEFORE, DURING)
        everything = run.told | run.missed
        assert run.told
        assert len(run.missed) > 100
        positions = run.positions
        run.start("beside")
        run.begin("first", "--all", "--rate", "40")
        run.until_accepted(len(run.told) + 20)
        run.kill("first")
        sent = len(run.mails())
        assert sent < len(everything), "killed in the middle"
        told = replayed(run, "--all", "--rate", "500", "--name", "first")
        assert told["finished"]
        assert told["sent"] >= len(everything) - sent
        assert_each_once(run.mails(), everything)
        assert_in_order(run.fake.messages(limit=10_000), decoded(run.records))
        assert {record.event.id for record in run.tracked([Kind.ACCEPTED])} == everything

        again = replayed(run, "--all")
        assert (again["sent"], again["not_sent"]) == (0, {})
        assert again["left_out"]["already sent"] >= len(everything)
        assert run.positions == positions
        assert run.terminate("beside") == 0


def test_what_was_skipped_is_never_seen_until_it_is_replayed_and_resent_as_something_new(
    tmp_path: Path, kafka: Kafka
) -> None:
    """Production's offsets are moved with care: nobody may be at work, and somebody says yes."""
    with Messenger(tmp_path, kafka, partitions=1) as messenger:
        write_load_catalog(messenger.catalog, 10, RECIPIENTS)
        records = load(10, atoms=10)
        kafka.produce(messenger.events, [(record.key, record.value) for record in records])
        skip = ("offsets", "reset", "--to", "latest")
        assert messenger.command(*skip).returncode == 2, "nobody was there to say yes"
        with _member(messenger):
            refused = messenger.command(*skip, "--yes")
            assert (refused.returncode, "at work" in refused.stderr) == (1, True)
            (shown,) = _shown(messenger)
            assert (shown["committed"], shown["lag"], len(shown["members"])) == (None, 10, 1)
        assert kafka.committed(messenger.group, messenger.events) == {}
        skipped = messenger.command(*skip, "--yes")
        assert "10 records would never be mailed" in skipped.stdout
        assert replayed(messenger, "--all")["sent"] == 10
        first = by_event(messenger.fake.messages(limit=100))
        assert_each_once(first, decoded(records))
        why = ("--all", "--resend", "--reason", "the mailbox was lost")
        before = _everything(messenger)
        assert replayed(messenger, *why, "--dry-run")["would_send"] == 10
        assert _everything(messenger) == before
        assert replayed(messenger, *why)["sent"] == 10
        resent = [r for r in messenger.tracked([Kind.ACCEPTED]) if r.resent is not None]
        assert {r.resent.event_id for r in resent if r.resent} == set(first)
        assert {r.resent.reason for r in resent if r.resent} == {"the mailbox was lost"}
        assert len(by_event(messenger.fake.messages(limit=100)).keys() - first.keys()) == 10
        (shown,) = _shown(messenger)
        assert (shown["committed"], shown["lag"], shown["members"]) == (10, 0, [])
        assert shown["committed_time"] == kafka.read_all(messenger.events)[-1].timestamp


def _shown(messenger: Messenger) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = json.loads(messenger.command("offsets", "show", "--json").stdout)
    return shown


def _everything(messenger: Messenger) -> object:
    """All that a replay could write to."""
    with messenger.kafka.admin() as admin:
        names = sorted(str(each["group_id"]) for each in admin.list_groups())
    groups = [name for name in names if name.startswith(messenger.group)]
    ledger = (messenger.folder / "messenger.db").read_bytes()
    return groups, ledger, len(messenger.tracked()), messenger.fake.stats()["accepted_messages"]


@contextmanager
def _member(messenger: Messenger) -> Iterator[None]:
    """Somebody is in the group of production."""
    consumer = KafkaConsumer(
        messenger.events,
        bootstrap_servers=messenger.kafka.bootstrap,
        group_id=messenger.group,
        enable_auto_commit=False,
        max_poll_records=1,
    )
    keep_finished_joins(consumer)
    with closing(consumer):

        def has_joined() -> bool:
            consumer.poll(timeout_ms=100)
            finish_join(consumer)
            return bool(consumer.assignment())

        until(has_joined, "a member of the group")
        yield
