"""An email as the bytes and the addresses that a mail server is given. Pure.

Headers are written by hand: Python's own folding turns a long Message-Id into encoded words, and
the Message-Id has to arrive as what the other transport would have sent.
"""

import re
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate, parseaddr
from typing import Final

import msgspec

from consumer.domain.notification import Email

#: RFC 5321 4.5.3.1.6 and RFC 5322 2.1.1: no line is longer, its end not counted.
_MAX_LINE: Final = 998
_POLICY: Final = SMTP.clone(cte_type="7bit")
_LINE_START_DOT: Final = re.compile(rb"^\.", re.MULTILINE)
#: All that a reader, or Python, may take for the end of a line.
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: What the commands can carry: ASCII without space. Local parts beyond it are refused much
#: earlier (`consumer/domain/address.py`), so there is no SMTPUTF8 here.
_SENDABLE: Final = re.compile(r"[!-~]+@[!-~]+")


class Envelope(msgspec.Struct, frozen=True):
    """The two bare addresses that a server is told."""

    sender: str
    recipient: str


def wire_address(address: str) -> str | None:
    """`ops@xn--mnchen-3ya.example` of `Ops <ops@münchen.example>`; None: there is none."""
    local, at, domain = parseaddr(address)[1].rpartition("@")
    try:
        domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    bare = f"{local}{at}{domain}"
    return bare if _SENDABLE.fullmatch(bare) else None


def message_bytes(email: Email, envelope: Envelope, now: float) -> bytes:
    """RFC 5322 message with CRLF line ends, text and HTML as alternatives, all in ASCII."""
    headers = [
        ("Message-ID", _text("Message-ID", email.message_id)),
        ("Date", formatdate(now)),
        ("From", _named("From", email.sender, envelope.sender)),
        ("To", _named("To", email.to, envelope.recipient)),
        ("Subject", _text("Subject", email.subject)),
    ]
    for name, value in email.headers:
        if name.lower() != "message-id":
            headers.append((name, _text(name, value)))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return head.encode("ascii") + _body(email)


def transparent(message: bytes) -> bytes:
    """As it goes over the wire, without the final dot: RFC 5321 4.5.2."""
    end = b"" if message.endswith(b"\r\n") else b"\r\n"
    return _LINE_START_DOT.sub(b"..", message) + end


def _text(name: str, value: str) -> str:
    """The value of header `name`, on one line wherever that may be."""
    value = _BREAKS.sub(" ", value)
    if value.isascii() and len(name) + len(value) + 2 <= _MAX_LINE:
        return value
    return _encoded(name, value)


def _named(header: str, address: str, bare: str) -> str:
    """The bare address with the display name of `address`."""
    name = _BREAKS.sub(" ", parseaddr(address)[0])
    return formataddr((name, bare)) if name.isascii() else f"{_encoded(header, name)} <{bare}>"


def _encoded(header: str, value: str) -> str:
    """As encoded words (RFC 2047), one on each line."""
    return Header(value, "utf-8", header_name=header).encode(linesep="\r\n")


def _body(email: Email) -> bytes:
    message = EmailMessage(_POLICY)
    message.set_content(email.text, cte="quoted-printable")
    if email.html:
        message.add_alternative(email.html, subtype="html", cte="quoted-printable")
    return message.as_bytes()
