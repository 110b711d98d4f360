"""Pages of events: what is asked of both APIs, and what their answers hold."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from consumer.adapters.mailgun.event_pages import ask, read

DOMAIN = "alerts.example.com"
BEGIN, END = 1_767_225_600.6, 1_767_227_400.2


def test_the_events_api_is_asked_for_whole_seconds_oldest_first() -> None:
    asked = ask("events", DOMAIN, BEGIN, END)
    url = urlsplit(asked.path)
    assert (asked.method, url.path) == ("GET", f"/v3/{DOMAIN}/events")
    assert parse_qs(url.query) == {
        "begin": ["1767225600"],
        "end": ["1767227401"],
        "ascending": ["yes"],
        "limit": ["300"],
    }


def test_the_next_page_of_events_is_the_token_behind_the_same_question() -> None:
    """Some ask by the token's address alone, some repeat the query: Mailgun takes both."""
    first, second = ask("events", DOMAIN, BEGIN, END), ask("events", DOMAIN, BEGIN, END, "W3s/iYQ")
    assert urlsplit(second.path).path == f"/v3/{DOMAIN}/events/W3s%2FiYQ"
    assert urlsplit(second.path).query == urlsplit(first.path).query


def test_the_logs_api_is_asked_for_our_domain_alone() -> None:
    asked = ask("logs", DOMAIN, BEGIN, END, "token")
    search = msgspec.json.decode(asked.body)
    assert (asked.method, asked.path) == ("POST", "/v1/analytics/logs")
    assert search["start"] == "Thu, 01 Jan 2026 00:00:00 +0000"
    assert search["end"] == "Thu, 01 Jan 2026 00:30:01 +0000"
    assert search["pagination"] == {"sort": "timestamp:asc", "limit": 100, "token": "token"}
    (rule,) = search["filter"]["AND"]
    assert (rule["attribute"], rule["values"][0]["value"]) == ("domain", DOMAIN)


def test_the_first_question_to_the_logs_has_no_token() -> None:
    search = msgspec.json.decode(ask("logs", DOMAIN, BEGIN, END).body)
    assert "token" not in search["pagination"]


def test_pages_lead_on_until_one_is_empty() -> None:
    url = f"https://api.mailgun.net/v3/{DOMAIN}/events/W3siYSI6?page=next"
    page = read("events", {"items": [{"event": "delivered"}], "paging": {"next": url}})
    assert page is not None
    assert (page.items, page.after) == ([{"event": "delivered"}], "W3siYSI6")
    last = read("events", {"items": [], "paging": {"next": url}})
    assert last is not None
    assert last.after is None
    logs = read("logs", {"items": [{"event": "delivered"}], "pagination": {"next": "t/2"}})
    assert logs is not None
    assert logs.after == "t/2"


def test_what_is_no_event_is_left_out() -> None:
    page = read("events", {"items": [None, 7, {"event": "opened"}], "paging": {}})
    assert page is not None
    assert (page.items, page.after) == ([{"event": "opened"}], None)


@pytest.mark.parametrize(
    "document", [None, [], "text", {"items": []}, {"items": {}, "paging": {}}, {"paging": {}}]
)
def test_another_answer_is_no_page(document: Any) -> None:
    assert read("events", document) is None
