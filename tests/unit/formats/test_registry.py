"""Recognising a format, and the limits that hold before and after one is read."""

import json
from typing import Any

import pytest

from consumer.domain.alarm import Emits
from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.formats import FORMATS, decode, detect, read
from consumer.formats.reading import MAX_BYTES, PARSE_LIMIT_BYTES
from tests.unit.formats.payloads import own, rackspace


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


def reason_of(value: bytes | None, **options: Any) -> Reason:
    with pytest.raises(InvalidMessage) as caught:
        decode(value, **options)
    return caught.value.reason


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (own(), "alarm-state-event"),
        (own(schema="alarm-state-event/2"), "alarm-state-event"),
        (own(event_id="x", details={}), "alarm-state-event"),
        (rackspace(), "rackspace"),
        (rackspace(event_id="test_check"), "rackspace"),
        (rackspace(check={"details": {"schema": "alarm-state-event/1"}}), "rackspace"),
    ],
)
def test_a_format_is_told_by_its_top_level_fields(value: Any, name: str) -> None:
    assert detect(as_bytes(value)) == name


@pytest.mark.parametrize(
    "value",
    [{}, {"event_id": "x"}, {"details": {}}, {"schema": 1}, rackspace(schema="weather-report/1")],
)
def test_what_no_format_claims_is_refused(value: Any) -> None:
    with pytest.raises(InvalidMessage) as caught:
        detect(as_bytes(value))
    assert caught.value.reason is Reason.UNKNOWN_FORMAT


def test_the_setting_of_a_topic_wins_over_detection() -> None:
    assert reason_of(as_bytes(own()), fixed="rackspace") is Reason.SCHEMA_MISMATCH
    assert read(as_bytes(rackspace()), fixed="rackspace").format.name == "rackspace"


def test_formats_go_by_their_names() -> None:
    assert {name: known.name for name, known in FORMATS.items()} == {name: name for name in FORMATS}
    repeats = {name for name, known in FORMATS.items() if known.emits is Emits.REPEATS}
    assert {"alertmanager", "grafana"} <= repeats
    assert {"alarm-state-event", "rackspace", "monasca"}.isdisjoint(repeats)


@pytest.mark.parametrize("value", [None, b"", b" \n", b"\xef\xbb\xbf"])
def test_a_record_without_content_is_empty(value: bytes | None) -> None:
    assert reason_of(value) is Reason.EMPTY


def test_a_byte_order_mark_is_not_content() -> None:
    assert decode(b"\xef\xbb\xbf" + as_bytes(own())) == decode(as_bytes(own()))


@pytest.mark.parametrize("value", [own(), rackspace()])
def test_snapshots_are_given_up_before_an_event_is_too_large(value: dict[str, Any]) -> None:
    large = value | {"entity": {"id": "web-1", "metadata": {"pad": "x" * MAX_BYTES}}}
    (event,) = decode(as_bytes(large))
    assert event.entity_id == "web-1"
    assert event.entity is event.check is event.alarm is None


def test_an_event_at_the_limit_keeps_its_snapshots() -> None:
    entity = {"id": "web-1", "label": "x" * 1000}
    body = as_bytes(own(entity=entity))
    assert decode(body, max_bytes=len(body))[0].entity == entity
    assert decode(body, max_bytes=len(body) - 1)[0].entity is None


def test_blanks_do_not_cost_the_snapshots() -> None:
    body = as_bytes(own(entity={"id": "web-1"})) + b" " * MAX_BYTES
    assert decode(body)[0].entity == {"id": "web-1"}


def test_an_event_too_large_without_snapshots_is_refused() -> None:
    with pytest.raises(InvalidMessage) as caught:
        decode(as_bytes(own(attributes={"pad": "x" * MAX_BYTES})))
    assert caught.value.reason is Reason.TOO_LARGE
    assert caught.value.detail.endswith("without snapshots, at most 65536")


def test_a_huge_record_is_refused_unread() -> None:
    """Its content is not even JSON; the size is what is said."""
    assert reason_of(b"x" * (PARSE_LIMIT_BYTES + 1)) is Reason.TOO_LARGE
    assert reason_of(b"x" * PARSE_LIMIT_BYTES) is Reason.NOT_JSON


def test_a_larger_limit_of_the_operator_is_kept() -> None:
    large = as_bytes(own(entity={"pad": "x" * PARSE_LIMIT_BYTES}))
    assert decode(large, max_bytes=2 * PARSE_LIMIT_BYTES)[0].entity is not None
