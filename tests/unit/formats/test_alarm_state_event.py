"""Our own format: what is read, what is mended, what is refused."""

import json
from typing import Any

import pytest

from consumer.domain.alarm import EVENT_SCHEMA, AlarmEvent, State
from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.formats import decode
from tests.unit.formats.payloads import own


def event_of(fixed: str | None = None, **changes: Any) -> AlarmEvent:
    (event,) = decode(json.dumps(own(**changes)).encode(), fixed=fixed)
    return event


def refusal_of(**changes: Any) -> InvalidMessage:
    with pytest.raises(InvalidMessage) as caught:
        event_of(**changes)
    return caught.value


def test_fields_arrive_as_they_were_written() -> None:
    event = event_of(previous_state="OK", attributes={"region": "ord"}, alarm={"id": "disk-full"})
    assert event.state is State.WARNING
    assert event.previous_state is State.OK
    assert event.attributes == {"region": "ord"}
    assert event.alarm == {"id": "disk-full"}


def test_unknown_fields_are_ignored() -> None:
    assert event_of(colour="blue") == event_of()


@pytest.mark.parametrize(
    "time", [1_392_138_733_810.0, 1_392_138_733_810.9, "1392138733810", " 1392138733810.5 "]
)
def test_times_may_be_floats_or_numeric_strings(time: object) -> None:
    event = event_of(timestamp=time, produced_at=time, observations=[{"timestamp": time}])
    assert event.timestamp == event.produced_at == 1_392_138_733_810
    assert event.observations[0].timestamp == 1_392_138_733_810


@pytest.mark.parametrize(
    "time",
    ["2014-02-11", "", "1e12", "nan", "٣٣٣", True, [], -1.5, 1e300, 10**30, 0, 1_392_138_733],
)
def test_other_times_are_refused_by_name(time: object) -> None:
    error = refusal_of(timestamp=time)
    assert error.reason is Reason.SCHEMA_MISMATCH
    assert error.detail.startswith("timestamp: ")


def test_null_for_an_optional_field_means_absent() -> None:
    nulls = {"observations": None, "attributes": None, "actions_enabled": None, "status": None}
    assert event_of(**nulls) == event_of()


def test_null_for_a_required_field_is_missing() -> None:
    assert refusal_of(tenant_id=None).detail == "tenant_id: missing"


@pytest.mark.parametrize("schema", ["alarm-state-event/1", "alarm-state-event/1.7"])
def test_every_minor_version_is_read_as_the_one_we_know(schema: str) -> None:
    assert event_of(schema=schema).schema == EVENT_SCHEMA


@pytest.mark.parametrize(
    "schema", ["alarm-state-event/2", "alarm-state-event/", "alarm-state-event/11"]
)
def test_an_unknown_version_is_named_even_when_its_fields_do_not_fit(schema: str) -> None:
    for error in (refusal_of(schema=schema), refusal_of(schema=schema, id=..., state=7)):
        assert error.reason is Reason.UNKNOWN_VERSION
        assert schema in error.detail


def test_a_topic_of_this_format_may_leave_the_schema_out() -> None:
    """The setting says what the records are; detection cannot."""
    assert event_of(fixed="alarm-state-event", schema=...).schema == EVENT_SCHEMA
    assert refusal_of(schema=...).reason is Reason.UNKNOWN_FORMAT


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"id": ...}, "id: missing"),
        ({"id": ""}, "id: 0 characters, expected 1 to 255"),
        ({"alarm_id": "a" * 256}, "alarm_id: 256 characters, expected 1 to 255"),
        ({"entity_id": "a\nb"}, "entity_id: holds a control character"),
        ({"notification_plan_id": "a\x85"}, "notification_plan_id: holds a control character"),
        ({"tenant_id": 487000}, "tenant_id: Expected str, got int"),
        ({"state": "critical"}, "state: Invalid enum value 'critical'"),
        ({"observations": ["OK"]}, "observations[0]: Expected object, got str"),
        ({"observations": [{"status": 1}]}, "observations[0].status: Expected str | null, got int"),
        ({"attributes": {"rack": 7}}, "attributes[...]: Expected str, got int"),
    ],
)
def test_a_refusal_names_field_and_problem(changes: dict[str, Any], detail: str) -> None:
    assert refusal_of(**changes).detail == detail
