"""Every status and text that Mailgun is known to answer, and what we make of it."""

import json
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.adapters.mailgun.replies import read
from consumer.adapters.mailgun.verdict import MAX_TEXT, Verdict
from consumer.domain.reasons import Kind, Reason

NOW = 1_392_138_740.0  # Tue, 11 Feb 2014 17:12:20 UTC
OURS = "<a-17@alerts.example.com>"

ACCEPTED = (Kind.ACCEPTED, Reason.QUEUED)
REFUSED = (Kind.FAILED, Reason.PROVIDER_REJECTED)
THROTTLED = (Kind.DEFERRED, Reason.THROTTLED)
MISCONFIGURED = (Kind.DEFERRED, Reason.CONFIGURATION)
SERVER_ERROR = (Kind.IN_DOUBT, Reason.SERVER_ERROR)
UNREADABLE = (Kind.IN_DOUBT, Reason.UNREADABLE_ANSWER)


def reply(status: int, body: bytes | object, headers: dict[str, str] | None = None) -> Verdict:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(status, headers or {}, content, message_id=OURS, now=NOW)


class Row(NamedTuple):
    status: int
    body: object
    expected: tuple[Kind, Reason]


def said(status: int, text: str, expected: tuple[Kind, Reason]) -> Row:
    return Row(status, {"message": text}, expected)


NOT_ALLOWED = "Domain d.example is not allowed to send: "
TABLE = [
    Row(200, {"id": OURS, "message": "Queued. Thank you."}, ACCEPTED),
    Row(200, {"id": OURS, "message": "Queued"}, ACCEPTED),
    Row(200, b"Mailgun Magnificent API", MISCONFIGURED),
    Row(200, b"", UNREADABLE),
    Row(200, b"OK", UNREADABLE),
    Row(200, b"<html><title>Login to the hotel network</title></html>", UNREADABLE),
    Row(200, b'{"id": "<a-17@alerts.exa', UNREADABLE),
    Row(200, b"[" * 60_000, UNREADABLE),
    Row(200, {"message": "Queued. Thank you."}, UNREADABLE),
    Row(200, {"id": "", "message": "Queued. Thank you."}, UNREADABLE),
    Row(200, {"id": 17, "message": "Queued. Thank you."}, UNREADABLE),
    Row(200, {"id": OURS, "message": "Rejected"}, UNREADABLE),
    Row(200, {"id": OURS, "message": None}, UNREADABLE),
    Row(200, ["Queued"], UNREADABLE),
    Row(201, {"id": OURS, "message": "Created"}, UNREADABLE),
    Row(202, b"", UNREADABLE),
    Row(204, b"", UNREADABLE),
    Row(101, b"", UNREADABLE),
    Row(600, b"", UNREADABLE),
    Row(301, b"<h1>Moved</h1>", MISCONFIGURED),
    Row(302, b"", MISCONFIGURED),
    Row(307, b"", MISCONFIGURED),
    Row(308, {"message": "moved"}, MISCONFIGURED),
    said(400, "from parameter is missing", MISCONFIGURED),
    said(400, "to parameter is missing", REFUSED),
    said(400, "message parameter is missing", REFUSED),
    said(400, "'message' parameter is not a file", REFUSED),
    said(
        400,
        "Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified",
        REFUSED,
    ),
    said(400, "Only one parameters 'html' or 'template' is allowed", REFUSED),
    said(
        400,
        "Send options (parameters starting with o:, h:, or v:) are limited to 16 kB total",
        REFUSED,
    ),
    said(400, "Too many recipients, max is 1000", REFUSED),
    said(400, "Header name must be pure ASCII: h\u00f6he", REFUSED),
    said(400, "tomorrow is not an RFC-2822 compliant date", REFUSED),
    said(400, "invalid delivery time format", REFUSED),
    said(400, "25:00 invalid 24 hour time(value of 'o:time-zone-localize')", REFUSED),
    said(400, "to parameter is not a valid address. please check documentation", REFUSED),
    said(400, "'recipient-variables' parameter is not a valid JSON", REFUSED),
    said(400, "malformed multipart/form-data request", REFUSED),
    said(400, "unable to parse request: invalid URL escape", REFUSED),
    said(400, "unable to parse request: unexpected EOF", REFUSED),
    said(400, "is not a valid secondary dkim domain name", REFUSED),
    said(400, NOT_ALLOWED + "Sandbox subdomains are for test purposes only. Please", MISCONFIGURED),
    said(400, NOT_ALLOWED + "Free accounts are for test purposes only. Please", MISCONFIGURED),
    said(
        400,
        NOT_ALLOWED + "The domain is unverified and requires DNS configuration. Log in",
        MISCONFIGURED,
    ),
    said(400, NOT_ALLOWED + "Please activate your Mailgun account. Check", MISCONFIGURED),
    Row(400, b"<html>The plain HTTP request was sent to HTTPS port</html>", MISCONFIGURED),
    Row(400, b"bad request", REFUSED),
    Row(400, b"", REFUSED),
    Row(401, b"Forbidden", MISCONFIGURED),
    Row(401, b'"Forbidden"', MISCONFIGURED),
    said(401, "Invalid private key", MISCONFIGURED),
    said(402, "Request failed", REFUSED),
    Row(402, {"Reason": "Please upgrade your account"}, MISCONFIGURED),
    said(403, "Domain d.example is not allowed to send large batches yet", MISCONFIGURED),
    said(403, "Rejected: IP 192.0.2.7 can't be used to send the message", MISCONFIGURED),
    Row(403, b"Forbidden", MISCONFIGURED),
    said(404, "Domain not found: d.example", MISCONFIGURED),
    Row(404, {"error": "not found"}, MISCONFIGURED),
    Row(404, b"404 page not found", MISCONFIGURED),
    Row(405, b"<html>Method Not Allowed</html>", MISCONFIGURED),
    said(405, "Method not allowed", REFUSED),
    said(408, "request timeout", SERVER_ERROR),
    Row(409, {"Description": "conflict"}, REFUSED),
    said(413, "request size exceeds 52.4MiB limit", REFUSED),
    Row(413, b"<html>Request Entity Too Large</html>", REFUSED),
    said(418, "what is this", REFUSED),
    said(420, NOT_ALLOWED + "recipient limit exceeded, try again after 60 seconds", THROTTLED),
    said(420, "slow down", THROTTLED),
    Row(420, b"Enhance your calm", THROTTLED),
    said(429, NOT_ALLOWED + "request limit exceeded, try again after 60 seconds", THROTTLED),
    Row(429, {"retry-seconds": 60}, THROTTLED),
    Row(429, b"", THROTTLED),
    # A limit is a limit, whatever the status beside it.
    said(403, NOT_ALLOWED + "bytes limit exceeded, try again after 60 seconds", THROTTLED),
    said(500, "Internal Server Error", SERVER_ERROR),
    Row(500, b"Mailgun Magnificent API", SERVER_ERROR),
    Row(502, b"<html><h1>502 Bad Gateway</h1></html>", SERVER_ERROR),
    Row(503, b"", SERVER_ERROR),
    Row(504, b"upstream timed out", SERVER_ERROR),
    Row(599, b"", SERVER_ERROR),
]


@pytest.mark.parametrize(
    "row", TABLE, ids=lambda row: f"{row.status} {str(row.body)[:60]}".replace("::", ":")
)
def test_each_known_answer_has_one_meaning(row: Row) -> None:
    verdict = reply(row.status, row.body)
    assert (verdict.kind, verdict.reason) == row.expected
    assert verdict.code == row.status
    assert verdict.message


AFTER = "Domain d.example is not allowed to send: recipient limit exceeded, try again after "


@pytest.mark.parametrize(
    ("headers", "body", "retry_at"),
    [
        ({"Retry-After": "90"}, {}, NOW + 90),
        ({"retry-after": "1.5"}, {}, NOW + 1.5),
        ({"Retry-After": "Tue, 11 Feb 2014 17:13:20 GMT"}, {}, NOW + 60),
        ({"X-RateLimit-Reset": "1392138800"}, {}, NOW + 60),
        ({"X-RateLimit-Reset": "1392138745.25"}, {}, NOW + 5.25),
        ({}, {"message": AFTER + "Tue, 11 Feb 2014 17:14:20 UTC"}, NOW + 120),
        ({}, {"message": AFTER + "Tue, 11 Feb 2014 17:14:20 UTC."}, NOW + 120),
        ({}, {"message": AFTER + "Tue, 11 Feb 2014 18:14:20 +0100"}, NOW + 120),
        ({}, {"message": AFTER + "Tue, 11 Feb 2014 17:14:20"}, NOW + 120),
        ({}, {"message": AFTER + "120 seconds"}, NOW + 120),
        ({}, {"message": AFTER + "1 second."}, NOW + 1),
        ({}, {"retry-seconds": 60}, NOW + 60),
        ({}, {"retry-seconds": "60"}, NOW + 60),
        # Headers before text, Retry-After before the rest.
        ({"Retry-After": "5", "X-RateLimit-Reset": "1392138800"}, {"retry-seconds": 9}, NOW + 5),
        ({"X-RateLimit-Reset": "1392138800"}, {"message": AFTER + "9 seconds"}, NOW + 60),
        # What cannot be believed is passed over: past, nonsense, milliseconds, for ever.
        ({"Retry-After": "0"}, {"retry-seconds": 7}, NOW + 7),
        ({"Retry-After": "soon"}, {"message": AFTER + "7 seconds"}, NOW + 7),
        ({"Retry-After": "-5"}, {}, None),
        ({"Retry-After": "86401"}, {}, None),
        ({"X-RateLimit-Reset": "1392138800000"}, {}, None),
        ({"X-RateLimit-Reset": "60"}, {}, None),
        ({"X-RateLimit-Reset": "nan"}, {}, None),
        ({"X-RateLimit-Reset": "inf"}, {}, None),
        ({}, {"message": AFTER + "Mon, 20 Dec 2010 20:33:21 UTC"}, None),
        ({}, {"message": AFTER + "lunch"}, None),
        ({}, {"retry-seconds": None}, None),
        ({}, {"message": "slow down"}, None),
    ],
)
@pytest.mark.parametrize("status", [420, 429])
def test_the_time_to_wait_is_found_wherever_it_stands(
    status: int, headers: dict[str, str], body: object, retry_at: float | None
) -> None:
    assert reply(status, body, headers).retry_at == retry_at


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"message": "to parameter is missing"}', "HTTP 418: to parameter is missing"),
        (b'{"Reason": "no plan"}', "HTTP 418: no plan"),
        (b'{"Description": "conflict"}', "HTTP 418: conflict"),
        (b'{"error": "not found"}', "HTTP 418: not found"),
        (b'{"Field": "to", "Value": "x"}', "HTTP 418: to: x"),
        (b'{"message": {"to": ["bad"]}}', 'HTTP 418: {"to":["bad"]}'),
        (b'{"message": "", "error": "second"}', "HTTP 418: second"),
        (b'"Forbidden"', "HTTP 418: Forbidden"),
        (b"plain  text\r\nof \x1b[31mtwo lines", "HTTP 418: plain text of [31mtwo lines"),
        (b"[1, 2]", "HTTP 418: [1, 2]"),
        (b"\xff\xfe", "HTTP 418: \ufffd\ufffd"),
        (b"", "HTTP 418 without a text"),
    ],
)
def test_the_words_of_every_envelope_are_kept(body: bytes, text: str) -> None:
    assert reply(418, body).message == text


def test_html_is_told_in_words() -> None:
    page = b"""<!DOCTYPE html><html><head><style>h1 { color: red }</style>
        <script>alert("<b>")</script></head>
        <body><h1>502 Bad&nbsp;Gateway</h1><hr><center>nginx &amp; co</center></body></html>"""
    assert reply(502, page).message == "HTTP 502: 502 Bad Gateway nginx & co"


@pytest.mark.parametrize("body", [b"<" * 60_000, b"<script" * 9_000, b"x" * 60_000])
def test_a_long_answer_is_cut(body: bytes) -> None:
    assert len(reply(502, body).message) <= MAX_TEXT


def test_an_accepted_email_has_the_providers_id() -> None:
    verdict = reply(200, {"id": OURS, "message": "Queued. Thank you."})
    assert verdict.provider_id == OURS
    assert verdict.message == "Queued. Thank you."


def test_brackets_do_not_make_another_id() -> None:
    verdict = reply(200, {"id": OURS.strip("<>"), "message": "Queued. Thank you."})
    assert verdict.message == "Queued. Thank you."


def test_another_id_than_ours_is_accepted_and_told() -> None:
    theirs = "<20260101120000.1618e01bf42da9fa@alerts.example.com>"
    verdict = reply(200, {"id": theirs, "message": "Queued. Thank you."})
    assert (verdict.kind, verdict.provider_id) == (Kind.ACCEPTED, theirs)
    assert theirs in verdict.message
    assert OURS in verdict.message


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (401, b"Forbidden", "mailgun.api_key"),
        (404, b'{"message": "Domain not found: d"}', "mailgun.domain"),
        (200, b"Mailgun Magnificent API", "mailgun.domain"),
        (302, b"", "mailgun.base_url"),
        (400, b"<html>proxy</html>", "mailgun.base_url"),
    ],
)
def test_a_configuration_error_says_what_to_look_at(status: int, body: bytes, advice: str) -> None:
    assert advice in reply(status, body).message


_BODIES = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=100).map(lambda text: text.encode(errors="replace")),
    st.dictionaries(
        st.sampled_from(["id", "message", "Reason", "Field", "Value", "retry-seconds"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    ).map(lambda value: json.dumps(value).encode()),
    st.text(max_size=60).map(lambda text: json.dumps({"message": AFTER + text}).encode()),
)
_HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "X-RateLimit-Reset", "Content-Type"]),
    st.text(max_size=40)
    | st.datetimes().map(lambda date: date.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    | st.integers().map(str)
    | st.floats().map(str),
)


@given(st.integers(0, 1000), _HEADERS, _BODIES)
def test_no_answer_is_without_a_verdict(status: int, headers: dict[str, str], body: bytes) -> None:
    verdict = read(status, headers, body, message_id=OURS, now=NOW)
    assert (verdict.kind is Kind.ACCEPTED) == (verdict.provider_id is not None)
    assert verdict.retry_at is None or verdict.retry_at > NOW
    assert "\n" not in verdict.message
    if 500 <= status < 600:
        assert verdict.kind is Kind.IN_DOUBT
