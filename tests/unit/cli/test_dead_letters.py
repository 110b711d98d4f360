"""`messenger dead-letters`: what it prints, what it asks, what it does, and how it ends."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from consumer.adapters.ledger import open_ledger, upgrade
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.ledger import ClaimRequest, Closing
from consumer.domain.record import Record
from consumer.wire import REDRIVEN_HEADER, UNDELIVERED_HEADER
from tests.support.factories import make_event
from tests.support.letters import T0, letter_record
from tests.support.worker_fakes import FakeSink
from tests.unit.cli.conftest import SECRETS, Run

SetTopic = Callable[..., None]
SOURCE = sys.modules["consumer.cli.letter_source"]
COMMAND = sys.modules["consumer.cli.redrive"]
LETTERS = (
    letter_record(0),
    letter_record(1, reason="too_old"),
    letter_record(2, reason="not_json", key=None, value=b'{"a": "\x1b[31m\xff'),
)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> SetTopic:
    """Decides what the dead-letter topic holds; no argument: Kafka is away."""

    def hold(*records: Record) -> None:
        def read(_kafka: object, topic: str) -> Iterator[Record]:
            assert topic == "alarm-events-dead-letter"
            if not records:
                raise BrokerUnavailable("Kafka at 127.0.0.1:1 does not answer")
            yield from records

        monkeypatch.setattr(SOURCE, "read_topic", read)

    return hold


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeSink:
    """Where records go, with a ledger beside it."""
    upgrade(f"sqlite:///{tmp_path}/ledger.db")
    made = FakeSink()
    monkeypatch.setattr(COMMAND, "KafkaSink", lambda _kafka: made)
    monkeypatch.setattr(COMMAND, "ensure_reachable", lambda _kafka: None)
    return made


@pytest.fixture
def command(run: Run, config: Path, sink: FakeSink) -> Run:
    return lambda *arguments: run("dead-letters", *arguments, "--config", config)


# -- list ------------------------------------------------------------------------------------


def test_a_list_says_where_when_why_and_how_it_stands(command: Run, topic: SetTopic) -> None:
    topic(*LETTERS)
    ran = command("list")
    assert (ran.code, ran.err) == (0, "")
    lines = [line.rstrip() for line in ran.out.splitlines()]
    assert lines[:4] == [
        "0/0      2014-02-11 17:12:20.000  open      not_in_catalog  alarm-events 3/100",
        "      key 487000:enW3bSrv01:alBodyM4tc:chHttpW3b1",
        "      event e0: has not ended",
        "      says not_in_catalog",
    ]
    assert lines[-3:] == [
        "0/2      2014-02-11 17:12:22.000  open      not_json  alarm-events 3/102",
        "      key -",
        "      says not_json",
    ]


def test_a_list_as_json_holds_the_same(command: Run, topic: SetTopic) -> None:
    topic(*LETTERS, letter_record(3, headers=[(REDRIVEN_HEADER, b"5")]))
    ran = command("list", "--json", "--reason", "not_in_catalog")
    first, again = json.loads(ran.out)
    assert first["position"] == "0/0"
    assert (first["reason"], first["error"]) == ("not_in_catalog", "says not_in_catalog")
    assert first["source"] == ["alarm-events", 3, 100]
    assert first["events"] == [{"id": "e0", "ended": None}]
    assert (first["at"], first["first_seen"]) == (1_392_138_740_000, 1_392_138_740_000)
    assert (first["redriven_at"], again["redriven_at"]) == (None, 5)


def test_open_leaves_out_what_was_settled_since(
    command: Run, topic: SetTopic, tmp_path: Path
) -> None:
    """The limit is of what is left."""
    event = make_event(id="e1")
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.heartbeat("a", 0, 30)
    ledger.claim("a", [ClaimRequest(event.atom, ["e1"])], 0)
    closing = Closing(
        event_id="e1",
        atom=event.atom,
        fence=1,
        outcome="accepted",
        timestamp_ms=event.timestamp,
        state=event.state,
        advances=True,
    )
    ledger.close_events("a", [closing], T0)
    ledger.close()
    topic(*LETTERS)
    assert "accepted  too_old" in command("list").out
    ran = command("list", "--open", "--limit", "1", "--json")
    assert [letter["position"] for letter in json.loads(ran.out)] == ["0/2"]
    assert "1 older ones are left out" in ran.err
    assert "1 settled ones are left out" in ran.err


def test_the_newest_are_shown_oldest_first(command: Run, topic: SetTopic) -> None:
    topic(*(letter_record(n) for n in (5, 1, 4, 2, 3)))
    ran = command("list", "--limit", "2", "--json")
    assert [letter["position"] for letter in json.loads(ran.out)] == ["0/4", "0/5"]
    assert ran.err == "messenger: 3 older ones are left out; --limit shows more\n"


def test_nothing_that_fits_is_no_error_and_says_what_there_is(
    command: Run, topic: SetTopic
) -> None:
    topic(*LETTERS, letter_record(3), Record("dead", 0, 4, None, b"foreign"))
    ran = command("list", "--reason", "not_in_catalogue")
    assert (ran.code, ran.out) == (0, "")
    assert "1 records of alarm-events-dead-letter are no dead letters of ours" in ran.err
    assert (
        "no dead letter fits; there are: not_in_catalog (2), too_old (1), not_json (1)" in ran.err
    )
    assert json.loads(command("list", "--since", "0s", "--json").out) == []


def test_without_the_ledger_letters_are_listed_all_the_same(
    run: Run, config: Path, topic: SetTopic
) -> None:
    topic(*LETTERS)
    ran = run("dead-letters", "list", "--json", "--config", config)
    assert ran.code == 0
    assert ran.err.startswith("messenger: warning: ")
    assert [letter["events"] for letter in json.loads(ran.out)] == [None] * 3


def test_without_kafka_there_is_nothing_to_list(command: Run, topic: SetTopic) -> None:
    topic()
    ran = command("list")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "messenger: Kafka at 127.0.0.1:1 does not answer\n"


# -- show ------------------------------------------------------------------------------------


def test_one_letter_is_shown_with_headers_and_value(command: Run, topic: SetTopic) -> None:
    topic(*LETTERS, letter_record(3, headers=[("trace", b"\x001")]))
    ran = command("show", "0/3")
    assert (ran.code, ran.err) == (0, "")
    assert "header      trace: \\x001" in ran.out
    assert '\n  "schema": "alarm-state-event/1",\n' in ran.out
    data = json.loads(command("show", "0/3", "--json").out)
    assert data["value"]["id"] == "e3"
    assert data["headers"] == [["trace", "\\x001"]]


def test_what_is_no_json_is_shown_harmlessly(command: Run, topic: SetTopic) -> None:
    topic(*LETTERS)
    ran = command("show", "0/2")
    assert '{"a": "\\x1b[31m\\xff' in ran.out
    assert "\x1b" not in ran.out
    data = json.loads(command("show", "0/2", "--json").out)
    assert (data["value"], data["key"]) == ('{"a": "\\x1b[31m\\xff', None)


@pytest.mark.parametrize(
    ("position", "code", "said"),
    [("1/7", 1, "no dead letter at 1/7"), ("7", 2, "write PARTITION/OFFSET"), ("-1/2", 2, "")],
)
def test_a_position_that_leads_nowhere(
    command: Run, topic: SetTopic, position: str, code: int, said: str
) -> None:
    topic(*LETTERS)
    ran = command("show", position)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_whom_it_was_for_is_shown(command: Run, topic: SetTopic) -> None:
    read = letter_record(0)
    told = b'[{"uid": "n-1", "destination": "ops@example.com"}]'
    topic(msgspec.structs.replace(read, headers=(*read.headers, (UNDELIVERED_HEADER, told))))
    assert "  for         ops@example.com, n-1\n" in command("show", "0/0").out
    assert "for ops@example.com\n" in command("list").out
    data = json.loads(command("show", "0/0", "--json").out)
    assert data["undelivered"] == [{"uid": "n-1", "destination": "ops@example.com"}]


# -- redrive ---------------------------------------------------------------------------------


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
