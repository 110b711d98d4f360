"""`messenger dead-letters redrive`: what it asks, what it does, and how it ends."""

import json
from pathlib import Path

import pytest

from consumer.adapters.ledger import open_ledger
from consumer.domain.ledger import ClaimRequest, Closing
from consumer.domain.record import Record
from tests.support.factories import make_event
from tests.support.letters import letter_record
from tests.support.worker_fakes import FakeSink
from tests.unit.cli.conftest import LETTERS, SECRETS, Run, SetTopic


def test_all_that_fit_are_redriven_and_each_is_told(
    command: Run, topic: SetTopic, sink: FakeSink
) -> None:
    topic(*LETTERS, letter_record(3, topic="elsewhere"))
    ran = command("redrive", "--since", "2014-02-11", "--yes")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "0/3      of a topic that these settings do not consume\n"
        "0/0      redriven\n"
        "0/1      redriven\n"
        "0/2      redriven\n"
        "3 redriven; left out: 1 of a topic that these settings do not consume\n"
    )
    assert [topic for topic, *_ in sink.records] == ["alarm-events"] * 3 + [
        "alarm-events-dead-letter"
    ] * 3


def test_the_same_command_again_sends_nothing_and_says_so(
    command: Run, topic: SetTopic, sink: FakeSink
) -> None:
    topic(*LETTERS)
    assert command("redrive", "--all", "--yes").code == 0
    notes = [
        Record("dead", 0, 3 + n, key, value, tuple(headers.items()))
        for n, (_, key, value, headers) in enumerate(sink.records[3:])
    ]
    sink.records.clear()
    topic(*LETTERS, *notes)
    ran = command("redrive", "--all")
    assert (ran.code, ran.err, sink.records) == (0, "", [])
    assert ran.out.startswith("0/0      already redriven at 20")
    assert ran.out.endswith("0 redriven; left out: 3 already redriven\n")
    told = json.loads(command("redrive", "--all", "--json").out)
    assert (told["redriven"], told["left_out"]) == (0, {"already redriven": 3})
    assert told["letters"][0] == {"position": "0/0", "result": "already redriven"}
    assert [each["state"] for each in json.loads(command("list", "--json").out)] == ["redriven"] * 3
    assert command("redrive", "--offset", "0/1", "--again", "--yes").out.startswith(
        "0/1      redriven\n"
    )


def test_a_dry_run_shows_and_changes_nothing(command: Run, topic: SetTopic, sink: FakeSink) -> None:
    topic(*LETTERS)
    ran = command("redrive", "--all", "--dry-run", "--json")
    assert (ran.code, ran.err) == (0, "messenger: 3 would be redriven\n")
    assert [letter["position"] for letter in json.loads(ran.out)] == ["0/0", "0/1", "0/2"]
    assert sink.records == []


@pytest.mark.parametrize("arguments", [("--dry-run",), ("--yes",)])
def test_what_will_bring_no_email_is_said_beforehand(
    command: Run, topic: SetTopic, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    event = make_event(id="newer", timestamp=make_event().timestamp + 10)
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.heartbeat("a", 0, 30)
    ledger.claim("a", [ClaimRequest(event.atom, ["newer"])], 0)
    closing = Closing(
        event_id="newer",
        atom=event.atom,
        outcome="accepted",
        timestamp_ms=event.timestamp,
        state=event.state,
        advances=True,
    )
    ledger.close_events([closing], 0)
    ledger.close()
    topic(letter_record(0), letter_record(1, make_event(id="other", alarm_id="another")))
    ran = command("redrive", "--all", *arguments)
    told = "0/0 will be stale: the alarm has moved on since, no email will be sent"
    assert ran.code == 0
    assert [line for line in ran.err.splitlines() if "stale" in line] == [f"messenger: {told}"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say which: --reason, --since, --until or --offset; or --all"),
        (("--since", "yesterday"), "--since: 'yesterday' is no time: write 90s"),
        (("--offset", "7"), "'7' is no position"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_read(
    command: Run, topic: SetTopic, sink: FakeSink, arguments: tuple[str, ...], said: str
) -> None:
    topic()
    ran = command("redrive", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert sink.records == []


def test_nothing_is_redriven_without_a_word(
    command: Run, topic: SetTopic, sink: FakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person is asked; a script has to say it beforehand."""
    topic(*LETTERS)
    ran = command("redrive", "--all")
    assert (ran.code, sink.records) == (2, [])
    assert "3 dead letters would be redriven: say --yes" in ran.err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda _question, **_: False)
    assert (command("redrive", "--all").code, sink.records) == (1, [])
    monkeypatch.setattr("typer.confirm", lambda _question, **_: True)
    assert command("redrive", "--all").out.endswith("\n3 redriven\n")
    assert command("redrive", "--all", "--yes").code == 0
    assert len(sink.records) == 12


def test_nothing_that_fits_is_a_failure(command: Run, topic: SetTopic) -> None:
    topic(*LETTERS)
    ran = command("redrive", "--reason", "held")
    assert (ran.code, ran.out) == (1, "")
    assert "no dead letter fits; there are: not_in_catalog (1)" in ran.err


def test_half_done_is_told_as_such(command: Run, topic: SetTopic, sink: FakeSink) -> None:
    topic(*(letter_record(n) for n in range(250)))
    sink.refuse = lambda _: OSError("no more") if len(sink.records) >= 400 else None
    ran = command("redrive", "--all", "--yes")
    assert (ran.code, ran.out.count("redriven\n")) == (3, 200)
    assert "no more; 200 of 250 were redriven, the same command does the rest" in ran.err


def test_without_the_ledger_nothing_is_redriven(
    run: Run, config: Path, topic: SetTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic(*LETTERS)
    url = "postgresql+psycopg://me:s3cret-of-the-ledger@127.0.0.1:1/db"
    monkeypatch.setenv("MESSENGER_LEDGER__URL", url)
    ran = run("dead-letters", "redrive", "--all", "--config", config)
    assert ran.code == 3
    assert len(ran.err.splitlines()) == 1
    assert not any(secret in ran.err for secret in SECRETS)
