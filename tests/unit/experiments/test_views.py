"""Lines for people move no cursor; lines for programs hold all there is."""

import json

import pytest
from rich.cells import cell_len

from consumer.domain.alarm import State
from consumer.experiments.fields import FIELDS
from consumer.experiments.seen import see_events, see_tracking
from consumer.experiments.views import event_view, json_view, known_fields, line_view
from consumer.pipeline.receive import ReceiveSettings
from consumer.wire import encode_event
from tests.support.factories import make_event
from tests.unit.experiments.seen_rig import make_record, make_seen, make_unreadable


def test_a_line_shows_when_what_and_whose() -> None:
    seen = make_seen(entity={"label": "web-1"}, status="down\nnow \x1b[2J")
    assert line_view()(seen) == (
        b"2014-02-11 17:12:13.810  CRITICAL    487000  web-1  alBodyM4tc  down now [2J\n"
    )


def test_states_have_colours_where_these_are_wanted() -> None:
    view = line_view(["state"], colour=True)
    assert view(make_seen()) == b"\x1b[31;1mCRITICAL  \x1b[0m\n"
    assert view(make_seen(state=State.OK)).startswith(b"\x1b[32m")  # type: ignore[union-attr] # never None
    assert b"unreadable" in (view(make_unreadable()) or b"")


def test_a_line_ends_where_the_terminal_does() -> None:
    seen = make_seen(status="本" * 100, entity={"label": "本店"})
    line = (line_view(width=80)(seen) or b"").decode()
    assert 78 <= cell_len(line.rstrip()) <= 80
    assert line.count("\n") == 1


def test_an_unreadable_record_says_where_and_why() -> None:
    line = line_view()(make_unreadable(7, tenant_id="1"))
    assert b"unreadable  1  -  -  -  alarm-events 0/7  not_json: message: [2Jtruncated" in (
        line or b""
    )


def test_json_holds_the_record_and_the_event() -> None:
    told = json.loads(json_view()(make_seen(3)) or b"")
    assert (told["topic"], told["partition"], told["offset"]) == ("alarm-events", 0, 3)
    assert told["event"]["tenant_id"] == "487000"
    assert told["atom"] == "487000:enW3bSrv01:alBodyM4tc:chHttpW3b1"


def test_json_of_an_unreadable_record_holds_its_value_and_the_reason() -> None:
    told = json.loads(json_view()(make_unreadable(value=b"\xff{")) or b"")
    assert told["readable"] is False
    assert told["value"] == "\\xff{"
    assert told["problem"]["reason"] == "not_json"


def test_json_can_be_the_named_fields_only() -> None:
    view = json_view(["tenant_id", "time", "labels"])
    assert json.loads(view(make_seen(attributes={"a": "b"})) or b"") == {
        "tenant_id": "487000",
        "time": "2014-02-11T17:12:13.810000Z",
        "labels": {"a": "b"},
    }


def test_json_has_no_byte_that_a_terminal_obeys() -> None:
    line = json_view()(make_seen(status="\x1b[2J\x9b2J\x7f")) or b""
    assert json.loads(line)["event"]["status"] == "\x1b[2J\x9b2J\x7f"
    assert not {0x1B, 0x7F, 0x9B} & set(line)


def test_an_event_view_can_be_read_again() -> None:
    event = make_event(attributes={"a": "b"})
    line = event_view(make_seen(attributes={"a": "b"})) or b""
    again = see_events([make_record(value=line)], ReceiveSettings())
    assert [seen.event for seen in again] == [event]
    assert event_view(make_unreadable()) is None


def test_records_are_seen_as_production_sees_them() -> None:
    good, bad = make_record(value=encode_event(make_event())), make_record(1, value=b"{")
    seen = see_events([good, bad], ReceiveSettings())
    assert [each.readable for each in seen] == [True, False]
    assert seen[0].stream == make_event().atom
    assert seen[1].stream == "key"


def test_what_is_no_tracking_record_is_seen_as_such() -> None:
    assert [seen.readable for seen in see_tracking([make_record(value=b"{}")])] == [False]


def test_fields_that_there_are_not_are_told() -> None:
    assert known_fields(list(FIELDS)) == list(FIELDS)
    with pytest.raises(ValueError, match="no field 'zone'; there are: tenant_id, "):
        known_fields(["state", "zone"])
