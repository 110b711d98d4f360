"""What Mailgun is asked, in the form that its two APIs are known to understand."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from consumer.adapters.mailgun.lookup_questions import Api, Question, question

SENT = 1_392_138_740.0  # Tue, 11 Feb 2014 17:12:20 UTC
OURS = "<a+17@alerts.example.com>"


def ask(api: Api, sent_at: float = SENT, now: float = SENT + 60) -> Question:
    return question(api, "alerts.example.com", OURS, sent_at=sent_at, now=now)


def query(asked: Question) -> dict[str, list[str]]:
    return parse_qs(urlsplit(asked.path).query, strict_parsing=True)


def test_events_are_asked_by_the_bare_id_oldest_first_with_begin_and_end() -> None:
    asked = ask("events")
    assert (asked.method, asked.body, asked.content_type) == ("GET", b"", "")
    assert urlsplit(asked.path).path == "/v3/alerts.example.com/events"
    assert query(asked) == {
        "message-id": ["a+17@alerts.example.com"],
        "begin": ["1392135140"],
        "end": ["1392142400"],
        "ascending": ["yes"],
        "limit": ["100"],
    }


def test_logs_are_asked_for_the_same() -> None:
    asked = ask("logs")
    assert (asked.method, asked.path) == ("POST", "/v1/analytics/logs")
    assert asked.content_type == "application/json"
    search = json.loads(asked.body)
    assert search["start"] == "Tue, 11 Feb 2014 16:12:20 +0000"
    assert search["end"] == "Tue, 11 Feb 2014 18:13:20 +0000"
    assert search["pagination"] == {"sort": "timestamp:asc", "limit": 100}
    rules = {rule["attribute"]: rule for rule in search["filter"]["AND"]}
    for attribute, value in (
        ("domain", "alerts.example.com"),
        ("message_id", "a+17@alerts.example.com"),
    ):
        assert rules[attribute]["comparator"] == "="
        assert rules[attribute]["values"] == [{"label": value, "value": value}]


@pytest.mark.parametrize("ahead", [0, 600])
def test_the_end_is_after_the_beginning_however_the_clocks_stand(ahead: int) -> None:
    asked = query(ask("events", sent_at=SENT + ahead, now=SENT))
    assert int(asked["end"][0]) == SENT + ahead + 3600
