"""An email as the bytes that a mail server is given. Pure.

Headers are written by hand: Python's own folding turns a long Message-Id into encoded words, and
the Message-Id has to arrive as what the other transport would have sent.
"""

import re
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate, parseaddr
from typing import Final

from consumer.domain.notification import Email

#: RFC 5321 4.5.3.1.6 and RFC 5322 2.1.1: no line is longer, its end not counted.
_MAX_LINE: Final = 998
_POLICY: Final = SMTP.clone(cte_type="7bit")
_LINE_START_DOT: Final = re.compile(rb"^\.", re.MULTILINE)


def message_bytes(email: Email, now: float) -> bytes:
    """RFC 5322 message with CRLF line ends, text and HTML as alternatives, all in ASCII."""
    headers = [
        ("Message-ID", email.message_id),
        ("Date", formatdate(now)),
        ("From", _address(email.sender)),
        ("To", _address(email.to)),
        ("Subject", email.subject),
    ]
    headers += [each for each in email.headers if each[0].lower() != "message-id"]
    head = b"".join(_header(name, value) for name, value in headers)
    return head + _body(email)


def transparent(message: bytes) -> bytes:
    """As it goes over the wire, without the final dot: RFC 5321 4.5.2."""
    end = b"" if message.endswith(b"\r\n") else b"\r\n"
    return _LINE_START_DOT.sub(b"..", message) + end


def bare_address(address: str) -> str:
    """`ops@example.org` of `Ops <ops@example.org>`."""
    return parseaddr(address)[1]


def _header(name: str, value: str) -> bytes:
    value = " ".join(value.split())
    if not value.isascii() or len(name) + len(value) + 2 > _MAX_LINE:
        value = Header(value, "utf-8", header_name=name).encode(linesep="\r\n")
    return f"{name}: {value}\r\n".encode("ascii", "replace")


def _address(address: str) -> str:
    """With a display name that is not ASCII as encoded words, and the address as it is."""
    name, bare = parseaddr(address)
    return formataddr((name, bare)) if bare.isascii() else address


def _body(email: Email) -> bytes:
    message = EmailMessage(_POLICY)
    message.set_content(email.text, cte="quoted-printable")
    if email.html:
        message.add_alternative(email.html, subtype="html", cte="quoted-printable")
    return message.as_bytes()
