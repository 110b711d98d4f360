"""Zabbix's real-time export: problems, and recoveries that name only their problem."""

import json
from typing import Any

import pytest

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.errors import InvalidMessage
from consumer.domain.recovery import is_remembered, problem_of, recovered
from consumer.formats import DEFAULTS, FormatMapping, decode, overlaid
from tests.unit.formats.samples.zabbix import problem, recovery

NAME = "High CPU utilization (over 90% for 5m)"


def read(message: dict[str, Any], **mapping: Any) -> AlarmEvent:
    mappings = overlaid(DEFAULTS, {"zabbix": FormatMapping(**mapping)})
    (found,) = decode(json.dumps(message).encode(), mappings=mappings)
    return found


def test_a_problem() -> None:
    found = read(problem())
    assert found == AlarmEvent(
        id=found.id,
        event_id="418211",
        source="zabbix",
        tenant_id="487000",
        entity_id="web-1.shop",
        check_id="cpu",
        alarm_id=NAME,
        state=State.CRITICAL,
        status=NAME,
        timestamp=1_771_927_600_985,
        entity={"label": "Web 1"},
        check={"label": NAME},
        alarm={"label": NAME},
        attributes={
            "component": "cpu",
            "scope": "performance",
            "tenant": "487000",
            "groups": "Shop, Linux servers",
            "severity": "high",
            "messenger.problem": "yes",
        },
    )
    assert is_remembered(found)
    assert problem_of(found) is None


def test_a_recovery_names_the_event_of_its_problem() -> None:
    found = read(recovery())
    assert problem_of(found) == read(problem()).id
    assert (found.state, found.status, found.event_id) == (State.OK, "Resolved", "418211")
    assert not is_remembered(found)


def test_once_its_problem_is_known_it_is_an_event_of_the_same_alarm() -> None:
    told = read(problem())
    found = recovered(told, read(recovery()))
    assert found.atom == told.atom
    assert (found.entity, found.check, found.alarm) == (told.entity, told.check, told.alarm)
    assert (found.state, found.previous_state) == (State.OK, State.CRITICAL)
    assert found.status == f"Resolved: {NAME}"
    assert found.timestamp == 1_771_927_900_005
    assert found.id == read(recovery()).id
    assert "messenger.problem" not in found.attributes
    assert found.attributes["groups"] == "Shop, Linux servers"


def test_a_recovery_of_two_problems_is_two_events() -> None:
    assert read(recovery()).id != read(recovery(p_eventid=418212)).id


def test_two_servers_number_their_events_alike() -> None:
    told = read(problem(), source="zabbix/eu")
    assert told.id != read(problem()).id
    assert problem_of(read(recovery(), source="zabbix/eu")) == told.id


@pytest.mark.parametrize(
    ("severity", "state"),
    [
        *((low, State.WARNING) for low in (0, 1, 2, 3, "2")),
        *((high, State.CRITICAL) for high in (4, 5)),
        # Of old versions, and of none: rather too loud.
        *((other, State.CRITICAL) for other in (None, ..., 9, "x")),
    ],
)
def test_severities(severity: object, state: State) -> None:
    assert read(problem(severity=severity)).state is state


def test_a_severity_may_be_mapped_by_its_word() -> None:
    assert read(problem(), states={"high": State.WARNING}).state is State.WARNING


def test_hosts_were_names_once() -> None:
    found = read(problem(hosts=["Web 1"]))
    assert (found.entity_id, found.entity) == ("Web 1", {"label": "Web 1"})


def test_of_a_tag_with_two_values_the_first_in_the_alphabet_counts() -> None:
    tags = [{"tag": "component", "value": value} for value in ("storage", "cpu")]
    assert read(problem(tags=tags)).check_id == read(problem(tags=tags[::-1])).check_id == "cpu"


def test_which_tag_is_what_can_be_set() -> None:
    found = read(problem(), check=("scope",), tenant=("group",), states={"4": State.WARNING})
    assert (found.check_id, found.tenant_id, found.state) == ("performance", "Shop", State.WARNING)


def test_a_name_that_is_too_long_for_an_id_is_cut_and_stays_one_of_its_own() -> None:
    long = "x" * 2000
    ids = {read(problem(name=long + end)).alarm_id for end in "ab"}
    assert len(ids) == 2
    assert all(len(each) <= 200 for each in ids)


def test_what_only_informs_may_be_strange() -> None:
    found = read(problem(groups={}, tags=[5, {"tag": 5}, {"tag": "a", "value": []}], ns="x"))
    assert found.attributes == {"severity": "high", "messenger.problem": "yes"}
    assert (found.tenant_id, found.check_id) == ("default", NAME)
    assert found.timestamp == 1_771_927_600_000


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        (problem(value=2), "value: 2 is neither 1, a problem, nor 0, its end"),
        (problem(value=True), "value: Expected int, got bool"),
        (problem(eventid="x"), "eventid: is not the number of an event"),
        (problem(eventid=-1), "eventid: is not the number of an event"),
        (problem(hosts=[]), "entity: no label of the mapping has it"),
        (problem(name=None), "alarm: no label of the mapping has it"),
        (problem(clock=10**15), "clock: is no time in seconds"),
        (problem(clock=1), "timestamp: 1985 is no time in milliseconds since 2000"),
        (recovery(p_eventid=None), "p_eventid: is not the number of an event"),
        (recovery(eventid="9" * 21), "eventid: is not the number of an event"),
    ],
)
def test_what_is_vital_is_refused_by_name(message: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        read(message)
    assert caught.value.detail == detail
