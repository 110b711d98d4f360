"""Grafana Alerting: Alertmanager's message, and what Grafana adds."""

from typing import Any

import msgspec
import pytest

from consumer.domain.alarm import AlarmEvent, Metric, State
from consumer.domain.errors import InvalidMessage
from consumer.formats import DEFAULTS, FormatMapping, overlaid, read
from tests.unit.formats.samples.grafana import alert, group, stand_in


def event_of(one: Any, mapping: FormatMapping | None = None, **changes: Any) -> AlarmEvent:
    body = msgspec.json.encode(group(one, **changes))
    mappings = overlaid(DEFAULTS, {"grafana": mapping or FormatMapping()})
    (event,) = read(body, mappings=mappings).events
    return event


def test_values_and_panel_come_along() -> None:
    event = event_of(alert())
    assert event.source == "grafana"
    assert event.state is State.CRITICAL
    assert event.metrics == {"B": Metric(type="n", data=2.41), "C": Metric(type="n", data=1)}
    assert event.link == "https://grafana.example/d/def?orgId=1&viewPanel=4"


@pytest.mark.parametrize(
    ("changes", "link"),
    [
        ({"panelURL": ""}, "https://grafana.example/d/def?orgId=1"),
        (
            {"panelURL": "", "dashboardURL": ""},
            "https://grafana.example/alerting/grafana/abc/view?orgId=1",
        ),
    ],
)
def test_the_link_leads_as_near_as_can_be(changes: Any, link: str) -> None:
    assert event_of(alert(**changes)).link == link


def test_without_a_label_the_organisation_is_the_tenant() -> None:
    assert event_of(alert(labels={"tenant": None})).tenant_id == "3"
    default = FormatMapping(default_tenant="42")
    assert event_of(alert(labels={"tenant": None}), default).tenant_id == "42"


@pytest.mark.parametrize("name", ["DatasourceNoData", "DatasourceError"])
def test_a_rule_without_data_is_unknown_whatever_its_severity(name: str) -> None:
    event = event_of(stand_in(name))
    assert event.state is State.UNKNOWN
    assert event.check is not None
    assert event.check["label"] == f"High latency: {name}"


def test_what_it_means_is_the_operators() -> None:
    mapping = FormatMapping(states={"datasourceerror": State.CRITICAL})
    assert event_of(stand_in("DatasourceError"), mapping).state is State.CRITICAL
    assert event_of(stand_in("DatasourceNoData"), mapping).state is State.UNKNOWN


def test_a_rule_that_has_data_again_is_resolved() -> None:
    back = stand_in("DatasourceNoData", status="resolved", endsAt="2014-02-11T17:20:00Z")
    assert event_of(back).state is State.OK


def test_without_annotations_the_message_of_a_single_alert_is_told() -> None:
    bare = alert()
    bare["annotations"] = {}
    assert event_of(bare).status == "**Firing**\n\nValue: B=2.41"


def test_the_version_of_alertmanager_is_not_grafanas() -> None:
    with pytest.raises(InvalidMessage, match="version: 4 is not readable"):
        event_of(alert(), version="4")
