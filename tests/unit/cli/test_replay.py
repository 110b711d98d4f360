"""`messenger replay`: what it cannot mean, and a dry run of a file, which needs no Kafka."""

import json
from pathlib import Path

import pytest

from consumer.adapters.ledger import upgrade
from consumer.sandbox.catalog import write_load_catalog
from tests.support.load import load
from tests.unit.cli.conftest import Run

EVENTS = 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say which events"),
        (["--all", "--resend"], "--resend needs --reason"),
        (["--all", "--resend", "--reason", " "], "--resend needs --reason"),
        (["--all", "--reason", "why"], "--reason goes with --resend"),
        (["--all", "--missing", "--resend"], "one of them"),
        (["--all", "--name", "a b"], "--name: letters"),
        (["--all", "--mails", "there"], "--mails goes with --dry-run"),
        (["--file", "f", "--from", "2h"], "--from and --to are for the topic"),
        (["--file", "/no/such/file"], "No such file"),
        (["--state", "BAD"], "'BAD' is no state"),
        (["--filter", "state =="], "--filter: wrong at the end"),
        (["--from", "yesterday"], "--from 'yesterday'"),
        (["--from", "0/1,0/5"], "partition 0 is named twice"),
    ],
)
def test_what_it_cannot_mean_is_told_in_one_line(
    run: Run, config: Path, arguments: list[str], said: str
) -> None:
    ran = run("replay", "-c", config, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_a_dry_run_shows_what_would_be_sent_and_writes_nothing_but_the_mails(
    run: Run, config: Path, tmp_path: Path
) -> None:
    write_load_catalog(tmp_path / "catalog", EVENTS, EVENTS)
    file, mails = tmp_path / "events.ndjson", tmp_path / "mails"
    values = [record.value for record in load(EVENTS, atoms=EVENTS)]
    file.write_bytes(b"\n".join([*values, b"{", b""]))
    ledger = tmp_path / "ledger.db"
    upgrade(f"sqlite:///{ledger}")
    before = ledger.read_bytes()
    ran = run("replay", "-c", config, "--file", file, "--dry-run", "--mails", mails)
    assert ran.code == 0, ran.err
    assert f"{EVENTS} emails would be sent; nothing was written" in ran.out
    assert "1 unreadable" in ran.out
    assert "load-0@example.net" in ran.out
    assert len(list(mails.glob("*.eml"))) == EVENTS
    told = json.loads(run("replay", "-c", config, "--file", file, "--dry-run", "--json").out)
    assert told["would_send"] == len(told["decisions"]) == EVENTS
    assert {each["what"] for each in told["decisions"]} == {"send"}
    assert ledger.read_bytes() == before


def test_a_slip_in_the_filter_is_told_and_so_is_a_folder_that_cannot_be(
    run: Run, config: Path, tmp_path: Path
) -> None:
    """A condition that no event has an answer to would look like an interval without any."""
    write_load_catalog(tmp_path / "catalog", 1, 1)
    upgrade(f"sqlite:///{tmp_path}/ledger.db")
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join(record.value for record in load(1, atoms=1)))
    dry = ("replay", "-c", config, "--file", file, "--dry-run")
    ran = run(*dry, "--filter", 'labels["nope"] == "x"')
    assert "1 events could not be asked by --filter; the first: events.ndjson 0/1: " in ran.err
    ran = run(*dry, "--mails", file)
    assert (ran.code, ran.err) == (2, f"messenger: --mails {file}: File exists\n")


def test_more_than_a_hundred_resent_emails_need_a_yes(
    run: Run, config: Path, tmp_path: Path
) -> None:
    write_load_catalog(tmp_path / "catalog", 101, 101)
    upgrade(f"sqlite:///{tmp_path}/ledger.db")
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join(record.value for record in load(101, atoms=101)))
    ran = run("replay", "-c", config, "--file", file, "--resend", "--reason", "a lost mailbox")
    assert ran.code == 2
    assert "101 emails would be resent: say --yes" in ran.err
