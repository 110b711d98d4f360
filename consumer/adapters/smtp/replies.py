"""What a mail server's answers mean. Pure: step, code and text in, a result out.

RFC 5321 says which command an answer belongs to (4.3.2) and that its first digit decides (4.2.1),
RFC 3463 the finer words beside it:

=============================  ================================================================
2xx after the final dot        accepted: the server is responsible now (RFC 5321 6.1)
no answer after the final dot, in doubt: it may have the email, and cannot be asked
  or one that means nothing
no connection, or it is lost   deferred: without the final dot nothing was accepted
  before the final dot
an answer that means nothing   deferred: unreadable
  before the final dot
421, 4xx about us              deferred: the server's own trouble (RFC 5321 3.8)
4xx about the email            deferred: greylisting, a full mailbox, a limit
5xx about us (greeting, TLS,   deferred: the operator's mistake must not lose alarms; so are a
  login, sender)               certificate that is not trusted and a server without STARTTLS
530, 534, 535, 538 anywhere    the same: they are about our login (RFC 4954 6)
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

#: RFC 3463: class, subject, detail; not a part of an IP address.
_ENHANCED: Final = re.compile(r"(?<![\w.])([245])\.\d{1,3}\.\d{1,3}(?!\w|\.\w)")
_ADVICE: Final = " (check the section [smtp])"
#: RFC 3463: security and policy; a sender's address that is bad.
_ABOUT_US: Final = re.compile(r"5\.7\.\d+|5\.1\.[78]")
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
    """One answer; `code` is -1 where there was none that could be read."""

    code: int
    text: str

    @property
    def digit(self) -> int:
        """The first one, which says what to do; 0: the answer cannot be read."""
        return self.code // 100 if 200 <= self.code < 600 else 0


def read(step: Step, reply: Reply, message_id: str) -> SendResult:
    """What an answer means: a refusal at any step, or the last word of all."""
    if step is Step.END and reply.digit == 2:
        return _result(Kind.ACCEPTED, Reason.QUEUED, step, reply, message_id)
    if reply.digit == 4:
        # A greylisted recipient says nothing against the server.
        about_us = reply.code == 421 or step not in _ABOUT_THE_EMAIL
        reason = Reason.SERVER_ERROR if about_us else Reason.THROTTLED
        return _result(Kind.DEFERRED, reason, step, reply)
    if reply.digit == 5:
        if _refuses_the_email(step, reply):
            return _result(Kind.FAILED, Reason.PROVIDER_REJECTED, step, reply)
        return _result(Kind.DEFERRED, Reason.CONFIGURATION, step, reply)
    kind = Kind.IN_DOUBT if step is Step.END else Kind.DEFERRED
    return _result(kind, Reason.UNREADABLE_ANSWER, step, reply)


def _refuses_the_email(step: Step, reply: Reply) -> bool:
    if step not in _ABOUT_THE_EMAIL or reply.code in _LOGIN:
        return False
    # Postfix waits until RCPT with what it has against the client, the sender, or relaying.
    about_us = _ABOUT_US.fullmatch(_enhanced_code(reply) or "") is not None
    return not (step is Step.RECIPIENT and about_us)


def lost(step: Step, cause: str) -> SendResult:
    """There was no answer, or no connection."""
    if step is Step.END:
        return _said(Kind.IN_DOUBT, Reason.ANSWER_LOST, f"no answer at the {step}: {cause}")
    return _said(Kind.DEFERRED, Reason.UNREACHABLE, f"{step}: {cause}")


def unfit(step: Step, cause: str) -> SendResult:
    """Server and settings do not go together; the server said no code."""
    return _said(Kind.DEFERRED, Reason.CONFIGURATION, f"{step}: {cause}", _ADVICE)


def not_called(kind: Kind, reason: Reason, message: str) -> SendResult:
    """It ended before anybody was called."""
    return msgspec.structs.replace(_said(kind, reason, message), calls=0)


def _said(kind: Kind, reason: Reason, message: str, advice: str = "") -> SendResult:
    return SendResult(kind=kind, reason=reason, message=_line(message, advice), transport="smtp")


def _result(
    kind: Kind, reason: Reason, step: Step, reply: Reply, provider_id: str | None = None
) -> SendResult:
    code = str(reply.code) if reply.digit else "no readable code"
    advice = _ADVICE if reason is Reason.CONFIGURATION else ""
    return SendResult(
        kind=kind,
        reason=reason,
        message=_line(f"{code} at {step}: {reply.text}", advice),
        transport="smtp",
        provider_id=provider_id,
        code=reply.code if reply.digit else None,
        enhanced_code=_enhanced_code(reply),
    )


def _enhanced_code(reply: Reply) -> str | None:
    """RFC 2034 4: its class is the first digit of the answer."""
    for found in _ENHANCED.finditer(reply.text):
        if found[1] == str(reply.digit):
            return found[0]
    return None


def _line(text: str, advice: str) -> str:
    """One printable line, `MAX_TEXT` characters at most, with what to do at its end."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    room = MAX_TEXT - len(advice)
    return (line if len(line) <= room else f"{line[: room - 1]}…") + advice
