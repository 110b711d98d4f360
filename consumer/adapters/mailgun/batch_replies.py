"""What Mailgun's answers to a batch mean. Pure: status, headers and body in, a verdict out.

As of a single email, but for refusals: there is one answer for all emails, and it does not say
which of them is to blame. So what would be a refusal of one email refuses the batch as a whole.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from consumer.adapters.mailgun import replies
from consumer.adapters.mailgun.answers import Reply, take_apart
from consumer.adapters.mailgun.verdict import Verdict, verdict
from consumer.domain.reasons import Kind, Reason

#: What accounts on probation were told to keep to by Mailgun's support.
PROBATION_EMAILS: Final = 10

_TOO_MANY: Final = re.compile(r"too many recipients, max is (\d{1,9})", re.IGNORECASE)
_PROBATION: Final = "large batches"
#: Limits of which a smaller call takes less.
_COUNTED: Final = re.compile(r"\b(recipient|bytes) limit exceeded")


class BatchVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all emails of a call."""

    verdict: Verdict
    #: How many emails a call may carry, where a refusal tells; None: it does not.
    at_most: int | None = None
    #: That is so until this moment, epoch seconds; None: until further notice.
    until: float | None = None


def read(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    message_ids: Collection[str],
    now: float,
) -> BatchVerdict:
    """Say what an answer means for the emails with these Message-Ids; `now` in epoch seconds."""
    reply = take_apart(status, headers, body)
    at_most = _at_most(reply, len(message_ids))
    if at_most is not None:
        return BatchVerdict(verdict=_refused(reply), at_most=at_most)
    judged = replies.judge(reply, now)
    left = _left(reply, len(message_ids))
    if left and judged.reason is Reason.THROTTLED and judged.retry_at is not None:
        refused = verdict(Kind.DEFERRED, Reason.BATCH_REFUSED, reply, retry_at=judged.retry_at)
        return BatchVerdict(verdict=refused, at_most=left, until=judged.retry_at)
    if judged.kind is Kind.FAILED:
        return BatchVerdict(verdict=_refused(reply))
    if judged.kind is Kind.ACCEPTED:
        judged = _with_the_batch_named(judged, message_ids)
    return BatchVerdict(verdict=judged)


def _refused(reply: Reply) -> Verdict:
    return verdict(Kind.DEFERRED, Reason.BATCH_REFUSED, reply)


def _at_most(reply: Reply, sent: int) -> int | None:
    """Never as many as were refused: then nothing would have been learned."""
    if reply.throttled:
        return None
    too_many = _TOO_MANY.search(reply.text) if reply.status == 400 else None
    if too_many:
        return min(int(too_many[1]), sent - 1)
    if reply.status == 403 and _PROBATION in reply.text:
        return min(PROBATION_EMAILS, sent - 1)
    return None


def _left(reply: Reply, sent: int) -> int:
    """How many emails may fit into what is left of a limit that the call went beyond; 0: none, or
    nothing is said of it.

    Mailgun refuses such a call whole. A limit of requests takes no smaller call either.
    """
    counted = _COUNTED.search(reply.text)
    if counted is None or sent < 2 or not reply.remaining:
        return 0
    fits = counted[1] == "recipient" and reply.remaining < sent
    return reply.remaining if fits else sent // 2


def _with_the_batch_named(accepted: Verdict, message_ids: Collection[str]) -> Verdict:
    """The answer's one id cannot be that of each email; it is told unless it is one of ours."""
    batch_id = accepted.provider_id or ""
    text = accepted.message
    if "%recipient" not in batch_id and f"<{batch_id.strip('<>')}>" not in message_ids:
        text = f"{text} Mailgun calls the batch {batch_id}."
    return msgspec.structs.replace(accepted, message=text, provider_id=None)
