"""Reading a page over HTTP: what the client does with every answer but a page."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from consumer.adapters.mailgun.events import MailgunEvents
from consumer.domain.errors import LookupUnavailable, SettingsError
from tests.support.clock import ManualClock
from tests.unit.adapters.mailgun.server import MisbehavingServer, answering, http_answer

KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"


def client(url: str, clock: ManualClock, **changes: Any) -> MailgunEvents:
    values: dict[str, Any] = {
        "base_url": url,
        "domain": "alerts.example.com",
        "lookup_key": SecretStr(KEY),
        "clock": clock,
        "connect_timeout": 1.0,
        "read_timeout": 1.0,
    }
    return MailgunEvents(**(values | changes))


def refused(status: str, body: bytes = b"{}", headers: str = "") -> str:
    """The error of one call, which gets this answer."""
    clock = ManualClock()
    answer = http_answer(body, status, f"Connection: close\r\n{headers}")
    with MisbehavingServer(answering(answer)) as server:
        events = client(server.url, clock)
        with pytest.raises(LookupUnavailable) as caught:
            events.page(0.0, 1.0)
        events.close()
    return str(caught.value)


def test_a_page_is_read_with_the_lookup_key() -> None:
    page = json.dumps({"items": [{"event": "delivered"}], "paging": {}}).encode()
    with MisbehavingServer(answering(http_answer(page))) as server:
        found = client(server.url, ManualClock()).page(0.0, 1.0)
    assert found.items == [{"event": "delivered"}]
    assert server.requests[0].startswith(b"GET /v3/alerts.example.com/events?begin=0&end=1&")
    assert b"Authorization: Basic" in server.requests[0]


def test_a_throttling_answer_says_how_long_to_wait() -> None:
    clock = ManualClock()
    answer = http_answer(b"{}", "429 Too Many Requests", "Retry-After: 60\r\n")
    with MisbehavingServer(answering(answer)) as server:
        events = client(server.url, clock)
        with pytest.raises(LookupUnavailable, match="wants us to wait 60 s"):
            events.page(0.0, 1.0)
    assert events.opens_in() == 60.0
    clock.advance(60)
    assert events.opens_in() == 0.0


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("401 Unauthorized", "check mailgun.lookup_key"),
        ("403 Forbidden", "throttled, or mailgun.lookup_key may not"),
        ("404 Not Found", "check mailgun.domain"),
        ("500 Internal Server Error", "HTTP 500"),
        ("302 Found", "HTTP 302"),
        ("200 OK", "no page of Mailgun's events"),
    ],
)
def test_any_other_answer_says_what_to_do_where_something_can_be_done(
    status: str, said: str
) -> None:
    assert said in refused(status)


def test_the_key_is_in_no_error_and_in_no_repr() -> None:
    assert KEY not in refused("500 Internal Server Error", json.dumps({"message": KEY}).encode())
    assert KEY not in repr(client("http://127.0.0.1:1", ManualClock()))


def test_nobody_there_is_no_page() -> None:
    with pytest.raises(LookupUnavailable):
        client("http://127.0.0.1:1", ManualClock()).page(0.0, 1.0)


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(SettingsError):
        client("http://127.0.0.1:1", ManualClock(), domain="no domain")
