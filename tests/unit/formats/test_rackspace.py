"""The Rackspace webhook payload, whole, in parts, and out of shape."""

import json
import uuid
from typing import Any

import pytest

from consumer.domain.alarm import AlarmEvent, Metric, Observation, State
from consumer.domain.errors import InvalidMessage
from consumer.domain.identity import NS_EVENT, derived_event_id
from consumer.domain.reasons import Reason
from consumer.formats import decode
from tests.unit.formats.payloads import rackspace


def event_of(fixed: str | None = None, **changes: Any) -> AlarmEvent:
    (event,) = decode(json.dumps(rackspace(**changes)).encode(), fixed=fixed)
    return event


def test_a_whole_payload() -> None:
    payload = rackspace()
    assert event_of() == AlarmEvent(
        id="a692ad20-933f-11e3-81e3-5839dd8ab955",
        event_id=payload["event_id"],
        source="ele",
        tenant_id="487000",
        account_id="acT3stAcct",
        entity_id="enW3bSrv01",
        check_id="chHttpW3b1",
        alarm_id="alBodyM4tc",
        state=State.CRITICAL,
        status="The page did not contain the expected text.",
        timestamp=1_392_138_733_810,
        txn_id=payload["details"]["txn_id"],
        notification_plan_id="npOnCall01",
        target="www.shop.example",
        metrics={
            "code": Metric(type="s", data="502", unit="unknown"),
            "duration": Metric(type="I", data=21196, unit="milliseconds"),
        },
        observations=[
            Observation(
                monitoring_zone_id="mzlon",
                state="CRITICAL",
                status="The page did not contain the expected text.",
                timestamp=1_392_138_733_810,
                collector_state="UP",
            ),
            Observation(
                monitoring_zone_id="mzord",
                state="OK",
                status="The page is complete.",
                timestamp=1_392_138_686_574,
            ),
        ],
        entity=payload["entity"],
        check=payload["check"],
        alarm=payload["alarm"],
        link=payload["dashboard_link"],
    )


@pytest.mark.parametrize("gone", [None, ..., "a string", []])
def test_without_snapshots_the_ids_come_from_event_id(gone: object) -> None:
    event = event_of(entity=gone, check=gone, alarm=gone)
    assert event.atom == "487000:enW3bSrv01:alBodyM4tc:chHttpW3b1"
    assert (event.entity, event.check, event.alarm) == (None, None, None)
    assert event.notification_plan_id is None


def test_snapshots_are_believed_before_event_id() -> None:
    assert event_of(entity={"id": "enOther001"}).entity_id == "enOther001"


@pytest.mark.parametrize("gone", [None, ..., ""])
def test_without_tenant_the_account_stands_in(gone: object) -> None:
    assert event_of(tenant_id=gone).tenant_id == "acT3stAcct"


def test_a_tenant_id_may_be_a_number() -> None:
    assert event_of(tenant_id=487000).tenant_id == "487000"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"entity": None}, "entity_id"),
        ({"check": None}, "check_id"),
        ({"alarm": {}}, "alarm_id"),
        ({"tenant_id": None}, "tenant_id"),
    ],
)
def test_an_id_that_is_nowhere_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        event_of(event_id="five:parts:are:too:few", **changes)
    assert caught.value.detail == f"{field}: neither in the payload nor in event_id"


@pytest.mark.parametrize("place", ["details", "top"])
def test_previous_state_is_read_where_it_turns_up(place: str) -> None:
    told: dict[str, Any] = {"previous_state": "WARNING"}
    event = event_of(**({"details": told} if place == "details" else told))
    assert event.previous_state is State.WARNING


@pytest.mark.parametrize("value", ["", "ALARM", None, 3])
def test_an_unreadable_previous_state_is_not_told(value: object) -> None:
    event = event_of(previous_state=value, details={"previous_state": value})
    assert event.previous_state is None


@pytest.mark.parametrize("entry", ["ntExAmPl02", None, ..., ""])
def test_without_a_uuid_the_id_is_derived(entry: object) -> None:
    expected = derived_event_id("ele", "487000", "alBodyM4tc", None, "CRITICAL", 1_392_138_733_810)
    assert event_of(log_entry_id=entry).id == expected


def test_a_uuid_is_the_same_in_upper_case() -> None:
    assert event_of(log_entry_id="A692AD20-933F-11E3-81E3-5839DD8AB955").id == event_of().id


def test_a_test_notification_is_a_test_with_an_id_of_its_own() -> None:
    """Two presses of the button are two events; one press delivered twice is one."""
    press: dict[str, Any] = {"event_id": "test_check", "log_entry_id": "ntExAmPl02"}
    first = event_of(**press)
    assert first.test
    assert first.account_id is None
    name = f"ele|test_check|ntExAmPl02|1392138733810|{rackspace()['details']['txn_id']}"
    assert first.id == str(uuid.uuid5(NS_EVENT, name)) == event_of(**press).id
    assert event_of(**press, details={"timestamp": 1_392_138_733_811}).id != first.id
    assert event_of(**press, details={"txn_id": None}).id != first.id


def test_an_agent_check_has_neither_zone_nor_metrics_nor_target() -> None:
    seen = [{"monitoring_zone_id": None, "state": "OK", "timestamp": 1_392_138_733_810}]
    event = event_of(details={"target": "", "metrics": None, "txn_id": None, "observations": seen})
    assert (event.target, event.metrics, event.txn_id) == (None, None, None)
    assert event.observations == [Observation(state="OK", timestamp=1_392_138_733_810)]


def test_details_out_of_shape_do_not_stop_the_alarm() -> None:
    event = event_of(
        details={
            "timestamp": "1392138733810",
            "status": 7,
            "target": {},
            "metrics": {"code": 502, "duration": {"type": 1, "data": [1]}},
            "observations": ["OK", {"state": 5, "timestamp": "soon"}, {"timestamp": 12.5}],
        }
    )
    assert event.timestamp == 1_392_138_733_810
    assert event.status == "7"
    assert event.target is None
    assert event.metrics == {"duration": Metric(type="1", data=[1])}
    assert event.observations == [Observation(state="5"), Observation()]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"details": {"state": "DISABLED"}}, "details.state: Invalid enum value 'DISABLED'"),
        ({"details": {"state": ...}}, "details.state: missing"),
        ({"details": {"timestamp": "soon"}}, "details.timestamp: Expected int, got str"),
        ({"details": "none"}, "details: Expected object, got str"),
    ],
)
def test_what_is_vital_is_refused_by_name(changes: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        event_of(**changes)
    assert (caught.value.reason, caught.value.detail) == (Reason.SCHEMA_MISMATCH, detail)


def test_a_topic_of_this_format_needs_no_event_id() -> None:
    assert event_of(fixed="rackspace", event_id=...).id == event_of().id
