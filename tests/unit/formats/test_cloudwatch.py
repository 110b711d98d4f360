"""CloudWatch's alarms, from EventBridge."""

import json
from typing import Any

import pytest

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.errors import InvalidMessage
from consumer.formats import DEFAULTS, FormatMapping, decode, overlaid
from tests.unit.formats.samples.cloudwatch import COMPOSITE, EXPRESSION, event, metric

ARN = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:web CPU high"


def read(message: dict[str, Any], **mapping: Any) -> AlarmEvent:
    mappings = overlaid(DEFAULTS, {"cloudwatch": FormatMapping(**mapping)})
    (found,) = decode(json.dumps(message).encode(), mappings=mappings)
    return found


def test_a_metric_alarm() -> None:
    assert read(event()) == AlarmEvent(
        id="8d0b7f7e-9a55-4b5e-8a0c-4d1c6f5b2a10",
        source="cloudwatch",
        tenant_id="123456789012",
        entity_id="i-0a1b2c3d4e5f60718",
        check_id="AWS/EC2/CPUUtilization",
        alarm_id=ARN,
        state=State.CRITICAL,
        previous_state=State.OK,
        status="Threshold Crossed: 2 datapoints [97.2, 91.8] were greater than 80.0.",
        timestamp=1_771_927_600_985,
        produced_at=1_771_927_601_000,
        entity={"label": "i-0a1b2c3d4e5f60718"},
        check={"label": "web CPU high", "type": "AWS/EC2"},
        alarm={"label": "web CPU high"},
        link="https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"
        "#alarmsV2:alarm/web%20CPU%20high",
        attributes={
            "InstanceId": "i-0a1b2c3d4e5f60718",
            "region": "eu-west-1",
            "metric": "AWS/EC2/CPUUtilization",
            "statistic": "Average",
            "period": "300",
            "description": "The CPU has been busy for ten minutes.",
        },
    )


def test_a_composite_alarm_is_its_own_entity_and_check() -> None:
    found = read(COMPOSITE)
    assert found.entity_id == found.alarm_id == ARN.replace("web CPU high", "shop is down")
    assert found.check_id == "shop is down"
    assert found.attributes["rule"] == 'ALARM("web CPU high") AND ALARM("web 5xx")'


def test_actions_that_are_suppressed_send_nothing() -> None:
    assert not read(COMPOSITE).actions_enabled


def test_an_expression_is_known_by_the_first_metric_that_it_has() -> None:
    found = read(EXPRESSION)
    assert (found.entity_id, found.check_id) == ("blue/checkout", "Shop/Errors")


def test_the_entity_does_not_depend_on_the_order_of_dimensions() -> None:
    metrics = [metric("Shop", "Errors", Service="checkout", Cluster="blue")]
    assert read(event(configuration={"metrics": metrics})).entity_id == "blue/checkout"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("OK", State.OK),
        ("ALARM", State.CRITICAL),
        ("INSUFFICIENT_DATA", State.UNKNOWN),
    ],
)
def test_states(word: str, state: State) -> None:
    told = {"value": word, "timestamp": "2026-02-24T10:06:40.985+0000"}
    found = read(event(state=told, previousState=told))
    assert (found.state, found.previous_state) == (state, state)


@pytest.mark.parametrize("before", [None, {}, "OK", {"value": "ODD"}, {"value": 1}])
def test_a_previous_state_may_be_missing_or_strange(before: object) -> None:
    assert read(event(previousState=before)).previous_state is None


def test_what_is_an_entity_and_which_alarm_is_a_warning_can_be_set() -> None:
    found = read(event(), entity=("region",), states={"alarm": State.WARNING}, source="aws/eu")
    assert (found.entity_id, found.state, found.source) == ("eu-west-1", State.WARNING, "aws/eu")


def test_without_a_time_of_its_own_the_bus_tells_it() -> None:
    assert read(event(state={"value": "OK"})).timestamp == 1_771_927_601_000


def test_without_an_id_one_is_derived() -> None:
    found = read(event() | {"id": None})
    assert found.id == read(event() | {"id": None, "time": "2026-02-24T11:00:00Z"}).id


def test_a_console_elsewhere_is_not_guessed() -> None:
    arn = ARN.replace("arn:aws:", "arn:aws-cn:")
    assert read(event() | {"resources": [arn]}).link is None


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        (
            event() | {"detail-type": "CloudWatch Alarm Configuration Change", "detail": {}},
            "detail-type: CloudWatch Alarm Configuration Change is not "
            "CloudWatch Alarm State Change",
        ),
        (event(state={"value": "ODD"}), "detail.state.value: ODD is not a state we know"),
        (event(state="ALARM"), "detail.state: Expected object, got str"),
        (event(alarmName=None), "detail.alarmName: Expected str, got null"),
        (
            event(state={"value": "OK", "timestamp": 5}) | {"time": "soon"},
            "detail.state.timestamp: is no time, nor is that of the event",
        ),
        (event() | {"account": None}, "tenant: no label of the mapping has it"),
    ],
)
def test_what_is_vital_is_refused_by_name(message: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        read(message)
    assert caught.value.detail == detail
