"""One answer for many emails: what it means for all of them, and what it teaches."""

import json

import pytest

from consumer.adapters.mailgun.batch_replies import BatchVerdict, read
from consumer.domain.reasons import Kind, Reason

NOW = 1_392_138_740.0  # Tue, 11 Feb 2014 17:12:20 UTC
OURS = tuple(f"<m{number}@alerts.example.com>" for number in range(500))
NOT_ALLOWED = "Domain d.example is not allowed to send"


def reply(status: int, body: bytes | object, headers: dict[str, str] | None = None) -> BatchVerdict:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(status, headers or {}, content, message_ids=OURS, now=NOW)


def said(status: int, text: str) -> BatchVerdict:
    return reply(status, {"message": text})


@pytest.mark.parametrize(
    ("status", "text", "at_most"),
    [
        (400, "to parameter is not a valid address. please check documentation", None),
        (400, "'recipient-variables' parameter is not a valid JSON", None),
        (400, "Too many recipients, max is 1000", 499),
        (400, "Too many recipients, max is 100", 100),
        (400, "too many recipients, max is 0", 0),
        (402, "Request failed", None),
        (403, f"{NOT_ALLOWED} large batches yet", 10),
        (413, "request size exceeds 52.4MiB limit", None),
        (418, "what is this", None),
    ],
)
def test_a_refusal_is_of_the_batch_and_never_of_its_emails(
    status: int, text: str, at_most: int | None
) -> None:
    answer = said(status, text)
    assert (answer.verdict.kind, answer.verdict.reason) == (Kind.DEFERRED, Reason.BATCH_REFUSED)
    assert answer.verdict.message == f"HTTP {status}: {text}"
    assert answer.at_most == at_most


def test_a_small_batch_that_is_still_too_large_teaches_less_than_itself() -> None:
    body = json.dumps({"message": f"{NOT_ALLOWED} large batches yet"}).encode()
    assert read(403, {}, body, message_ids=OURS[:4], now=NOW).at_most == 3


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (200, b"Mailgun Magnificent API", Kind.DEFERRED, Reason.CONFIGURATION),
        (302, b"", Kind.DEFERRED, Reason.CONFIGURATION),
        (401, b"Forbidden", Kind.DEFERRED, Reason.CONFIGURATION),
        (403, b"Forbidden", Kind.DEFERRED, Reason.CONFIGURATION),
        (404, b"", Kind.DEFERRED, Reason.CONFIGURATION),
        (400, b'{"message": "from parameter is missing"}', Kind.DEFERRED, Reason.CONFIGURATION),
        (200, b'{"message": "Queu', Kind.IN_DOUBT, Reason.UNREADABLE_ANSWER),
        (408, b"", Kind.IN_DOUBT, Reason.SERVER_ERROR),
        (502, b"<html>", Kind.IN_DOUBT, Reason.SERVER_ERROR),
        (420, b"", Kind.DEFERRED, Reason.THROTTLED),
        (429, b'{"message": "large batches"}', Kind.DEFERRED, Reason.THROTTLED),
    ],
)
def test_what_is_no_refusal_means_what_it_means_for_one_email(
    status: int, body: bytes, kind: Kind, reason: Reason
) -> None:
    answer = reply(status, body)
    assert (answer.verdict.kind, answer.verdict.reason) == (kind, reason)
    assert answer.at_most is None


def test_the_time_to_wait_is_kept() -> None:
    text = f"{NOT_ALLOWED}: recipient limit exceeded, try again after 120 seconds"
    assert said(420, text).verdict.retry_at == NOW + 120


@pytest.mark.parametrize(
    "batch_id", [OURS[0], OURS[7].strip("<>"), "<%recipient.message_id%>", "%recipient.message_id%"]
)
def test_an_answer_with_an_id_of_ours_says_nothing_more(batch_id: str) -> None:
    answer = reply(200, {"id": batch_id, "message": "Queued. Thank you."}).verdict
    assert (answer.kind, answer.reason) == (Kind.ACCEPTED, Reason.QUEUED)
    assert answer.message == "Queued. Thank you."
    assert answer.provider_id is None, "each email has its own"


def test_an_id_that_mailgun_gave_the_batch_is_told() -> None:
    theirs = "<20260101120000.1618e01bf42da9fa@alerts.example.com>"
    answer = reply(200, {"id": theirs, "message": "Queued. Thank you."}).verdict
    assert answer.kind is Kind.ACCEPTED
    assert answer.message == f"Queued. Thank you. Mailgun calls the batch {theirs}."
