"""Salus's EventNotification."""

import json
from typing import Any

import pytest

from consumer.domain.alarm import AlarmEvent, Metric, Observation, State
from consumer.domain.errors import InvalidMessage
from consumer.domain.identity import derived_event_id
from consumer.formats import decode
from tests.unit.formats.samples.salus import TASK, notification


def read(**changes: Any) -> AlarmEvent:
    (found,) = decode(json.dumps(notification(**changes)).encode())
    return found


def test_a_change() -> None:
    alarm = f"{TASK}/web-1"
    assert read() == AlarmEvent(
        id=derived_event_id("salus", "487000", alarm, "OK", "CRITICAL", 1_771_927_600_985),
        event_id=f"487000:web-1:{TASK}:1771927500:CRITICAL",
        source="salus",
        tenant_id="487000",
        entity_id="web-1",
        check_id="http_response",
        alarm_id=alarm,
        state=State.CRITICAL,
        previous_state=State.OK,
        status="The response took longer than two seconds.",
        timestamp=1_771_927_600_985,
        metrics={
            "response_time": Metric(type="n", data=2.41),
            "result": Metric(type="s", data="timeout"),
        },
        observations=[
            Observation(monitoring_zone_id="public/eu_1", state="CRITICAL"),
            Observation(monitoring_zone_id="public/us_1", state="OK"),
        ],
        entity={"label": "web-1"},
        check={"label": "http_response"},
        alarm={"label": "http_response"},
        attributes={"agent_discovered_os": "linux", "resource_id": "web-1", "taskId": TASK},
    )


def test_two_changes_within_five_minutes_are_two_events() -> None:
    """The source's own id is the same for both."""
    assert read().id != read(timestamp="2026-02-24T10:07:40.985Z").id


def test_each_group_of_a_task_is_an_alarm_whatever_the_order_of_its_labels() -> None:
    groups = [{"resource_id": "web-1"}, {"device": "sda"}]
    ids = {read(groupingLabels=listed).alarm_id for listed in (groups, groups[::-1])}
    assert ids == {f"{TASK}/sda/web-1"}
    assert read(groupingLabels=[{"resource_id": "web-2"}]).alarm_id == f"{TASK}/web-2"


def test_without_labels_and_metrics_the_task_stands_for_all() -> None:
    found = read(groupingLabels=None, labels=None, metricGroup=None)
    assert found.entity_id == found.check_id == found.alarm_id == TASK


@pytest.mark.parametrize("time", ["2026-02-24T10:06:40.985Z", 1771927600.985, "1771927600.985"])
def test_a_time_in_writing_or_in_seconds(time: object) -> None:
    assert abs(read(timestamp=time).timestamp - 1_771_927_600_985) <= 1


def test_what_only_informs_may_be_strange() -> None:
    found = read(
        previousState="ODD",
        observations=[5, {"zone": {}, "state": 3}],
        metrics=[],
        labels="none",
        message=["a"],
        id={},
    )
    assert (found.previous_state, found.metrics, found.status) == (None, None, None)
    assert found.observations == [Observation(state="3")]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"state": "ODD"}, "state: ODD is not a state we know"),
        ({"timestamp": "soon"}, "timestamp: is no time"),
        ({"timestamp": True}, "timestamp: is no time"),
        ({"timestamp": ...}, "timestamp: missing"),
        ({"tenantId": None}, "tenant: no label of the mapping has it"),
        ({"taskId": 5}, "taskId: Expected str, got int"),
    ],
)
def test_what_is_vital_is_refused_by_name(changes: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        read(**changes)
    assert caught.value.detail == detail
