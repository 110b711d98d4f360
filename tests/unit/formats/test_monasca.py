"""OpenStack Monasca's transitions."""

from typing import Any

import msgspec
import pytest

from consumer.domain.alarm import AlarmEvent, Metric, State
from consumer.domain.errors import InvalidMessage
from consumer.formats import DEFAULTS, FormatMapping, decode, overlaid
from tests.unit.formats.samples.monasca import _ADDED_LATER, transition


def event_of(mapping: FormatMapping | None = None, **changes: Any) -> AlarmEvent:
    mappings = overlaid(DEFAULTS, {"monasca": mapping or FormatMapping()})
    (event,) = decode(msgspec.json.encode(transition(**changes)), mappings=mappings)
    return event


def test_a_transition_becomes_an_event() -> None:
    event = event_of()
    assert event.atom == (
        "0f1e2d3c4b5a69788796a5b4c3d2e1f0:web-1:7d2e8b44-6a0f-4c55-9d1b-2f1f2b7c0001"
        ":b1c2d3e4-0000-4a4a-8b8b-111122223333"
    )
    assert (event.state, event.previous_state) == (State.CRITICAL, State.OK)
    assert event.timestamp == 1_392_138_733_810
    assert event.status == "Thresholds were exceeded for the sub-alarms"
    assert event.link == "http://runbook.example/cpu"
    assert event.entity == {"id": "web-1", "label": "web-1"}
    assert event.check is not None
    assert (event.check["label"], event.check["type"]) == ("cpu high", "cpu.user_perc")
    assert event.metrics == {"avg(cpu.user_perc) > 90.0": Metric(type="n", data=97.1)}
    assert event.attributes["service"] == "compute"


def test_the_id_is_made_of_alarm_states_and_time() -> None:
    """The words are Monasca's: what severities mean here does not change an event's identity."""
    alarm = "7d2e8b44-6a0f-4c55-9d1b-2f1f2b7c0001"
    event = event_of(tenantId="9f1c", alarmId=alarm)
    assert event.id == "bf805b5c-387e-5fdd-8fdd-671b2db56bf9"
    mapping = FormatMapping(states={"high": State.WARNING})
    assert event_of(mapping, tenantId="9f1c", alarmId=alarm).id == event.id


@pytest.mark.parametrize(
    ("new", "severity", "state"),
    [
        ("OK", "CRITICAL", State.OK),
        ("ALARM", "LOW", State.WARNING),
        ("ALARM", "MEDIUM", State.WARNING),
        ("ALARM", "HIGH", State.CRITICAL),
        ("ALARM", "CRITICAL", State.CRITICAL),
        ("ALARM", None, State.CRITICAL),
        ("UNDETERMINED", "LOW", State.UNKNOWN),
    ],
)
def test_states(new: str, severity: str | None, state: State) -> None:
    assert event_of(newState=new, severity=severity).state is state
    assert event_of(oldState=new, severity=severity).previous_state is state


def test_words_are_the_operators() -> None:
    mapping = FormatMapping(states={"undetermined": State.WARNING, "low": State.UNKNOWN})
    assert event_of(mapping, newState="UNDETERMINED").state is State.WARNING
    assert event_of(mapping, severity="LOW").state is State.UNKNOWN


def test_an_old_release_is_read() -> None:
    event = event_of(without=(*_ADDED_LATER, "actionsEnabled"), timestamp=1_392_138_733)
    assert event.timestamp == 1_392_138_733_000
    assert event.check_id == "cpu high"
    assert event.actions_enabled


def test_switched_off_actions_are_kept() -> None:
    assert not event_of(actionsEnabled=False).actions_enabled


def metrics(*dimensions: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": f"cpu.{number}", "dimensions": each} for number, each in enumerate(dimensions)]


@pytest.mark.parametrize(
    ("given", "entity"),
    [
        (metrics({"hostname": "web-1"}, {"hostname": "web-1", "service": "x"}), "web-1"),
        (metrics({"hostname": "a", "service": "x"}, {"hostname": "b", "service": "x"}), "x"),
        (metrics({"hostname": "a"}, {"hostname": "b"}), "cpu high"),
        (metrics({"hostname": 7}), "7"),
        ([], "cpu high"),
        ("none", "cpu high"),
        ([1, {"dimensions": []}, {"name": None}], "cpu high"),
    ],
)
def test_the_entity_is_what_all_metrics_agree_in(given: Any, entity: str) -> None:
    assert event_of(metrics=given).entity_id == entity
    if isinstance(given, list):
        assert event_of(metrics=given[::-1]).atom == event_of(metrics=given).atom


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"newState": "ALERT"}, "newState: ALERT, expected OK, ALARM, UNDETERMINED"),
        ({"oldState": "?"}, "oldState: "),
        ({"timestamp": "soon"}, "alarm-transitioned.timestamp: "),
        ({"without": ("alarmId",)}, "alarm-transitioned.alarmId: missing"),
        ({"tenantId": None}, "alarm-transitioned.tenantId: "),
        ({"tenantId": ""}, "tenant_id: "),
    ],
)
def test_what_is_vital_is_asked_for(changes: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        event_of(**changes)
    assert caught.value.detail.startswith(detail)


def test_what_is_not_vital_is_mended() -> None:
    event = event_of(severity=3, link={}, subAlarms="?", lifecycleState=None, alarmId=17)
    assert (event.alarm_id, event.link, event.metrics) == ("17", None, None)
    assert event.state is State.CRITICAL
