"""Every text that Mailgun refuses a send with, and what must not be refused."""

from typing import Any

import pytest

from consumer.sandbox.mailgun.form import Form, Upload
from consumer.sandbox.mailgun.validation import (
    delivery_time,
    problem_of_message,
    problem_of_mime,
    recipient_variables,
)
from tests.unit.sandbox.mailgun.support import NOW, make_form

NOT_VALID = "parameter is not a valid address. please check documentation"
NO_BODY = "Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified"
TOO_LONG = "Send options (parameters starting with o:, h:, or v:) are limited to 16 kB total"
NO_JSON = "'recipient-variables' parameter is not a valid JSON"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"from_": None}, "from parameter is missing"),
        ({"from_": ""}, "from parameter is missing"),
        ({"to": None}, "to parameter is missing"),
        ({"to": ""}, "to parameter is missing"),
        ({"from_": None, "to": None, "text": None}, "from parameter is missing"),
        ({"text": None}, NO_BODY),
        ({"html": "<p>", "template": "t"}, "Only one parameters 'html' or 'template' is allowed"),
        ({"from_": "nobody"}, f"from {NOT_VALID}"),
        ({"to": "nobody"}, f"to {NOT_VALID}"),
        ({"to": ["a@example.org", "b@example.org, c"]}, f"to {NOT_VALID}"),
        ({"to": " , "}, f"to {NOT_VALID}"),
        ({"cc": "a@b@c"}, f"cc {NOT_VALID}"),
        ({"bcc": "<a@example.org"}, f"bcc {NOT_VALID}"),
        ({"v_x": "x" * 16 * 1024}, TOO_LONG),
        ({"h_X_A": "x" * 8192, "o_tag": "x" * 8192}, TOO_LONG),
        ({"h_X_Gr\u00fc\u00df": "x"}, "Header name must be pure ASCII: X-Gr\u00fc\u00df"),
        ({"o_deliverytime": "tomorrow"}, "tomorrow is not an RFC-2822 compliant date"),
        (
            {"o_deliverytime": "2026-01-01T00:00Z"},
            "2026-01-01T00:00Z is not an RFC-2822 compliant date",
        ),
        ({"o_deliver_within": "soon"}, "invalid delivery time format"),
        ({"o_deliver_within": ""}, "invalid delivery time format"),
        ({"o_deliverytime_optimize_period": "2d"}, "invalid delivery time format"),
        (
            {"o_time_zone_localize": "25:00"},
            "25:00 invalid 24 hour time(value of 'o:time-zone-localize')",
        ),
        ({"o_secondary_dkim": "nothing"}, "nothing is not a valid secondary dkim domain name"),
        ({"recipient_variables": "{"}, NO_JSON),
        ({"recipient_variables": "[]"}, NO_JSON),
        ({"recipient_variables": '{"a@example.org": 1}'}, NO_JSON),
    ],
)
def test_a_wrong_message_is_refused_in_mailguns_words(
    changes: dict[str, Any], problem: str
) -> None:
    assert problem_of_message(make_form(**changes)) == problem


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"text": None, "html": "<p>"},
        {"text": None, "amp_html": "<p>"},
        {"text": None, "template": "t", "from_": None},
        {"text": ""},
        {"subject": None},
        {"v_x": "x" * (16 * 1024 - 3)},
        {"o_deliverytime": "Thu, 01 Jan 2026 00:00:00 GMT"},
        {"o_deliverytime": "1767225600"},
        {"o_deliver_within": "1h30m"},
        {"o_deliver_within": "30m"},
        {"o_deliverytime_optimize_period": "24h"},
        {"o_time_zone_localize": "23:59"},
        {"o_time_zone_localize": "02:30PM"},
        {"o_secondary_dkim": "example.com/s1"},
        {"recipient_variables": "{}"},
    ],
)
def test_what_mailgun_takes_is_taken(changes: dict[str, Any]) -> None:
    assert problem_of_message(make_form(**changes)) is None


def test_the_limit_of_a_thousand_recipients_counts_to_cc_and_bcc() -> None:
    to = [f"r{number}@example.org" for number in range(998)]

    assert problem_of_message(make_form(to=to, cc="c@example.org", bcc="b@example.org")) is None
    assert (
        problem_of_message(make_form(to=to, cc="c@example.org", bcc="b@e.org, d@e.org"))
        == "Too many recipients, max is 1000"
    )


@pytest.mark.parametrize(
    ("fields", "files", "problem"),
    [
        ({}, {}, "message parameter is missing"),
        ({"message": ["Subject: x"]}, {}, "'message' parameter is not a file"),
        ({}, {"message": [Upload("m.eml", "message/rfc822", b"Subject: x\r\n\r\n")]}, None),
    ],
)
def test_a_mime_call_needs_a_file(
    fields: dict[str, list[str]], files: dict[str, list[Upload]], problem: str | None
) -> None:
    assert problem_of_mime(Form({"to": ["a@example.org"], **fields}, files)) == problem


def test_a_mime_call_needs_recipients() -> None:
    assert problem_of_mime(Form()) == "to parameter is missing"


@pytest.mark.parametrize(
    "date",
    [
        "Thu, 01 Jan 2026 00:00:00 +0000",
        "Thu, 01 Jan 2026 01:00:00 +0100",
        "Thu, 01 Jan 2026 00:00:00 -0000",
        "1767225600",
    ],
)
def test_a_delivery_time_is_a_date_or_seconds(date: str) -> None:
    assert delivery_time(date) == NOW


def test_recipient_variables_become_text_under_lower_case_addresses() -> None:
    form = make_form(recipient_variables='{"Ops@Example.org": {"a": 1, "b": "x", "c": true}}')

    assert recipient_variables(form) == {"ops@example.org": {"a": "1", "b": "x", "c": "true"}}
