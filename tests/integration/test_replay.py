"""Replays on real Kafka: after an outage exactly what was missed is sent, each email once."""

import json
from pathlib import Path

from consumer.domain.reasons import Kind
from tests.support.kafka import Kafka, until
from tests.support.load import assert_in_order, decoded
from tests.support.replaying import Replaying, assert_each_once

BEFORE, DURING = 60, 240


def test_what_an_outage_made_expire_is_replayed_once_also_by_a_replay_that_is_killed(
    tmp_path: Path, kafka: Kafka
) -> None:
    """Production runs beside it. Its offsets stay; a second replay finds nothing to send."""
    with Replaying(tmp_path, kafka) as run:
        run.go_through_an_outage(BEFORE, DURING)
        assert run.told
        assert len(run.missed) > 100
        ledger = sorted(tmp_path.glob("messenger.db*"))
        before = {file: file.read_bytes() for file in ledger}
        positions, tracked = run.positions, len(run.tracked())
        dry = run.replay("--all", "--dry-run")
        assert dry["would_send"] == len(run.missed)
        assert {file: file.read_bytes() for file in ledger} == before
        assert len(run.tracked()) == tracked
        assert_each_once(run.mails(), run.told)

        run.start("beside")
        run.begin("first", "--all", "--rate", "40")
        run.until_accepted(len(run.told) + 20)
        run.kill("first")
        sent = len(run.mails())
        assert sent < len(run.told | run.missed), "killed in the middle"
        told = run.replay("--all", "--rate", "500", "--name", "first")
        assert told["finished"]
        assert told["sent"] >= len(run.told | run.missed) - sent
        assert_each_once(run.mails(), run.told | run.missed)
        assert_in_order(run.fake.messages(limit=10_000), decoded(run.records))
        accepted = {record.event.id for record in run.tracked([Kind.ACCEPTED])}
        assert accepted == run.told | run.missed

        again = run.replay("--all", "--rate", "500")
        assert (again["sent"], again["not_sent"]) == (0, {})
        assert again["left_out"]["already sent"] >= len(run.told | run.missed)
        assert run.positions == positions
        assert run.terminate("beside") == 0


def test_a_resend_has_new_identities_and_its_reason_and_offsets_are_reset_with_care(
    tmp_path: Path, kafka: Kafka
) -> None:
    """Resent emails name the one they repeat. The group is reset only when it is at rest."""
    with Replaying(tmp_path, kafka, atoms=20) as run:
        run.go_through_an_outage(20, 0)
        first = {mail["variables"]["event_id"]: mail for mail in run.fake.messages(limit=100)}
        why = ("--resend", "--reason", "the mailbox was lost")
        told = run.replay("--all", "--name", "lost", *why)
        assert told["sent"] == len(first)
        assert run.replay("--all", "--name", "lost", *why)["sent"] == 0
        resent = [r for r in run.tracked([Kind.ACCEPTED]) if r.resent is not None]
        assert {r.resent.event_id for r in resent if r.resent} == set(first)
        assert {r.resent.reason for r in resent if r.resent} == {"the mailbox was lost"}
        assert not {r.event.id for r in resent} & set(first)
        assert sum(run.mails().values()) == 2 * len(first)

        run.start("at-work")
        run.until_logged("at-work", "partitions.assigned")
        reset = ("offsets", "reset", "--to", "earliest")
        refused = run.command(*reset, "--yes")
        assert (refused.returncode, "at work" in refused.stderr) == (1, True)
        shown = json.loads(run.command("offsets", "show", "--json").stdout)
        assert sum(each["committed"] or 0 for each in shown) == len(run.records)
        assert all(each["members"] and each["lag"] == 0 for each in shown)
        assert any(each["committed_time"] for each in shown)
        assert run.terminate("at-work") == 0
        until(lambda: run.command(*reset, "--dry-run").stderr.count("active") == 0, "at rest")
        before = run.positions
        dry = run.command(*reset, "--dry-run")
        assert dry.stdout.count("would be read again") == sum(1 for n in before.values() if n)
        assert run.command(*reset).returncode == 2, "nobody was there to say yes"
        assert run.positions == before
        assert run.command(*reset, "--yes").returncode == 0
        assert set(run.positions.values()) == {0}
        skipped = run.command("offsets", "reset", "--to", "latest", "--yes")
        assert "would never be mailed" in skipped.stdout
        assert run.positions == before
