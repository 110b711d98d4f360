"""Valid form → the mails that its recipients get. Pure apart from invented ids."""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cached_property, lru_cache

from consumer.sandbox.mailgun.addresses import Mailbox, parse_mailboxes
from consumer.sandbox.mailgun.form import Form
from consumer.sandbox.mailgun.mail import Header, Mail
from consumer.sandbox.mailgun.mime import MimeText, read_mime
from consumer.sandbox.mailgun.substitution import Personal, Verbatim
from consumer.sandbox.mailgun.switches import Switches
from consumer.sandbox.mailgun.validation import MAX_TAGS, delivery_time, recipient_variables

QUEUED = "Queued. Thank you."
"""What every accepted call is told."""

MAX_TAG_LENGTH = 128

_MESSAGE_ID = re.compile(r"<([!-;=?A-~]+@[!-;=?A-~]+)>")  # printable ASCII, one @
_TRUE = frozenset(("yes", "true"))


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted send: the id that answers it, without brackets, and its mails."""

    id: str
    mails: tuple[Mail, ...]


_AS_AT_FIRST = Switches()


def compose(form: Form, domain: str, now: float, switches: Switches = _AS_AT_FIRST) -> Call:
    """The form has passed validation. `now` is in Unix seconds."""
    return _Composer(form, domain, now, switches).call()


@lru_cache(16)
def _date(now: int) -> str:
    """For a header; many calls share their second."""
    return format_datetime(datetime.fromtimestamp(now, UTC))


def generated_id(domain: str, now: float) -> str:
    """An id of the form that Mailgun gives: UTC time, 16 hex digits, the domain."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d%H%M%S")
    return f"{stamp}.{secrets.token_hex(8)}@{domain}"


def accepted_tags(values: list[str]) -> tuple[str, ...]:
    """The tags that stay: distinct without regard to case, ASCII, at most 128 characters, at
    most ten. The others are dropped, unless a switch made the call refused."""
    distinct = {tag.lower(): tag for tag in reversed(values) if _is_tag(tag)}
    return tuple(reversed(distinct.values()))[:MAX_TAGS]


def _is_tag(tag: str) -> bool:
    return bool(tag) and tag.isascii() and len(tag) <= MAX_TAG_LENGTH


def _distinct(mailboxes: list[Mailbox], seen: set[str]) -> list[Mailbox]:
    """Without the addresses seen before: Mailgun ignores duplicates within a call."""
    fresh = []
    for mailbox in mailboxes:
        key = mailbox.address.lower()
        if key not in seen:
            seen.add(key)
            fresh.append(mailbox)
    return fresh


class _Composer:
    """What all mails of one call have in common, read once."""

    def __init__(self, form: Form, domain: str, now: float, switches: Switches) -> None:
        self.form, self.domain, self.now = form, domain, now
        self.switches = switches
        seen: set[str] = set()
        self.to = _distinct(parse_mailboxes(form.all("to")) or [], seen)
        self.copies = [
            *_distinct(parse_mailboxes(form.all("cc")) or [], seen),
            *_distinct(parse_mailboxes(form.all("bcc")) or [], seen),
        ]
        batch = "recipient-variables" in form.fields
        self.variables = recipient_variables(form) if batch else None
        self.batch_id = secrets.token_hex(12) if batch else None
        message = form.files.get("message")
        self.mime = message[0].content if message else None
        self.date = _date(int(now))
        self.tags = accepted_tags(form.all("o:tag"))
        self.options: dict[str, list[str]] = {}
        for name, value in form.prefixed("o:"):
            self.options.setdefault(name, []).append(value)
        self.test_mode = form.first("o:testmode").lower() in _TRUE
        scheduled = form.first("o:deliverytime")
        self.scheduled_for = delivery_time(scheduled) if scheduled else None
        self.headers = [*form.prefixed("h:")]
        self.data = [*form.prefixed("v:")]
        self.attachments = tuple(
            upload for name in ("attachment", "inline") for upload in form.files.get(name, ())
        )

    @cached_property
    def fallback_id(self) -> str:
        return generated_id(self.domain, self.now)

    def call(self) -> Call:
        mails = tuple(self._mails())
        ids = {mail.message_id for mail in mails}
        # Ids that differ by recipient cannot all be the one id of the answer.
        return Call(ids.pop() if len(ids) == 1 else self.fallback_id, mails)

    def _mails(self) -> Iterator[Mail]:
        if self.variables is None:
            header = ", ".join(self.form.all("to"))
            yield from self._personal_mails(Verbatim(), header, [*self.to, *self.copies])
            return
        for mailbox in self.to:
            personal = Personal(
                mailbox,
                self.variables.get(mailbox.address.lower(), {}),
                missing_is_empty=self.switches.missing_variable == "empty",
            )
            # In batch sending every copy address gets a copy of every recipient's mail.
            yield from self._personal_mails(personal, str(mailbox), [mailbox, *self.copies])

    def _personal_mails(
        self, personal: Personal, to: str, mailboxes: list[Mailbox]
    ) -> Iterator[Mail]:
        """One message with its placeholders filled in, in the mailbox of each recipient."""
        form, fill = self.form, personal.fill
        mime = read_mime(self.mime, fill) if self.mime is not None else MimeText()
        custom = [(name, fill(value)) for name, value in self.headers]
        variables = {name: fill(value) for name, value in self.data}
        from_ = ", ".join(form.all("from")) or mime.header("from")
        tags, options = self.tags, self.options
        if self.switches.substitutes_from:
            from_ = fill(from_)
        if self.switches.substitutes_options:
            tags = tuple(map(fill, tags))
            options = {name: [*map(fill, values)] for name, values in options.items()}
        subject = fill(form.first("subject")) or mime.header("subject")
        cc = ", ".join(form.all("cc")) or mime.header("cc")
        to = mime.header("to") or to
        message_id = self._message_id(custom, mime)
        standard = [("From", from_), ("To", to), ("Cc", cc), ("Subject", subject)]
        standard += [("Message-Id", f"<{message_id}>"), ("Date", self.date)]
        senders = parse_mailboxes([from_])
        mail = Mail(
            domain=self.domain,
            message_id=message_id,
            recipient=mailboxes[0].address,
            sender=senders[0].address if senders else "",
            from_=from_,
            to=to,
            cc=cc,
            subject=subject,
            text=fill(form.first("text")) or mime.text,
            html=fill(form.first("html")) or mime.html,
            headers=(*_merged(standard, custom, mime), *self._mailgun_headers(variables)),
            variables=variables,
            tags=tags,
            options=options,
            attachments=self.attachments,
            test_mode=self.test_mode,
            scheduled_for=self.scheduled_for,
            batch_id=self.batch_id,
            raw=mime.raw,
        )
        yield mail
        for mailbox in mailboxes[1:]:
            yield replace(mail, recipient=mailbox.address)

    def _message_id(self, custom: list[Header], mime: MimeText) -> str:
        """The caller's id if it is well formed; Mailgun replaces others without a word."""
        given = [value for name, value in custom if name.lower() == "message-id"]
        match = _MESSAGE_ID.fullmatch(given[0] if given else mime.header("message-id"))
        return match[1] if match else self.fallback_id

    def _mailgun_headers(self, variables: dict[str, str]) -> list[Header]:
        """Mailgun's own headers, which a caller may suppress."""
        headers = [("X-Mailgun-Tag", tag) for tag in self.tags]
        if variables:
            headers.append(("X-Mailgun-Variables", json.dumps(variables)))
        suppressed = self.form.first("o:suppress-headers").lower().replace(" ", "").split(",")
        if "all" in suppressed:
            return []
        return [header for header in headers if header[0].lower() not in suppressed]


def _merged(standard: list[Header], custom: list[Header], mime: MimeText) -> list[Header]:
    """Custom headers win over standard ones, and both over those of a MIME message. The
    Message-Id is settled before."""
    custom = [header for header in custom if header[0].lower() != "message-id"]
    replaced = {name.lower() for name, _ in custom}
    headers = [header for header in standard if header[1] and header[0].lower() not in replaced]
    present = replaced | {name.lower() for name, _ in headers}
    headers += [header for header in mime.headers if header[0].lower() not in present]
    return headers + custom
