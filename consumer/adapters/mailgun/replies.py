"""What Mailgun's answers to a send mean. Pure: status, headers and body in, a verdict out.

The table (mailgun.com documentation and field reports; statuses not listed behave as their class):

=====================  =============================================================
200, JSON, `Queued`    accepted (queued, which is all that a 200 says)
200 otherwise, 1xx...  in doubt: something answered, nobody knows what was done
3xx, 401, 404          the configuration is wrong, whatever the email: deferred
420, 429               throttled: deferred until the time that the answer names
400, 402, 403          refused; deferred when the account is at fault, not the email
other 4xx              refused
408, 5xx               in doubt: customers saw such answers for mail that went out
=====================  =============================================================

An operator's mistake must not lose alarms. So whatever blames the key, the domain, the account
or the URL is deferred and goes out when it is put right; only what blames the email is final.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from consumer.adapters.mailgun.answers import Reply, one_line, take_apart
from consumer.adapters.mailgun.verdict import Verdict, verdict
from consumer.domain.reasons import Kind, Reason

#: The operator's fault: account unverified, not activated, sandbox, free, unpaid; a sender
#: address that is none.
_ACCOUNT: Final = re.compile(
    r"is not allowed to send:|upgrade your account|^from parameter ", re.IGNORECASE
)


def read(
    status: int, headers: Mapping[str, str], body: bytes, *, message_id: str, now: float
) -> Verdict:
    """Say what an answer means. `message_id` is the one we sent, `now` is in epoch seconds."""
    judged = judge(take_apart(status, headers, body), now)
    provider_id = judged.provider_id
    if provider_id is None or provider_id.strip("<>") == message_id.strip("<>"):
        return judged
    # Not documented, but seen when ours is malformed: Mailgun then makes its own.
    note = f"Mailgun uses its own id {one_line(provider_id)} instead of {message_id}."
    return msgspec.structs.replace(judged, message=f"{judged.message} {note}")


def judge(reply: Reply, now: float) -> Verdict:
    """The table, for an answer that is taken apart."""
    status = reply.status
    if status == 200:
        return _success(reply)
    if 300 <= status < 400:
        return _misconfigured(reply, "a redirect is not followed, check mailgun.base_url")
    if status == 408 or 500 <= status < 600:
        return verdict(Kind.IN_DOUBT, Reason.SERVER_ERROR, reply)
    if 400 <= status < 500:
        return _refusal(reply, now)
    return verdict(Kind.IN_DOUBT, Reason.UNREADABLE_ANSWER, reply)


def _success(reply: Reply) -> Verdict:
    document = reply.document
    if isinstance(document, dict):
        provider_id, message = document.get("id"), document.get("message")
        queued = isinstance(message, str) and message.startswith("Queued")
        if queued and isinstance(provider_id, str) and provider_id:
            return Verdict(
                kind=Kind.ACCEPTED,
                reason=Reason.QUEUED,
                message=reply.text,
                code=200,
                provider_id=provider_id,
            )
    if reply.not_routed:
        return _misconfigured(reply, "check mailgun.domain and mailgun.base_url")
    return verdict(Kind.IN_DOUBT, Reason.UNREADABLE_ANSWER, reply)


def _refusal(reply: Reply, now: float) -> Verdict:
    if reply.throttled:
        return verdict(Kind.DEFERRED, Reason.THROTTLED, reply, retry_at=reply.retry_at(now))
    advice = _advice(reply)
    if advice is not None:
        return _misconfigured(reply, advice)
    return verdict(Kind.FAILED, Reason.PROVIDER_REJECTED, reply)


def _advice(reply: Reply) -> str | None:
    """What the operator should do about a refusal; None when it is about the email."""
    status, text = reply.status, reply.text
    if status == 401:
        return "check mailgun.api_key"
    if status == 404:
        # Nothing of an email is part of the path, and Mailgun's 404 may pass by itself.
        return "check mailgun.domain and the region in mailgun.base_url"
    if status == 403:
        # Said of a single email too while an account is on probation: it has had its share.
        return "check the key's role, the account's allowed addresses, and whether it is new"
    if status in (400, 402) and _ACCOUNT.search(text):
        return "put the domain or the account right at Mailgun"
    if status != 413 and reply.is_html:
        return "this is not Mailgun's own answer, check mailgun.base_url and proxies"
    return None


def _misconfigured(reply: Reply, advice: str) -> Verdict:
    return verdict(Kind.DEFERRED, Reason.CONFIGURATION, reply, advice=advice)
