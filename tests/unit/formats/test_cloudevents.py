"""CloudEvents: what is inside counts."""

import base64
import json
import uuid
from typing import Any

import msgspec
import pytest

from consumer.domain.errors import InvalidMessage
from consumer.domain.identity import NS_EVENT
from consumer.domain.reasons import Reason
from consumer.formats import DEFAULTS, FormatMapping, decode, overlaid, read
from tests.unit.formats.payloads import own, rackspace
from tests.unit.formats.samples import all_samples
from tests.unit.formats.samples.cloudevents import TYPE, headers, structured

INSIDE = [each for (name, _), each in all_samples().items() if name != "cloudevents"]


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def refusal(value: bytes, *given: tuple[str, bytes]) -> InvalidMessage:
    with pytest.raises(InvalidMessage) as caught:
        decode(value, given)
    return caught.value


@pytest.mark.parametrize("sample", INSIDE)
def test_a_message_reads_the_same_inside_and_outside(sample: Any) -> None:
    plain = read(sample.body)
    assert read(sample.body, headers()) == plain
    assert read(body(structured(data=sample.value))) == plain
    packed = base64.b64encode(sample.body).decode()
    assert read(body(structured(data_base64=packed))) == plain


def test_an_event_of_ours_may_leave_to_the_envelope_what_it_says() -> None:
    bare = own(id=..., source=..., timestamp=...)
    (event,) = decode(body(structured(data=bare)))
    assert event.source == "https://monitoring.example/eu"
    assert event.id == str(uuid.uuid5(NS_EVENT, f"{event.source}|A234-1234-1234"))
    assert event.timestamp == 1_392_138_733_810
    assert decode(body(bare), headers()) == [event]


def test_what_it_says_itself_wins() -> None:
    (event,) = decode(body(structured(data=own(timestamp=...))))
    assert (event.id, event.source) == (own()["id"], own()["source"])


def test_the_type_may_say_the_format() -> None:
    """Which is then not detected: here it could not be."""
    mappings = overlaid(DEFAULTS, {"cloudevents": FormatMapping(types={TYPE: "alarm-state-event"})})
    value = body(structured(data=own(schema=...)))
    assert read(value, mappings=mappings).format.name == "alarm-state-event"
    assert refusal(value).reason is Reason.UNKNOWN_FORMAT
    other = body(structured(data=rackspace(), type="another"))
    assert read(other, mappings=mappings).format.name == "rackspace"


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"data": {}, "specversion": "0.3"}, Reason.UNKNOWN_VERSION, "specversion: 0.3"),
        ({"data": {}, "id": ...}, Reason.SCHEMA_MISMATCH, "id: missing"),
        ({"data": {}, "datacontenttype": "text/xml"}, Reason.SCHEMA_MISMATCH, "datacontenttype: "),
        ({}, Reason.EMPTY, "data: nothing inside"),
        ({"data": None}, Reason.EMPTY, "data: nothing inside"),
        ({"data": ""}, Reason.EMPTY, "data: nothing inside"),
        ({"data": "alarm!"}, Reason.NOT_JSON, "message: "),
        ({"data": 1}, Reason.SCHEMA_MISMATCH, "message: "),
        ({"data": {"weather": "fine"}}, Reason.UNKNOWN_FORMAT, "message: has nothing"),
        ({"data_base64": "%"}, Reason.SCHEMA_MISMATCH, "data_base64: is no base64"),
        ({"data": structured(data=own())}, Reason.SCHEMA_MISMATCH, "message: an envelope inside"),
    ],
)
def test_what_cannot_be_read(changes: dict[str, Any], reason: Reason, detail: str) -> None:
    invalid = refusal(body(structured(**changes)))
    assert (invalid.reason, invalid.detail[: len(detail)]) == (reason, detail)


@pytest.mark.parametrize("missing", ["ce_id", "ce_source", "ce_type"])
def test_binary_mode_needs_its_headers(missing: str) -> None:
    given = [each for each in headers() if each[0] != missing]
    assert refusal(body(own()), *given).detail == f"{missing}: missing among the headers"


def test_headers_that_are_no_text() -> None:
    assert refusal(body(own()), *headers(ce_type=b"\xff")).reason is Reason.NOT_JSON


def test_other_json_types_are_json_too() -> None:
    for type_ in ("application/vnd.acme+json", "text/json; charset=utf-8", "APPLICATION/JSON"):
        assert decode(body(structured(data=own(), datacontenttype=type_)))


def test_an_alarm_inside_keeps_what_is_not_json_for_others() -> None:
    """Numbers and snapshots go through the envelope as they are."""
    event = own(entity={"id": "web-1", "big": 12345678901234567890}, id=...)
    (read_event,) = decode(body(structured(data=event)))
    assert read_event.entity == event["entity"]
    assert msgspec.json.encode(read_event.entity)
