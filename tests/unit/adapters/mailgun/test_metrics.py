"""Mailgun's own figures: what is asked over HTTP, and what its answers hold."""

import json
from typing import Any

import msgspec
import pytest

from consumer.adapters.mailgun.asking import Asking
from consumer.adapters.mailgun.metrics import MailgunMetrics, groups
from consumer.domain.errors import LookupUnavailable
from tests.support.clock import ManualClock
from tests.unit.adapters.mailgun.server import MisbehavingServer, answering, http_answer

DOMAIN = "alerts.example.com"
KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"


def client(url: str) -> MailgunMetrics:
    asking = Asking(
        base_url=url,
        key=KEY,
        key_setting="mailgun.lookup_key",
        what="metrics",
        clock=ManualClock(),
        connect_timeout=1.0,
        read_timeout=1.0,
    )
    return MailgunMetrics(asking, DOMAIN)


def item(value: str, **metrics: Any) -> dict[str, Any]:
    return {"dimensions": [{"dimension": "tag", "value": value}], "metrics": metrics}


def test_the_total_is_asked_for_our_domain_alone() -> None:
    told = item(DOMAIN, accepted_outgoing_count=7, delivered_count="6", permanent_failed_count=1)
    page = json.dumps({"items": [told]}).encode()
    with MisbehavingServer(answering(http_answer(page))) as server:
        found = client(server.url).total(1_767_225_600.0, 1_767_229_200.0)
    assert found == {"accepted": 7, "delivered": 6, "bounced": 1, "complained": 0}
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    search = msgspec.json.decode(body)
    assert head.startswith(b"POST /v1/analytics/metrics ")
    assert search["dimensions"] == ["domain"]
    assert search["filter"]["AND"][0]["values"][0]["value"] == DOMAIN


def test_a_domain_that_sent_nothing_has_no_figures() -> None:
    with MisbehavingServer(answering(http_answer(b'{"items": []}'))) as server:
        assert set(client(server.url).total(0.0, 1.0).values()) == {0}


def test_groups_are_read_and_what_is_none_is_left_out() -> None:
    found = groups({"items": [item("critical", delivered_count=2), None, {"dimensions": []}]})
    assert found == {"critical": {"accepted": 0, "delivered": 2, "bounced": 0, "complained": 0}}
    assert groups([]) is None


@pytest.mark.parametrize(
    ("status", "said"),
    [("401 Unauthorized", "check the key"), ("429 Too Many Requests", "HTTP 429")],
)
def test_a_refusal_says_what_to_do_and_not_the_key(status: str, said: str) -> None:
    with (
        MisbehavingServer(
            answering(http_answer(json.dumps({"message": KEY}).encode(), status))
        ) as s,
        pytest.raises(LookupUnavailable, match=said) as caught,
    ):
        client(s.url).by_tag(0.0, 1.0)
    assert KEY not in str(caught.value)
