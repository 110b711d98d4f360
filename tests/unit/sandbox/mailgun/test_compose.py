"""Form → mails: Message-Id, batch expansion, headers, tags."""

import json
import re
from typing import Any

import pytest

from consumer.sandbox.mailgun.compose import Call, accepted_tags, compose
from consumer.sandbox.mailgun.form import Form, Upload
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW, make_form

GENERATED = re.compile(r"20260101000000\.[0-9a-f]{16}@alerts\.example\.com")


def composed(**changes: Any) -> Call:
    return compose(make_form(**changes), DOMAIN, NOW)


@pytest.mark.parametrize("name", ["h_Message_Id", "h_Message_ID", "h_message_id"])
def test_a_well_formed_message_id_is_adopted(name: str) -> None:
    call = composed(**{name: "<a-17.1@alerts.example.com>"})

    assert call.id == "a-17.1@alerts.example.com"
    assert call.mails[0].message_id == call.id
    assert ("Message-Id", f"<{call.id}>") in call.mails[0].headers
    assert sum(header.lower() == "message-id" for header, _ in call.mails[0].headers) == 1


@pytest.mark.parametrize(
    "value",
    [
        "a-17",
        "a-17@alerts.example.com",
        "<a-17>",
        "<a b@example.com>",
        "<a@b@example.com>",
        "<@example.com>",
        "<\u00e4@example.com>",
        "<a@example.com> <b@example.com>",
        "",
    ],
)
def test_a_malformed_message_id_is_replaced_without_a_word(value: str) -> None:
    call = composed(h_Message_Id=value)

    assert GENERATED.fullmatch(call.id)
    assert call.mails[0].message_id == call.id


def test_recipients_of_a_plain_call_share_the_id_and_see_each_other() -> None:
    call = composed(to=["a@example.org, b@example.org"], cc="c@example.org", bcc="d@example.org")

    assert [mail.recipient[0] for mail in call.mails] == ["a", "b", "c", "d"]
    assert {mail.to for mail in call.mails} == {"a@example.org, b@example.org"}
    assert {mail.message_id for mail in call.mails} == {call.id}
    assert not any("d@example.org" in value for _, value in call.mails[0].headers)


def test_an_address_gets_one_mail_per_call() -> None:
    call = composed(to="a@example.org, A@Example.org", cc="a@example.org")

    assert [mail.recipient for mail in call.mails] == ["a@example.org"]


def batch(**changes: Any) -> Call:
    variables = {
        "a@example.org": {"name": "Ann", "mid": "a-1@alerts.example.com", "v:key": "1"},
        "b@example.org": {"name": "Bob", "mid": "b-1@alerts.example.com", "v:key": "2"},
    }
    values = {
        "to": ["Ann Bee <a@example.org>", "b@example.org"],
        "subject": "Hello %recipient.name%",
        "text": "%recipient.name% %recipient% %recipient_email% %recipient_fname% %recipient.no%",
        "html": "<p>%recipient.name%</p>",
        "h_Message_Id": "<%recipient.mid%>",
        "h_X_Name": "%recipient.name%",
        "v_key": "%recipient.v:key%",
        "recipient_variables": json.dumps(variables),
    }
    return composed(**(values | changes))


def test_batch_fills_in_subject_bodies_headers_and_variables_for_each_recipient() -> None:
    ann, bob = batch().mails

    assert (ann.subject, bob.subject) == ("Hello Ann", "Hello Bob")
    assert ann.text == "Ann Ann Bee <a@example.org> a@example.org Ann %recipient.no%"
    assert bob.html == "<p>Bob</p>"
    assert ("X-Name", "Bob") in bob.headers
    assert (ann.variables, bob.variables) == ({"key": "1"}, {"key": "2"})


def test_batch_recipients_see_themselves_alone() -> None:
    ann, bob = batch().mails

    assert (ann.to, bob.to) == ("Ann Bee <a@example.org>", "b@example.org")
    assert ann.batch_id
    assert ann.batch_id == bob.batch_id


def test_batch_gives_each_recipient_an_id_and_the_call_another() -> None:
    call = batch()

    assert [mail.message_id[:3] for mail in call.mails] == ["a-1", "b-1"]
    assert GENERATED.fullmatch(call.id)


def test_batch_with_one_common_id_answers_with_it() -> None:
    call = batch(h_Message_Id="<same@alerts.example.com>")

    assert {mail.message_id for mail in call.mails} == {call.id} == {"same@alerts.example.com"}


def test_batch_sends_every_recipients_mail_to_every_copy_address() -> None:
    call = batch(cc="c@example.org")

    assert [(mail.recipient[0], mail.subject) for mail in call.mails] == [
        ("a", "Hello Ann"),
        ("c", "Hello Ann"),
        ("b", "Hello Bob"),
        ("c", "Hello Bob"),
    ]


def test_an_empty_object_is_batch_too() -> None:
    call = batch(recipient_variables="{}")

    assert [mail.to for mail in call.mails] == ["Ann Bee <a@example.org>", "b@example.org"]
    assert call.mails[0].subject == "Hello %recipient.name%"


def test_nothing_is_filled_in_outside_batch() -> None:
    assert composed(subject="%recipient.name%").mails[0].subject == "%recipient.name%"


def test_a_custom_header_replaces_the_standard_one_and_may_repeat() -> None:
    mail = composed(h_Subject="Other", h_X_A=["1", "2"]).mails[0]

    assert [value for name, value in mail.headers if name == "Subject"] == ["Other"]
    assert [value for name, value in mail.headers if name == "X-A"] == ["1", "2"]


def test_mailguns_own_headers_can_be_suppressed() -> None:
    shown = composed(o_tag="t", v_x="1").mails[0].headers
    one_hidden = composed(o_tag="t", v_x="1", o_suppress_headers="X-Mailgun-Tag").mails[0].headers
    hidden = composed(o_tag="t", v_x="1", o_suppress_headers="all").mails[0].headers

    assert ("X-Mailgun-Tag", "t") in shown
    assert ("X-Mailgun-Variables", '{"x": "1"}') in shown
    assert [name for name, _ in one_hidden if name.startswith("X-")] == ["X-Mailgun-Variables"]
    assert not any(name.startswith("X-Mailgun") for name, _ in hidden)


def test_tags_are_distinct_ascii_short_and_at_most_ten() -> None:
    many = [f"t{number}" for number in range(12)]

    assert accepted_tags(["a", "A", "\u00e4", "x" * 129, ""]) == ("a",)
    assert accepted_tags(many) == tuple(many[:10])


@pytest.mark.parametrize(("value", "test_mode"), [("yes", True), ("True", True), ("no", False)])
def test_test_mode(value: str, test_mode: bool) -> None:
    assert composed(o_testmode=value).mails[0].test_mode is test_mode


def test_a_mime_message_brings_its_own_headers_id_and_bodies() -> None:
    content = (
        b"From: Alarms <alarms@alerts.example.com>\r\nTo: ops@example.org\r\nSubject: From MIME\r\n"
        b"Message-ID: <mime-1@alerts.example.com>\r\nX-Own: yes\r\n"
        b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hi</p>\r\n"
    )
    form = Form({"to": ["ops@example.org"]}, {"message": [Upload("m", "message/rfc822", content)]})

    call = compose(form, DOMAIN, NOW)

    mail = call.mails[0]
    assert call.id == mail.message_id == "mime-1@alerts.example.com"
    assert (mail.subject, mail.sender) == ("From MIME", "alarms@alerts.example.com")
    assert (mail.text, mail.html.strip()) == ("", "<p>Hi</p>")
    assert ("X-Own", "yes") in mail.headers
    assert mail.raw == content
