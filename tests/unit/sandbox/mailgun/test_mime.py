"""The source of a stored mail is MIME that others can read."""

from email import message_from_bytes, policy
from typing import Any

import pytest

from consumer.sandbox.mailgun.compose import compose
from consumer.sandbox.mailgun.form import Upload
from consumer.sandbox.mailgun.mime import source_of
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW, make_form


def parsed(**changes: Any) -> Any:
    mail = compose(make_form(**changes), DOMAIN, NOW).mails[0]
    return message_from_bytes(source_of(mail), policy=policy.default)


@pytest.mark.parametrize(
    ("changes", "content_type"),
    [
        ({}, "text/plain"),
        ({"html": "<p>Hi</p>", "text": None}, "text/html"),
        ({"html": "<p>Hi</p>"}, "multipart/alternative"),
        (
            {"files": {"attachment": [Upload("a.bin", "application/x-a", b"\x00")]}},
            "multipart/mixed",
        ),
    ],
)
def test_the_parts_that_were_sent_are_there(changes: dict[str, Any], content_type: str) -> None:
    message = parsed(**changes)

    assert message.get_content_type() == content_type
    assert not message.defects


def test_names_and_subjects_beyond_ascii_are_encoded() -> None:
    message = parsed(subject="Grüße ✓", to="Jürgen <j@example.org>")

    assert message["subject"] == "Grüße ✓"
    assert message["to"].addresses[0].display_name == "Jürgen"


def test_a_line_break_in_a_value_starts_no_header() -> None:
    message = parsed(subject="a\r\nBcc: b@example.org")

    assert message["bcc"] is None
    assert message["subject"] == "a Bcc: b@example.org"
