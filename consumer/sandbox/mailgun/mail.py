"""The values that travel from a send to the mailbox. Frozen; no I/O."""

from dataclasses import dataclass
from typing import Any

from consumer.sandbox.mailgun.form import Upload

Header = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message as one recipient gets it, after substitution."""

    domain: str
    """The sending domain of the call."""
    message_id: str
    """Without the angle brackets."""
    recipient: str
    """Whose mailbox this is; a bare address."""
    sender: str
    """Bare address of From."""
    from_: str
    to: str
    """The To header: everybody of a plain call, this recipient alone of a batch call."""
    cc: str
    subject: str
    text: str
    html: str
    headers: tuple[Header, ...]
    """All headers, the standard ones first."""
    variables: dict[str, str]
    tags: tuple[str, ...]
    options: dict[str, list[str]]
    """The o: parameters as they came, without the prefix."""
    attachments: tuple[Upload, ...]
    test_mode: bool
    scheduled_for: float | None
    """Unix seconds of o:deliverytime."""
    batch_id: str | None
    """The same for all mails of one batch call."""
    raw: bytes | None
    """The MIME text of a messages.mime call."""
    subaccount: str = ""
    """In whose name it was sent; empty: the account's own."""
    template: str = ""
    """The stored template that it was made from; empty: none."""

    @property
    def size(self) -> int:
        """Bytes, near enough: what the content weighs."""
        content = len(self.text) + len(self.html) + len(self.subject) + len(self.raw or b"")
        return (
            content
            + sum(len(name) + len(value) + 4 for name, value in self.headers)
            + sum(len(upload.content) for upload in self.attachments)
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """A mail in the mailbox. `sequence` counts from 1 and never repeats."""

    sequence: int
    accepted_at: float
    key: str
    """The storage key of Mailgun's API."""
    mail: Mail

    def as_json(self) -> dict[str, Any]:
        """What the control interface shows of it."""
        mail = self.mail
        return {
            "sequence": self.sequence,
            "accepted_at": self.accepted_at,
            "storage_key": self.key,
            "domain": mail.domain,
            "message_id": mail.message_id,
            "recipient": mail.recipient,
            "from": mail.from_,
            "to": mail.to,
            "cc": mail.cc,
            "subject": mail.subject,
            "text": mail.text,
            "html": mail.html,
            "headers": mail.headers,
            "variables": mail.variables,
            "tags": mail.tags,
            "options": mail.options,
            "attachments": [
                {
                    "filename": upload.filename,
                    "content-type": upload.content_type,
                    "size": len(upload.content),
                }
                for upload in mail.attachments
            ],
            "test_mode": mail.test_mode,
            "scheduled_for": mail.scheduled_for,
            "batch_id": mail.batch_id,
            "subaccount": mail.subaccount,
        }
