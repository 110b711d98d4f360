"""Which emails may share a call, and that each comes out as a call of its own would bring it."""

import json
from typing import Any

import pytest
from hypothesis import given

from consumer.adapters.mailgun import batch
from consumer.adapters.mailgun.batch import NotTogether, batch_of
from consumer.adapters.mailgun.payload import form_of
from consumer.domain.notification import Email, SendOptions
from tests.support.factories import make_email
from tests.unit.adapters.mailgun.batches import DOMAIN, filled_in, make_emails, nasty_emails


def together(email: Email, **options: Any) -> object:
    return batch.together(email, SendOptions(**options), DOMAIN)


def fields(emails: list[Email]) -> dict[str, str]:
    return {name: value.decode() for name, value in batch_of(emails, SendOptions())}


@given(nasty_emails())
def test_each_mail_is_what_a_call_of_its_own_would_make(emails: list[Email]) -> None:
    options = SendOptions(test_mode=True, tags=("phase-1",))
    able = [email for email in emails if batch.together(email, options, DOMAIN) is not None]
    assert len({batch.together(email, options, DOMAIN) for email in able}) <= 1
    if able:
        single = [list(form_of(email, options).fields) for email in able]
        assert filled_in(batch_of(able, options)) == single


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "disk %recipient.uid% full"},
        {"text": "100%recipient%"},
        {"html": "<b>%recipient_email%</b>"},
        {"headers": (("X-Alarm-Id", "%recipient.text%"),)},
        {"variables": (("uid", "%recipient"),)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_looks_like_a_placeholder_goes_alone(changes: dict[str, Any]) -> None:
    """It would be filled in, or might be, and no way of writing it reads the same."""
    assert together(make_email(**changes)) is None


@pytest.mark.parametrize("text", ["95 % %", "%unsubscribe", "recipient.x%", "% recipient.x%"])
def test_other_percent_signs_do_no_harm(text: str) -> None:
    assert together(make_email(text=text)) is not None


@pytest.mark.parametrize(
    "address",
    [
        '"on call"@example.com',
        '"oncall"@example.com',
        "b\u00f6b@example.com",
        "oncall@b\u00fccher.example",
        "on%call@example.com",
        "a@example.com,b@example.com",
        "On Call <oncall@example.com>",
        "not an address",
        f"oncall@{DOMAIN}",
        f"OnCall@{DOMAIN.upper()}",
    ],
)
def test_an_address_that_mailgun_may_write_in_another_way_goes_alone(address: str) -> None:
    assert together(make_email(to=address)) is None


@pytest.mark.parametrize(
    "address", ["On.Call+1@Example.COM", "o'neil@example.com", "a@xn--bcher-kva.example"]
)
def test_plain_addresses_share_a_call(address: str) -> None:
    assert together(make_email(to=address)) == together(make_email())


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": (("References", "r" * 5_000),)},
        {"variables": (("v" * 5_000, ""),)},
        {"variables": (("uid", "\U0001f525" * 4_000),)},
    ],
)
def test_what_may_not_fit_into_the_options_goes_alone(changes: dict[str, Any]) -> None:
    assert together(make_email(**changes)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "Others <others@example.org>"},
        {"tags": ("warning",)},
        {"headers": (("Auto-Submitted", "auto-generated"),)},
        {"variables": (("uid", "x"), ("more", ""))},
        {"text": ""},
        {"html": ""},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_a_call_says_once_has_to_be_the_same(changes: dict[str, Any]) -> None:
    assert together(make_email(**changes)) not in (None, together(make_email()))


def test_so_do_the_routes_options() -> None:
    email = make_email()
    ways: list[dict[str, Any]] = [
        {},
        {"test_mode": True},
        {"tracking": True},
        {"tags": ("phase-1",)},
    ]
    assert len({together(email, **way) for way in ways}) == len(ways)
    assert together(email, tags=["phase-1"]) == together(email, tags=("phase-1",))


def test_what_is_the_same_for_all_is_sent_once() -> None:
    made = fields(make_emails(3))
    assert made["to"] == "person0@example.com,person1@example.com,person2@example.com"
    assert made["text"] == make_email().text
    assert made["v:state"] == "CRITICAL"
    assert made["h:Message-Id"] == "<%recipient.message_id%>"
    assert made["v:uid"] == "%recipient.v:uid%"
    assert json.loads(made["recipient-variables"])["person1@example.com"] == {
        "message_id": f"m1@{DOMAIN}",
        "v:uid": "u-1",
    }


@pytest.mark.parametrize(
    ("second", "why"),
    [
        ({"to": "PERSON0@Example.com"}, "one address"),
        ({"sender": "others@example.org"}, "do not share from"),
        ({"tags": ("warning",)}, "do not share o:tag"),
        ({"tags": ()}, "the same fields"),
        ({"html": ""}, "the same fields"),
        ({"variables": (("uid", "x" * 20_000),)}, "more options"),
        ({"subject": "half a pair \ud83d"}, "half a character"),
    ],
)
def test_what_is_no_batch_is_not_made_one(second: dict[str, Any], why: str) -> None:
    first, other = make_emails(2)
    changed = make_email(**{"to": other.to, "variables": other.variables} | second)
    with pytest.raises(NotTogether, match=why):
        batch_of([first, changed], SendOptions())
