"""What is in a body, and how what is broken in it is told."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.formats import DEFAULTS
from consumer.ingest.reading import MOST_EVENTS, Contents, Door, contents, told
from consumer.wire import encode_event
from tests.support.factories import make_event

EVENTS = [json.loads(encode_event(make_event(id=f"e-{number}"))) for number in range(3)]


def own(body: bytes | str) -> Contents:
    return contents(Door.EVENTS, body.encode() if isinstance(body, str) else body, DEFAULTS)


def ids(found: Contents) -> list[str]:
    return [event.id for event in found.events]


def lines(events: list[Any]) -> str:
    return "\n".join(map(json.dumps, events))


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (json.dumps(EVENTS[0]), 1),
        ("\ufeff" + json.dumps(EVENTS[0], indent=2) + "\n", 1),
        (json.dumps(EVENTS), 3),
        ("\n " + json.dumps(EVENTS, indent=2), 3),
        (lines(EVENTS), 3),
        ("\r\n\r\n" + lines(EVENTS).replace("\n", "\r\n\r\n") + "\r\n", 3),
        (json.dumps([EVENTS[0]]), 1),
    ],
    ids=[
        "one",
        "written over many lines",
        "list",
        "long list",
        "lines",
        "blank lines",
        "list of one",
    ],
)
def test_one_event_a_list_and_lines_are_told_apart(body: str, number: int) -> None:
    found = own(body)
    assert (ids(found), found.refused) == ([f"e-{n}" for n in range(number)], [])


@pytest.mark.parametrize("write", [json.dumps, lines], ids=["list", "lines"])
def test_a_broken_one_is_told_by_its_place_and_id_and_the_others_are_read(write: Any) -> None:
    found = own(write([EVENTS[0], EVENTS[1] | {"state": "PURPLE"}, EVENTS[2]]))
    assert ids(found) == ["e-0", "e-2"]
    (line,) = found.refused
    assert line.split(":")[0] in ("event 2 (e-1)", "line 2 (e-1)")
    assert "state" in line
    assert "PURPLE" in line


@pytest.mark.parametrize("body", ["", " \n", "[]", "{", "[{]", "\x00", "[" * 50_000, "nope", "3"])
def test_what_is_no_event_is_refused_in_one_line(body: str) -> None:
    found = own(body)
    assert not found.events
    (line,) = found.refused
    assert line.isprintable()
    assert len(line) < 400


def test_a_webhook_sent_to_the_wrong_door_is_no_event() -> None:
    found = own(json.dumps({"version": "4", "alerts": [{"status": "firing", "labels": {}}]}))
    assert (ids(found), len(found.refused)) == ([], 1)


def test_there_is_a_limit_to_what_is_told_one_by_one() -> None:
    found = own("[" + "0," * MOST_EVENTS + "0]")
    assert found.refused == [f"message: {MOST_EVENTS + 1} events, at most {MOST_EVENTS}"]


def test_the_first_problems_are_told_and_the_rest_is_counted() -> None:
    assert told(["a", "b"]) == "a; b"
    assert told(list("abcde")) == "a; b; c; and 2 more"


@given(st.sampled_from(Door), st.binary(max_size=300))
def test_no_body_is_too_much(door: Door, body: bytes) -> None:
    found = contents(door, body, DEFAULTS)
    assert found.events or found.refused
