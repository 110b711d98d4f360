"""What we post: an email and its route's options as the form fields of Mailgun's messages call.

Pure. The body is urlencoded UTF-8: smaller and simpler than multipart, which only attachments
need, and taken by Mailgun as well.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from consumer.domain.notification import Email, SendOptions

Field = tuple[str, str]

#: Mailgun takes 16 kB of `o:`, `h:` and `v:` fields. Whether names count, and which kilobyte is
#: meant, is not documented: we count names and values, and the smaller one.
OPTIONS_LIMIT_BYTES: Final = 16_000
#: Mailgun keeps ten tags of a message, each up to 128 ASCII characters.
MAX_TAGS: Final = 10
MAX_TAG_LENGTH: Final = 128

_UNRESERVED: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~"


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """The fields to post, in order, and the names of those left out to stay within the limit."""

    fields: Sequence[Field]
    dropped: Sequence[str] = ()


def form_of(email: Email, options: SendOptions) -> Form:
    """The form for one email.

    Options go in by importance as long as they fit: Message-Id, flags, tags, headers, then the
    email's variables, each group in its own order. So what is left out first are variables, and
    the Message-Id never is: it is what a send in doubt is looked up by.
    """
    fields = [("from", email.sender), ("to", email.to), ("subject", email.subject)]
    fields += [(name, text) for name in ("text", "html") if (text := getattr(email, name))]
    dropped = []
    room = OPTIONS_LIMIT_BYTES
    for name, value in _by_importance(email, options):
        size = len(name.encode(errors="replace")) + len(value.encode(errors="replace"))
        if size > room:
            dropped.append(name)
            continue
        room -= size
        fields.append((name, value))
    return Form(fields=fields, dropped=dropped)


def encode(fields: Sequence[Field]) -> bytes:
    """The form as `application/x-www-form-urlencoded` bytes."""
    return b"&".join(_quoted(name) + b"=" + _quoted(value) for name, value in fields)


def _by_importance(email: Email, options: SendOptions) -> Iterator[Field]:
    yield "h:Message-Id", email.message_id
    if options.test_mode:
        yield "o:testmode", "yes"
    if not options.tracking:
        # Both: the clicks option alone overrides the domain's setting and keeps links as they are.
        yield "o:tracking", "no"
        yield "o:tracking-clicks", "no"
    for tag in _tags(email, options):
        yield "o:tag", tag
    for name, value in email.headers:
        # Sent twice, Mailgun adds a third of its own.
        if name.lower() != "message-id":
            yield f"h:{name}", value
    for name, value in email.variables:
        yield f"v:{name}", value


def _tags(email: Email, options: SendOptions) -> Sequence[str]:
    """The email's tags, then the route's; Mailgun compares them without case."""
    unique: dict[str, str] = {}
    for tag in (*email.tags, *options.tags):
        ascii_tag = tag.encode("ascii", "replace").decode()[:MAX_TAG_LENGTH].strip()
        if ascii_tag:
            unique.setdefault(ascii_tag.lower(), ascii_tag)
    return list(unique.values())[:MAX_TAGS]


def _quoted(text: str) -> bytes:
    """Percent-encoded as `urllib.parse.quote_plus` does, at a quarter of its time.

    One replacement for each distinct byte instead of one look-up for each byte of the text: for
    an email of 10 kB 0.1 ms instead of 0.4, in a sender that spends about 1 ms of processor time
    on a call. What UTF-8 cannot say (a lone surrogate) becomes a question mark.
    """
    raw = text.encode(errors="replace")
    unsafe = set(raw.translate(None, _UNRESERVED + b" %"))
    raw = raw.replace(b"%", b"%25")
    for byte in unsafe:
        raw = raw.replace(bytes((byte,)), b"%%%02X" % byte)
    return raw.replace(b" ", b"+")
