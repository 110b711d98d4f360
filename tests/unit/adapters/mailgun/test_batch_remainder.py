"""A call that goes beyond a limit is refused whole: what is left of the limit is used after all."""

import json

import pytest

from consumer.adapters.mailgun.batch_replies import BatchVerdict, read
from consumer.domain.reasons import Kind, Reason

NOW = 1_392_138_740.0
OURS = tuple(f"<m{number}@alerts.example.com>" for number in range(64))


def throttled(why: str, remaining: str | None, emails: int = 64) -> BatchVerdict:
    text = f"Domain d is not allowed to send: {why} limit exceeded, try again after 120 seconds"
    headers = {} if remaining is None else {"X-RateLimit-Remaining": remaining}
    body = json.dumps({"message": text}).encode()
    return read(429, headers, body, message_ids=OURS[:emails], now=NOW)


@pytest.mark.parametrize(
    ("why", "remaining", "at_most"),
    [("recipient", "36", 36), ("recipient", "900", 32), ("bytes", "36", 32), ("bytes", "900", 32)],
)
def test_a_smaller_call_may_fit_until_the_limit_begins_anew(
    why: str, remaining: str, at_most: int
) -> None:
    answer = throttled(why, remaining)
    assert (answer.verdict.kind, answer.verdict.reason) == (Kind.DEFERRED, Reason.BATCH_REFUSED)
    assert (answer.at_most, answer.until) == (at_most, NOW + 120)


@pytest.mark.parametrize(
    ("why", "remaining", "emails"),
    [
        ("recipient", "0", 64),
        ("recipient", None, 64),
        ("recipient", "many", 64),
        ("recipient", "9" * 40, 64),
        ("recipient", "36", 1),
        ("request", "36", 64),
        ("account-requests-per-sec", "36", 64),
    ],
)
def test_where_nothing_is_known_to_be_left_all_wait(
    why: str, remaining: str | None, emails: int
) -> None:
    answer = throttled(why, remaining, emails)
    assert (answer.verdict.reason, answer.verdict.retry_at) == (Reason.THROTTLED, NOW + 120)
    assert answer.at_most is None
