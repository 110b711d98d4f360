"""The message and the envelope: what a person reads, and what nobody may slip in."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any

import pytest

from consumer.adapters.smtp.mime import Envelope, message_bytes, transparent, wire_address
from tests.support.factories import make_email

ENVELOPE = Envelope("alarms@alerts.example.com", "oncall@example.com")
NOW = 1_392_138_740.0


def made(**changes: Any) -> bytes:
    return message_bytes(make_email(**changes), ENVELOPE, NOW)


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_everything_a_person_reads_survives_the_way() -> None:
    content = made(
        sender="Alärme <alarms@alerts.example.com>",
        subject="Platte voll: größer als 90\u00a0% – Ω",
        text=".\n.. a dot at the start\nö\n",
        html="<p>ö</p>",
    )
    message = parsed(content)
    assert message["From"] == "Alärme <alarms@alerts.example.com>"
    assert message["To"] == "oncall@example.com"
    assert message["Subject"] == "Platte voll: größer als 90\u00a0% – Ω"
    assert message["Date"] == "Tue, 11 Feb 2014 17:12:20 -0000"
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().replace("\r\n", "\n") == ".\n.. a dot at the start\nö\n"
    assert html.get_content().strip() == "<p>ö</p>"
    assert content.isascii()


def test_headers_go_along_in_order_and_as_they_are() -> None:
    """Ids above all: they are compared byte by byte."""
    root = f"<{'r' * 120}@example.com>"
    headers = (("X-Alarm-State", "CRITICAL"), ("References", root), ("X-Alarm-Id", "alBodyM4tc"))
    head = made(headers=headers).partition(b"\r\n\r\n")[0].decode()
    wanted = "\r\n".join(f"{name}: {value}" for name, value in headers)
    assert wanted in head
    assert f"Message-ID: {make_email().message_id}\r\n" in head


def test_an_email_has_one_message_id() -> None:
    message = parsed(made(headers=(("Message-Id", "<other@example.com>"),)))
    assert message.get_all("Message-ID") == [make_email().message_id]


@pytest.mark.parametrize(
    "text",
    ["Ω" * 900, "a word " * 300, "x" * 2000, "a, b; c (d) <e>: ä\u2028b\x0bc"],
    ids=["wide", "words", "one word", "specials"],
)
def test_no_line_is_longer_than_a_server_takes(text: str) -> None:
    content = made(subject=text, sender="Ω" * 400 + " <alarms@alerts.example.com>", text=text)
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    # The new parser of Python 3.11 shows the blanks between encoded words, the old one does not.
    old = message_from_bytes(content)
    sender, subject = (str(make_header(decode_header(old[name]))) for name in ("From", "Subject"))
    assert sender == "Ω" * 400 + " <alarms@alerts.example.com>"
    assert subject.split() == text.split()


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028"])
@pytest.mark.parametrize("wide", ["", "Ω"], ids=["ascii", "encoded"])
def test_no_header_can_be_smuggled_in(line_end: str, wide: str) -> None:
    smuggled = f"x{wide}{line_end}Bcc: everybody@example.com{line_end}{line_end}hello"
    content = made(
        message_id=f"<a@b>{line_end}Bcc: a@b.example",
        sender=f"x{wide}{line_end}Bcc: a@b.example <alarms@alerts.example.com>",
        subject=smuggled,
        headers=(("X-A", smuggled),),
    )
    message = message_from_bytes(content)
    assert message["Bcc"] is None
    assert [name for name, _ in message.items()] == [
        *("Message-ID", "Date", "From", "To", "Subject", "X-A", "MIME-Version", "Content-Type")
    ]
    assert "Bcc: everybody@example.com hello" in parsed(content)["Subject"]


@pytest.mark.parametrize("text", [".", "a\r.\rb", "a\n.\n.\nb", "a\r\n.\r\nMAIL FROM:<x@y>\r\n"])
def test_no_end_of_data_can_be_smuggled_in(text: str) -> None:
    """A lone CR or LF would be the end of a line to some servers."""
    wire = transparent(made(text=text, html=""))
    assert b"\r\n.\r\n" not in wire + b"more"
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert b"\r" not in wire.replace(b"\r\n", b"")
    assert wire.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("address", "bare"),
    [
        ("ops@example.org", "ops@example.org"),
        ("Ops <ops@example.org>", "ops@example.org"),
        ('"Ops, night" <ops@example.org>', "ops@example.org"),
        ("ops@localhost", "ops@localhost"),
        ("Ops <ops@münchen.example>", "ops@xn--mnchen-3ya.example"),
        ('"o@p>s"@example.org', '"o@p>s"@example.org'),
        ("öps@example.org", None),
        ("ops", None),
        ("", None),
        (f"ops@{'ü' * 70}.example", None),
        ("o ps@example.org\r\n", None),
    ],
)
def test_the_address_on_the_wire(address: str, bare: str | None) -> None:
    assert wire_address(address) == bare
