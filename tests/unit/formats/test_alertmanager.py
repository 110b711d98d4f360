"""Prometheus Alertmanager: a group of alerts, which is sent again while it lasts."""

from typing import Any

import msgspec
import pytest

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.errors import InvalidMessage
from consumer.domain.lasting import lasting
from consumer.domain.reasons import Reason
from consumer.formats import DEFAULTS, Decoded, FormatMapping, overlaid, read
from consumer.formats.alert_groups import MAX_ALERTS
from tests.unit.formats.samples.alertmanager import NEVER, alert, group, resolved

BEGAN = 1_392_138_733_810
ENDED = 1_392_139_200_000


def reading(*alerts: Any, mapping: FormatMapping | None = None, **changes: Any) -> Decoded:
    body = msgspec.json.encode(group(*alerts, **changes))
    return read(body, mappings=overlaid(DEFAULTS, {"alertmanager": mapping or FormatMapping()}))


def event_of(one: Any, **options: Any) -> AlarmEvent:
    (event,) = reading(one, **options).events
    return event


def refusal(*alerts: Any, **changes: Any) -> InvalidMessage:
    with pytest.raises(InvalidMessage) as caught:
        reading(*alerts, **changes)
    return caught.value


def test_an_alert_becomes_an_event() -> None:
    event = event_of(alert())
    assert msgspec.structs.asdict(event) | {"id": "", "attributes": {}} == {
        "id": "",
        "schema": "alarm-state-event/1",
        "source": "alertmanager",
        "tenant_id": "487000",
        "entity_id": "web-1:9100",
        "check_id": "http",
        "alarm_id": "1a30ba71cca2921f",
        "state": State.CRITICAL,
        "timestamp": BEGAN,
        "status": "p99 above 2 s\n99 % of the answers took up to 2.4 s in the last 10 minutes.",
        "entity": {"id": "web-1:9100", "label": "web-1:9100"},
        "check": {"id": "http", "label": "HighLatency", "type": "http"},
        "alarm": {"id": "1a30ba71cca2921f", "label": "HighLatency"},
        "link": "http://runbook.example/latency",
        "attributes": {},
        "actions_enabled": True,
        "test": False,
        "replay": False,
        "observations": [],
        **dict.fromkeys(
            (
                "event_id",
                "account_id",
                "previous_state",
                "produced_at",
                "txn_id",
                "notification_plan_id",
                "target",
                "metrics",
            )
        ),
    }
    assert event.attributes == alert()["labels"] | lasting()


def test_each_alert_of_a_group_is_an_event() -> None:
    two = {"instance": "web-2:9100"}
    events = reading(alert(), resolved(labels=two, fingerprint="2b")).events
    assert [(each.entity_id, each.state, each.timestamp) for each in events] == [
        ("web-1:9100", State.CRITICAL, BEGAN),
        ("web-2:9100", State.OK, ENDED),
    ]
    assert events[1].status is not None
    assert events[1].status.startswith("Resolved: p99 above 2 s")


@pytest.mark.parametrize(
    "again",
    [
        alert(),
        alert(annotations={"summary": "p99 above 3 s"}),
        alert(generatorURL="http://prom-2.example/graph"),
        alert(endsAt="2014-02-11T17:30:00Z"),
        alert(startsAt="2014-02-11T17:12:13.810Z"),
    ],
)
def test_a_repeated_notification_has_the_id_of_the_first(again: Any) -> None:
    assert event_of(again, groupKey="another").id == event_of(alert()).id


@pytest.mark.parametrize(
    "another",
    [
        resolved(),
        alert(startsAt="2014-02-11T17:12:13.811Z"),
        alert(fingerprint="2b41cb82ddb3a320"),
        alert(labels={"tenant": "487001"}),
    ],
)
def test_a_change_has_an_id_of_its_own(another: Any) -> None:
    assert event_of(another).id != event_of(alert()).id


def test_two_sources_of_different_names_do_not_share_ids() -> None:
    eu = FormatMapping(source="alertmanager/eu")
    event = event_of(alert(), mapping=eu)
    assert event.source == "alertmanager/eu"
    assert event.id != event_of(alert()).id


def test_without_a_fingerprint_the_labels_tell_alarms_apart() -> None:
    old = {"without": ("fingerprint",)}
    first = event_of(alert(**old))
    assert first.alarm_id == event_of(alert(annotations={"summary": "else"}, **old)).alarm_id
    assert first.alarm_id != event_of(alert(labels={"device": "sda"}, **old)).alarm_id


@pytest.mark.parametrize(
    ("labels", "state"),
    [
        ({"severity": "critical"}, State.CRITICAL),
        ({"severity": "Page"}, State.CRITICAL),
        ({"severity": "warning"}, State.WARNING),
        ({"severity": "sev3"}, State.WARNING),
        ({"severity": None}, State.WARNING),
        ({"severity": "none"}, State.UNKNOWN),
    ],
)
def test_the_severity_says_the_state(labels: Any, state: State) -> None:
    assert event_of(alert(labels=labels)).state is state


def test_labels_and_words_are_the_operators() -> None:
    mapping = FormatMapping(
        tenant=("customer",),
        entity=("pod",),
        check=("service",),
        alarm=("alertname",),
        plan=("plan",),
        severity=("priority",),
        status=("text",),
        link=("panel",),
        states={"p1": State.CRITICAL, "highlatency": State.WARNING},
    )
    given = {"customer": "1", "pod": "shop-0", "service": "shop", "plan": "np1", "priority": "P1"}
    texts = {"text": "slow", "panel": "http://panel.example/"}
    event = event_of(alert(labels=given, annotations=texts), mapping=mapping)
    assert event.atom == "1:shop-0:HighLatency:shop"
    assert (event.notification_plan_id, event.status) == ("np1", "slow")
    assert event.link == "http://panel.example/"
    assert event.state is State.WARNING  # the alert's own name wins over its severity
    other = event_of(alert(labels=given | {"alertname": "Other"}), mapping=mapping)
    assert other.state is State.CRITICAL


@pytest.mark.parametrize(
    ("mapping", "tenant"),
    [(FormatMapping(default_tenant="42"), "42"), (FormatMapping(), "messenger")],
)
def test_the_tenant_without_a_label(mapping: FormatMapping, tenant: str) -> None:
    """The default, or else whoever the group was routed to."""
    assert event_of(alert(labels={"tenant": None}), mapping=mapping).tenant_id == tenant


@pytest.mark.parametrize(
    ("labels", "entity"),
    [
        ({"instance": None, "pod": "shop-0", "namespace": "shop"}, "shop-0"),
        ({"instance": None, "cluster": "eu"}, "eu"),
        ({"instance": None}, "http"),
        ({"instance": None, "job": None}, "HighLatency"),
    ],
)
def test_what_is_named_most_precisely_is_the_entity(labels: Any, entity: str) -> None:
    assert event_of(alert(labels=labels)).entity_id == entity


def test_a_long_label_does_not_cost_the_alert() -> None:
    address = "https://shop.example/?q=" + "x" * 400
    event = event_of(alert(labels={"instance": address}))
    assert len(event.entity_id) <= 200
    assert event.entity is not None
    assert event.entity["label"] == address


@pytest.mark.parametrize(
    ("bad", "detail"),
    [
        ("text", "alerts[0]: expected an object"),
        ({}, "alerts[0].status: missing"),
        (alert(status="pending"), "alerts[0].status: pending, expected firing or resolved"),
        (alert(startsAt="today"), "alerts[0].startsAt: today is no time"),
        (alert(without=("labels",)), "alerts[0].labels: missing"),
        (alert(without=("startsAt",)), "alerts[0].startsAt: missing"),
        (alert(startsAt=NEVER), "alerts[0].startsAt: 0001-01-01T00:00:00Z is no time"),
        (resolved(NEVER), "alerts[0].endsAt: 0001-01-01T00:00:00Z is no time"),
        (alert(startsAt="1999-12-31T00:00:00Z"), "[0].timestamp: 946598400000 is no time in"),
    ],
)
def test_one_bad_alert_does_not_lose_the_good_ones(bad: Any, detail: str) -> None:
    """They are processed, and the record is a dead letter as well, with what is wrong with it."""
    decoded = reading(bad, alert())
    assert [each.alarm_id for each in decoded.events] == ["1a30ba71cca2921f"]
    assert decoded.refused is not None
    assert decoded.refused.reason is Reason.SCHEMA_MISMATCH
    assert decoded.refused.detail.startswith(detail)


def test_several_bad_alerts_are_told_together() -> None:
    assert refusal({}, {}, 1).detail == "alerts[0].status: missing (and 2 more)"


def test_loose_values_are_put_right() -> None:
    loose = alert(annotations={}, labels={"port": 9100, "odd": ["x"]}, generatorURL=7)
    loose["annotations"] = None
    event = event_of(loose)
    assert event.attributes["port"] == "9100"
    assert "odd" not in event.attributes
    assert event.status is None


def test_a_group_that_was_truncated_says_so() -> None:
    decoded = reading(alert(), truncatedAlerts=17)
    assert decoded.left_out == 17
    assert decoded.events[0].attributes["alerts left out of the group"] == "17"
    assert reading(alert(), truncatedAlerts="many").left_out == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "5"}, Reason.UNKNOWN_VERSION),
        ({"alerts": []}, Reason.SCHEMA_MISMATCH),
        ({"alerts": {}}, Reason.SCHEMA_MISMATCH),
        ({"alerts": [1] * (MAX_ALERTS + 1)}, Reason.SCHEMA_MISMATCH),
    ],
)
def test_a_group_that_cannot_be_read(changes: dict[str, Any], reason: Reason) -> None:
    assert refusal(alert(), **changes).reason is reason


def test_labels_cannot_pass_for_our_own_attributes() -> None:
    labels = {"messenger.unreached": "somebody@example.com"}
    assert labels.keys().isdisjoint(event_of(alert(labels=labels)).attributes)
