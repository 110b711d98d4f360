"""What one call of Mailgun came to, in the words that logs and tracking share. Pure."""

from typing import Final

import msgspec

from consumer.adapters.mailgun.answers import Reply
from consumer.domain.reasons import Kind, Reason

#: Longest text of an answer that goes into a message.
MAX_TEXT: Final = 300


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The fields mean what they mean in `SendResult`."""

    kind: Kind
    reason: Reason
    message: str
    code: int | None = None
    provider_id: str | None = None
    retry_at: float | None = None


def verdict(
    kind: Kind,
    reason: Reason,
    reply: Reply,
    *,
    advice: str = "",
    retry_at: float | None = None,
) -> Verdict:
    """With status and words of the reply, and what the operator should do about it, if anything."""
    said = f": {reply.text}" if reply.text else " without a text"
    message = clipped(f"HTTP {reply.status}{said}")
    return Verdict(
        kind=kind,
        reason=reason,
        message=f"{message} ({advice})" if advice else message,
        code=reply.status,
        retry_at=retry_at,
    )


def clipped(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
