"""Flapjack's events."""

import json
from typing import Any

import pytest

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.errors import InvalidMessage
from consumer.domain.identity import derived_event_id
from consumer.formats import decode
from tests.unit.formats.samples.flapjack import result


def read(**changes: Any) -> AlarmEvent:
    (found,) = decode(json.dumps(result(**changes)).encode(), fixed="flapjack")
    return found


def test_a_result() -> None:
    one = "web-1.shop:HTTP"
    assert read() == AlarmEvent(
        id=derived_event_id("flapjack", "487000", one, None, "CRITICAL", 1_771_927_600_000),
        source="flapjack",
        tenant_id="487000",
        entity_id="web-1.shop",
        check_id="HTTP",
        alarm_id="HTTP",
        state=State.CRITICAL,
        status="HTTP CRITICAL - no answer within 10 seconds\ntried 198.51.100.14:443",
        timestamp=1_771_927_600_000,
        entity={"label": "web-1.shop"},
        check={"label": "HTTP"},
        alarm={"label": "HTTP"},
        attributes={"tenant": "487000", "team": "storefront"},
    )


def test_one_check_of_two_entities_in_the_same_second_is_two_events() -> None:
    assert read().id != read(entity="web-2.shop").id


@pytest.mark.parametrize("tags", [None, [], "tenant:1", ["tenant:"], [5, None, {}]])
def test_without_a_tag_of_the_tenant_there_is_a_default(tags: object) -> None:
    assert read(tags=tags).tenant_id == "default"


def test_of_two_tags_of_one_name_the_first_in_the_alphabet_counts() -> None:
    assert read(tags=["tenant:2", "tenant:1"]).tenant_id == "1"


def test_a_tag_does_not_pose_as_one_of_our_own_attributes() -> None:
    assert read(tags=["messenger.recovers:1"]).attributes == {}


@pytest.mark.parametrize("time", [1771927600, "1771927600", 1771927600.0])
def test_time_may_be_written_in_several_ways(time: object) -> None:
    assert read(time=time).timestamp == read(time=..., timestamp=time).timestamp
    assert read(time=time).timestamp == 1_771_927_600_000


@pytest.mark.parametrize("word", [*State, "critical", "Warning"])
def test_states(word: str) -> None:
    assert read(state=word).state is State(word.upper())


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        (
            {"type": "action", "state": "acknowledgement"},
            "type: action is not service: only checks have states",
        ),
        ({"state": "up"}, "state: up is not a state we know"),
        ({"time": ...}, "time: is no time in seconds"),
        ({"time": -5}, "timestamp: -5000 is no time in milliseconds since 2000"),
        ({"entity": ""}, "entity: no label of the mapping has it"),
        ({"check": ...}, "check: missing"),
    ],
)
def test_what_is_vital_is_refused_by_name(changes: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        read(**changes)
    assert caught.value.detail == detail
