"""From a foreign message to the mail that comes of it, and what a repeated one comes to."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from consumer.domain.notification import Email
from consumer.domain.reasons import Kind
from consumer.domain.record import Record
from consumer.pipeline.lock import LockRules
from consumer.pipeline.pipeline import Prepared
from consumer.pipeline.receive import ReceiveSettings
from tests.support.pipeline import Bench
from tests.unit.formats.samples import Sample
from tests.unit.formats.samples.alertmanager import alert, group, resolved
from tests.unit.formats.samples.grafana import alert as grafana_alert
from tests.unit.formats.samples.grafana import group as grafana_group
from tests.unit.formats.samples.monasca import transition

PLAN: dict[str, Any] = {"labels": {"notification_plan": "npOnCall01"}}


@pytest.fixture
def bench() -> Iterator[Bench]:
    receive = ReceiveSettings()
    made = Bench(receive=receive, lock=LockRules(repeating_sources=receive.repeating_sources()))
    yield made
    made.ledger.close()


def prepared(bench: Bench, value: object) -> list[Prepared]:
    record = Record("alarm-events", 0, 7, None, Sample(value).body)
    (received,) = bench.pipeline.receive([record])
    answers = bench.prepare(*received.events)
    assert all(isinstance(each, Prepared) for each in answers)
    return [each for each in answers if isinstance(each, Prepared)]


def mail(bench: Bench, value: object) -> Email:
    (answer,) = prepared(bench, value)
    (send,) = answer.sends
    return send.email


def endings(answers: list[Prepared]) -> list[Kind]:
    return [ending.kind for answer in answers for ending in answer.endings]


def test_an_alert_of_prometheus(bench: Bench) -> None:
    email = mail(bench, group(alert(**PLAN), truncatedAlerts=17))
    assert email.subject == "** CRITICAL: HighLatency on web-1:9100 **"
    assert re.search("Alarm: +HighLatency", email.text)
    assert "p99 above 2 s" in email.text
    assert "http://runbook.example/latency" in email.text
    assert "alerts left out of the group" in email.text
    assert bench.metrics.registry.get_sample_value("messenger_alarms_left_out_total") == 17


def test_an_alert_of_grafana(bench: Bench) -> None:
    email = mail(bench, grafana_group(grafana_alert(**PLAN)))
    assert email.subject == "** CRITICAL: HighLatency on web-1:9100 **"
    assert "2.41" in email.text
    assert "viewPanel=4" in email.text


def test_a_transition_of_monasca(bench: Bench) -> None:
    metrics = [
        {
            "name": "cpu.user_perc",
            "dimensions": {"hostname": "web-1", "notification_plan": "npOnCall01"},
        }
    ]
    email = mail(bench, transition(tenantId="487000", metrics=metrics))
    assert email.subject == "** CRITICAL: cpu high on web-1 **"
    assert re.search(r"Check: +cpu high \(cpu.user_perc\)", email.text)
    assert "CRITICAL (was OK)" in email.text
    assert "Thresholds were exceeded" in email.text


def test_what_is_sent_again_is_not_mailed_again(bench: Bench) -> None:
    """As a duplicate while its id is known, and by its state when that is forgotten."""
    (first,) = prepared(bench, group(alert(**PLAN)))
    bench.earlier_event(first.locked.event)
    assert endings(prepared(bench, group(alert(**PLAN)))) == [Kind.DUPLICATE]
    later = alert(**PLAN, startsAt="2014-02-11T17:12:14Z")
    assert endings(prepared(bench, group(later))) == [Kind.UNCHANGED]


def test_the_end_is_mailed_once(bench: Bench) -> None:
    (first,) = prepared(bench, group(alert(**PLAN)))
    bench.earlier_event(first.locked.event)
    (over,) = prepared(bench, group(resolved(**PLAN)))
    (send,) = over.sends
    assert "OK (was CRITICAL)" in send.email.text
    assert "Resolved: p99 above 2 s" in send.email.text
    bench.earlier_event(over.locked.event)
    again = resolved("2014-02-11T17:21:00Z", **PLAN)
    assert endings(prepared(bench, group(again))) == [Kind.UNCHANGED]


def test_of_two_alerts_in_one_group_each_is_its_own_alarm(bench: Bench) -> None:
    other = alert(labels={"instance": "web-2:9100"}, fingerprint="2b41cb82ddb3a320")
    answers = prepared(bench, group(alert(), other))
    assert len({answer.locked.event.atom for answer in answers}) == 2
    assert msgspec.structs.asdict(answers[0].locked.event)["entity_id"] == "web-1:9100"
