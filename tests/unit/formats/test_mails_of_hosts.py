"""From a message of CloudWatch, Salus, Zabbix or Flapjack to the mail that comes of it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.domain.notification import Email
from consumer.formats import DEFAULTS, FORMATS, FormatMapping, overlaid
from consumer.pipeline.pipeline import Prepared
from consumer.pipeline.recall import recall
from consumer.pipeline.receive import ReceiveSettings
from tests.support.pipeline import Bench
from tests.unit.formats.nasty import record
from tests.unit.formats.samples import Sample
from tests.unit.formats.samples.cloudwatch import event
from tests.unit.formats.samples.flapjack import result
from tests.unit.formats.samples.salus import notification
from tests.unit.formats.samples.zabbix import problem, recovery

PLAN = "npOnCall01"
PLAN_TAG = {"tag": "notification_plan", "value": PLAN}


@pytest.fixture
def bench() -> Iterator[Bench]:
    # CloudWatch's message has no place for a plan but the alarm's description.
    by_description = {"cloudwatch": FormatMapping(plan=("description",))}
    mappings = overlaid(DEFAULTS, by_description)
    assert set(mappings) == set(FORMATS)
    made = Bench(receive=ReceiveSettings(mappings=mappings))
    yield made
    made.ledger.close()


def mail(bench: Bench, value: Any) -> Email:
    (received,) = bench.pipeline.receive([record(Sample(value).body)])
    recalled = recall(received.events, bench.ledger.problems.remember)
    (answer,) = bench.prepare(*(each for _, each in recalled))
    assert isinstance(answer, Prepared)
    (send,) = answer.sends
    return send.email


def test_an_alarm_of_cloudwatch(bench: Bench) -> None:
    told = event(configuration=event()["detail"]["configuration"] | {"description": PLAN})
    email = mail(bench, told | {"account": "487000"})
    assert email.subject == "** CRITICAL: web CPU high on i-0a1b2c3d4e5f60718 **"
    assert "CRITICAL (was OK)" in email.text
    assert "were greater than 80.0" in email.text
    assert re.search(r"Check: +web CPU high \(AWS/EC2\)", email.text)
    assert "console.aws.amazon.com" in email.text
    assert re.search("metric: +AWS/EC2/CPUUtilization", email.text)


def test_a_notification_of_salus(bench: Bench) -> None:
    email = mail(bench, notification(labels={"notification_plan": PLAN}))
    assert email.subject == "** CRITICAL: http_response on web-1 **"
    assert "longer than two seconds" in email.text
    assert "public/eu_1" in email.text
    assert re.search(r"response_time: +2\.41", email.text)


def test_a_problem_of_zabbix_and_its_end(bench: Bench) -> None:
    told = problem(tags=[{"tag": "tenant", "value": "487000"}, PLAN_TAG])
    first, last = mail(bench, told), mail(bench, recovery())
    assert first.subject == "** CRITICAL: High CPU utilization (over 90% for 5m) on Web 1 **"
    assert last.subject == "** OK: High CPU utilization (over 90% for 5m) on Web 1 **"
    assert "OK (was CRITICAL)" in last.text
    assert "Resolved: High CPU utilization" in last.text
    for each in first, last:
        assert re.search("severity: +high", each.text)
        assert "messenger." not in each.text


def test_a_result_of_flapjack(bench: Bench) -> None:
    email = mail(bench, result(tags=["tenant:487000", f"notification_plan:{PLAN}"]))
    assert email.subject == "** CRITICAL: HTTP on web-1.shop **"
    assert "no answer within 10 seconds" in email.text
    assert "tried 198.51.100.14:443" in email.text
