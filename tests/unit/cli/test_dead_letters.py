"""`messenger dead-letters list` and `show`: what they print, and how they end."""

import json
from pathlib import Path

import msgspec
import pytest

from consumer.adapters.ledger import open_ledger
from consumer.domain.ledger import ClaimRequest, Closing
from consumer.domain.record import Record
from consumer.wire import REDRIVEN_HEADER, UNDELIVERED_HEADER
from tests.support.factories import make_event
from tests.support.letters import T0, letter_record
from tests.unit.cli.conftest import LETTERS, Run, SetTopic

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


def test_of_many_events_in_one_message_a_list_counts(command: Run, topic: SetTopic) -> None:
    group = {
        "version": "4",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "Full", "instance": f"db-{n}", "tenant": "487000"},
                "startsAt": "2014-02-11T17:12:13Z" if n else "yesterday",
            }
            for n in range(50)
        ],
    }
    topic(letter_record(1, reason="schema_mismatch", value=msgspec.json.encode(group)))
    lines = [line.strip() for line in command("list").out.splitlines()]
    assert lines[2:] == ["49 events: 49 not ended", "says schema_mismatch"]


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
        outcome="accepted",
        timestamp_ms=event.timestamp,
        state=event.state,
        advances=True,
    )
    ledger.close_events([closing], T0)
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


def test_a_reason_that_does_not_exist_is_said_where_nothing_shows_it(
    command: Run, topic: SetTopic
) -> None:
    topic(Record("dead", 0, 4, None, b"foreign"))
    ran = command("list", "--reason", "nonsense", "--reason", "too_old")
    assert (ran.code, ran.out) == (0, "")
    assert "no dead letters; there is no reason 'nonsense', the reasons are not_json, " in ran.err
    assert "no reason" not in command("list", "--reason", "too_old").err
    topic(letter_record(0, reason="of_another_version"))
    assert command("list", "--reason", "of_another_version").err == ""


def test_a_time_that_ends_before_it_begins_is_wrong_usage(command: Run, topic: SetTopic) -> None:
    topic()
    ran = command("list", "--since", "2h", "--until", "3h")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == ("messenger: --since 2h is later than --until 3h: nothing lies between\n")


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
