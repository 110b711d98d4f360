"""MIME in both directions: the file of `messages.mime`, and the source of a stored mail."""

from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import Header as EncodedHeader
from email.message import EmailMessage

from consumer.sandbox.mailgun.addresses import parse_mailbox, split_list
from consumer.sandbox.mailgun.mail import Header, Mail

_ADDRESS_HEADERS = frozenset(("from", "to", "cc", "reply-to"))


@dataclass(frozen=True, slots=True)
class MimeText:
    """What we show of a MIME message; all empty for a message that is not MIME."""

    headers: tuple[Header, ...] = ()
    text: str = ""
    html: str = ""
    raw: bytes | None = None

    def header(self, name: str) -> str:
        """The first value of the header, or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name), "")


def read_mime(content: bytes, fill: Callable[[str], str]) -> MimeText:
    """Parse MIME after `fill` has replaced the recipient's placeholders in it."""
    content = fill(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    message = message_from_bytes(content, policy=policy.default)
    return MimeText(
        headers=tuple((name, str(value)) for name, value in message.items()),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        raw=content,
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None or part.get_content_subtype() != kind:
        return ""
    try:
        return str(part.get_content())
    except LookupError:  # an unknown charset
        return part.as_string()


def source_of(mail: Mail) -> bytes:
    """The mail as it goes over SMTP."""
    if mail.raw is not None:
        return mail.raw
    body = EmailMessage(policy=policy.SMTP)
    if mail.text or not mail.html:
        body.set_content(mail.text)
    if mail.html and mail.text:
        body.add_alternative(mail.html, subtype="html")
    elif mail.html:
        body.set_content(mail.html, subtype="html")
    for upload in mail.attachments:
        main, _, sub = upload.content_type.partition(";")[0].partition("/")
        body.add_attachment(
            upload.content, maintype=main, subtype=sub or "octet-stream", filename=upload.filename
        )
    # The headers are written by hand: the library refuses a repeated or an odd one, and an
    # odd one is what somebody looks for here.
    head = "".join(f"{name}: {_encoded(name, value)}\r\n" for name, value in mail.headers)
    return head.encode("ascii", "replace") + body.as_bytes()


def _encoded(name: str, value: str) -> str:
    value = " ".join(value.splitlines())
    if value.isascii():
        return value
    if name.lower() in _ADDRESS_HEADERS:
        mailboxes = [parse_mailbox(piece) for piece in split_list(value)]
        return ", ".join(str(mailbox) for mailbox in mailboxes if mailbox)
    return EncodedHeader(value, "utf-8", header_name=name).encode(linesep="\r\n")
