"""What a mail server's answers mean. Pure: step, code and text in, a result out.

RFC 5321 says which command an answer belongs to (4.3.2), RFC 3463 the finer words beside it:

=============================  ================================================================
250 after the final dot        accepted: the server is responsible now (RFC 5321 6.1)
no answer after the final dot  in doubt: it may have the email, and cannot be asked
no connection, or it is lost   deferred: without the final dot nothing was accepted
  before the final dot
421, 4xx about us              deferred: the server's own trouble
4xx about the email            deferred: greylisting, a full mailbox, a limit
5xx about us (greeting, TLS,   deferred: the operator's mistake must not lose alarms
  login, sender)
5xx about the email            failed: recipient, content or size were refused
  (recipient, content)
=============================  ================================================================
"""

import re
from enum import StrEnum
from typing import Final

import msgspec

from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind, Reason

#: Longest text of an answer that goes into a message.
MAX_TEXT: Final = 300

#: RFC 3463: class, subject, detail.
_ENHANCED: Final = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
#: RFC 4954 6: what concerns our login, at whatever step it is said.
_LOGIN: Final = frozenset({530, 534, 535, 538})


class Step(StrEnum):
    """How far a conversation got."""

    CONNECT = "connect"
    GREETING = "greeting"
    TLS = "TLS"
    LOGIN = "login"
    SENDER = "MAIL FROM"
    RECIPIENT = "RCPT TO"
    DATA = "DATA"
    END = "end of data"


#: From here on the server talks about the email, not about us.
_ABOUT_THE_EMAIL: Final = frozenset({Step.RECIPIENT, Step.DATA, Step.END})


class Reply(msgspec.Struct, frozen=True):
    """One answer."""

    code: int
    text: str

    @property
    def is_positive(self) -> bool:
        return 200 <= self.code < 400


def read(step: Step, reply: Reply, message_id: str) -> SendResult:
    """What an answer means: a refusal at any step, or the last word of all."""
    if step is Step.END and reply.is_positive:
        return _result(Kind.ACCEPTED, Reason.QUEUED, step, reply, message_id)
    if 400 <= reply.code < 500:
        # A greylisted recipient says nothing against the server.
        about_us = reply.code == 421 or step not in _ABOUT_THE_EMAIL
        reason = Reason.SERVER_ERROR if about_us else Reason.THROTTLED
        return _result(Kind.DEFERRED, reason, step, reply)
    if reply.code >= 500 and step in _ABOUT_THE_EMAIL and reply.code not in _LOGIN:
        return _result(Kind.FAILED, Reason.PROVIDER_REJECTED, step, reply)
    # A refusal of us, or an answer that does not belong here: no email was accepted.
    return _result(Kind.DEFERRED, Reason.CONFIGURATION, step, reply)


def lost(step: Step, cause: str) -> SendResult:
    """There was no answer, or no connection."""
    if step is Step.END:
        return said(Kind.IN_DOUBT, Reason.ANSWER_LOST, f"no answer at the {step}: {cause}")
    return said(Kind.DEFERRED, Reason.UNREACHABLE, f"{step}: {cause}")


def said(kind: Kind, reason: Reason, message: str) -> SendResult:
    """A result without an answer."""
    return SendResult(kind=kind, reason=reason, message=_clipped(message), transport="smtp")


def _result(
    kind: Kind, reason: Reason, step: Step, reply: Reply, provider_id: str | None = None
) -> SendResult:
    text = " ".join("".join(c if c.isprintable() else " " for c in reply.text).split())
    enhanced = _ENHANCED.search(text)
    advice = " (check the section [smtp])" if reason is Reason.CONFIGURATION else ""
    return SendResult(
        kind=kind,
        reason=reason,
        message=_clipped(f"{reply.code} at {step}: {text}", MAX_TEXT - len(advice)) + advice,
        transport="smtp",
        provider_id=provider_id,
        code=reply.code,
        enhanced_code=enhanced[1] if enhanced else None,
    )


def _clipped(text: str, limit: int = MAX_TEXT) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
