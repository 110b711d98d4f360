"""Answers to a lookup: only one that is understood to its last item may say "nothing of it"."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.adapters.mailgun.lookup_questions import LIMIT, Api
from consumer.adapters.mailgun.lookup_replies import read
from consumer.adapters.mailgun.verdict import MAX_TEXT, Verdict
from consumer.domain.reasons import Kind, Reason

NOW = 1_392_138_740.0
BARE = "a-17@alerts.example.com"
OURS = f"<{BARE}>"
RECIPIENT = "oncall@example.com"

FOUND = (Kind.ACCEPTED, Reason.FOUND)
REJECTED = (Kind.FAILED, Reason.PROVIDER_REJECTED)
NOTHING = (Kind.IN_DOUBT, Reason.NOT_FOUND)
UNCERTAIN = (Kind.DEFERRED, Reason.UNREADABLE_ANSWER)
UNREADABLE = (Kind.DEFERRED, Reason.UNREADABLE_ANSWER)
MISCONFIGURED = (Kind.DEFERRED, Reason.CONFIGURATION)
THROTTLED = (Kind.DEFERRED, Reason.THROTTLED)
SERVER_ERROR = (Kind.DEFERRED, Reason.SERVER_ERROR)


def item(event: str, message_id: str = BARE, **more: Any) -> dict[str, Any]:
    headers = {"message-id": message_id, "to": more.get("recipient", RECIPIENT)}
    return {"event": event, "recipient": RECIPIENT, "message": {"headers": headers}, **more}


def rejected(**more: Any) -> dict[str, Any]:
    """As Mailgun has it: without a recipient."""
    reject = {"reason": "Sandbox", "description": "recipient is not authorised"}
    whole = item("rejected", **{"reject": reject, **more})
    del whole["recipient"]
    return whole


def page(*items: Any) -> dict[str, Any]:
    return {"items": list(items), "paging": {"next": "u"}, "pagination": {"total": len(items)}}


def answer(body: object, status: int = 200, api: Api = "events", **headers: str) -> Verdict:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read(api, status, named, content, message_id=OURS, recipient=RECIPIENT, now=NOW)


def outcome(body: object, status: int = 200, api: Api = "events") -> tuple[Kind, Reason]:
    said = answer(body, status, api)
    assert said.code == status
    return said.kind, said.reason


# A page


@pytest.mark.parametrize("api", ["events", "logs"])
@pytest.mark.parametrize(
    "event", ["accepted", "delivered", "failed", "opened", "complained", "something new"]
)
def test_whatever_happened_to_it_mailgun_has_it(event: str, api: Api) -> None:
    said = answer(page(item(event)), api=api)
    assert (said.kind, said.reason) == FOUND
    assert said.message == f"Mailgun has it: {event}"
    assert said.provider_id == OURS


def test_all_that_happened_is_told_once() -> None:
    said = answer(page(item("accepted"), item("failed"), item("failed"), item("delivered")))
    assert said.message == "Mailgun has it: accepted, failed, delivered"


def test_only_rejections_mean_that_it_was_thrown_away() -> None:
    said = answer(page(rejected(), rejected(reject={"reason": "Second", "description": None})))
    assert (said.kind, said.reason) == REJECTED
    assert said.message == "Mailgun took it and then rejected it: Second"
    assert said.provider_id == OURS
    assert "Sandbox: recipient is not authorised" in answer(page(rejected())).message
    assert "without a reason" in answer(page(rejected(reject=None))).message


@pytest.mark.parametrize("items", [("r", "a"), ("a", "r")])
def test_one_attempt_rejected_and_one_accepted_is_accepted(items: tuple[str, ...]) -> None:
    known = {"r": rejected(), "a": item("accepted")}
    said = answer(page(*(known[name] for name in items)))
    assert (said.kind, said.message) == (Kind.ACCEPTED, "Mailgun has it: accepted")


def test_no_item_of_ours_is_nothing() -> None:
    other = item("accepted", message_id="b-18@alerts.example.com")
    assert outcome(page()) == NOTHING
    assert outcome(page(other, rejected(message={"headers": {"message-id": "c@d"}}))) == NOTHING


def batch_itself(**changes: Any) -> dict[str, Any]:
    """Mailgun logs one more acceptance for a batch as such; what it looks like is unknown."""
    whole = item("accepted", "%recipient.message_id%", batch={"id": "6596f5d1a2b3c4d5e6f70819"})
    del whole["recipient"]
    return {**whole, **changes}


_GENERATED = "20260101120000.1618e01bf42da9fa@alerts.example.com"


@pytest.mark.parametrize(
    ("changes", "alone"),
    [
        ({}, NOTHING),
        ({"message": {"headers": {"message-id": _GENERATED}}}, NOTHING),
        ({"recipient": RECIPIENT}, NOTHING),
        ({"recipient": f"{RECIPIENT}, other@example.com"}, NOTHING),
        # The email's own acceptance may be on its way: it cannot be said that there is none.
        ({"message": {}}, UNCERTAIN),
        ({"message": {"headers": {"to": RECIPIENT}}}, UNCERTAIN),
        ({"recipient": [RECIPIENT]}, UNCERTAIN),
        # The batch by the name of one of its emails: so that one was taken.
        ({"message": {"headers": {"message-id": BARE}}}, FOUND),
    ],
)
def test_what_is_logged_of_a_batch_as_such_hides_no_email_of_it(
    changes: dict[str, Any], alone: tuple[Kind, Reason]
) -> None:
    extra = batch_itself(**changes)
    assert outcome(page(extra, item("accepted"))) == FOUND
    assert outcome(page(extra)) == alone


def test_ids_are_compared_without_brackets_and_case() -> None:
    said = answer(page(item("accepted", message_id=f"<{BARE.upper()}>")))
    assert (said.kind, said.provider_id) == (Kind.ACCEPTED, OURS.upper())


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("OnCall@Example.COM", FOUND),
        ("other@example.com", UNCERTAIN),
        ("oncall@example.com.example.org", UNCERTAIN),
    ],
)
def test_the_recipient_is_compared_without_case(
    recipient: str, expected: tuple[Kind, Reason]
) -> None:
    """Our Message-Id with an address that is none of ours is not "not there"."""
    assert outcome(page(item("accepted", recipient=recipient))) == expected


def test_mail_handed_on_to_another_address_is_still_ours() -> None:
    handed_on = item("delivered") | {"recipient": "member@example.org"}
    assert outcome(page(handed_on)) == FOUND


def test_a_domain_may_be_written_in_either_form() -> None:
    shown = item("accepted", recipient="ops@xn--bcher-kva.example")
    body = json.dumps(page(shown)).encode()
    said = read("events", 200, {}, body, message_id=OURS, recipient="ops@bücher.example", now=NOW)
    assert said.kind is Kind.ACCEPTED


def test_no_page_says_nothing_while_an_item_is_not_understood() -> None:
    """A changed API must not look like mail that never arrived."""
    odd: dict[str, Any] = {"event": "accepted", "msg": {"id": BARE}}
    assert outcome(page(odd)) == UNREADABLE
    assert outcome(page(odd, rejected())) == UNREADABLE
    assert outcome(page(odd, item("accepted"))) == FOUND


def test_a_full_page_of_others_says_nothing() -> None:
    """Ours may be on the next one: the filter was not honoured."""
    others = [item("accepted", message_id=f"{n}@alerts.example.com") for n in range(LIMIT)]
    assert outcome(page(*others)) == UNREADABLE
    assert outcome(page(*others[1:])) == NOTHING
    assert outcome(page(*others[1:], item("delivered"))) == FOUND


# No page


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"<html><title>Login to the hotel network</title></html>",
        b'{"items": [], "pag',
        b"[" * 60_000,
        [],
        {},
        {"items": []},
        {"items": None, "paging": {}, "pagination": {}},
        {"items": {}, "paging": {}, "pagination": {}},
        {"items": ["accepted"], "paging": {}, "pagination": {}},
        {"id": OURS, "message": "Queued. Thank you."},
    ],
)
@pytest.mark.parametrize("api", ["events", "logs"])
def test_a_200_that_is_no_page_is_no_answer(body: object, api: Api) -> None:
    assert outcome(body, api=api) == UNREADABLE


def test_the_other_apis_page_is_no_answer() -> None:
    assert outcome({"items": [], "pagination": {}}, api="events") == UNREADABLE
    assert outcome({"items": [], "paging": {}}, api="logs") == UNREADABLE


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (200, b"Mailgun Magnificent API", "mailgun.domain and mailgun.base_url"),
        (302, b"", "mailgun.base_url"),
        (401, b"Forbidden", "check mailgun.lookup_key: it must be allowed to read events"),
        (403, {"message": "Forbidden"}, "check mailgun.lookup_key: it must be allowed"),
        (404, {"message": "Domain not found: d"}, "the region in mailgun.base_url"),
        (400, {"message": "'message_id' is not valid"}, "the other mailgun.lookup_api"),
    ],
)
def test_a_wrong_configuration_is_told_with_what_to_do(
    status: int, body: object, advice: str
) -> None:
    assert outcome(body, status) == MISCONFIGURED
    assert advice in answer(body, status).message


@pytest.mark.parametrize("status", [420, 429, 403])
def test_throttling_names_the_time(status: int) -> None:
    body = {"message": "Domain d is not allowed to send: request limit exceeded, try again in 90"}
    said = answer(body, status)
    assert (said.kind, said.reason, said.retry_at) == (*THROTTLED, NOW + 90)


def test_throttling_may_name_its_time_in_a_header_or_not_at_all() -> None:
    assert answer({}, 429, retry_after="7").retry_at == NOW + 7
    assert answer({}, 429).retry_at is None


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
def test_mailguns_own_faults(status: int) -> None:
    assert outcome(b"<html>Bad Gateway</html>", status) == SERVER_ERROR


@pytest.mark.parametrize("status", [101, 201, 204, 600])
def test_statuses_that_mean_nothing(status: int) -> None:
    assert outcome(page(), status) == UNREADABLE


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    status=st.integers(100, 599),
    body=st.binary() | json_values | st.builds(page, json_values),
)
def test_whatever_else_comes_is_deferred_and_told_on_one_line(status: int, body: object) -> None:
    said = answer(body, status)
    assert said.kind is Kind.DEFERRED
    assert len(said.message) <= 2 * MAX_TEXT
    assert "\n" not in said.message
