"""What Mailgun's answers to a lookup mean. Pure: status, headers and body in, a verdict out.

A verdict is ACCEPTED or FAILED when the message was found, IN_DOUBT (reason NOT_FOUND) when
Mailgun has nothing of it, and DEFERRED when Mailgun could not say. NOT_FOUND may lead to a second
email, so it needs an answer understood to its last item; whatever else came is DEFERRED:

====================  ===========================================================
200, a page           what its items say of our message, judged together
200 otherwise, 1xx…   unreadable: a proxy's page, half an answer, another API
3xx, 401, 403, 404    the configuration is wrong
420, 429              throttled until the time that the answer names
other 4xx             the question is refused: the other API may take it
408, 5xx              Mailgun's fault
====================  ===========================================================
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from consumer.adapters.mailgun.answers import Reply, one_line, take_apart
from consumer.adapters.mailgun.lookup_questions import LIMIT, Api
from consumer.adapters.mailgun.verdict import Verdict, clipped, verdict
from consumer.domain.converting import convert
from consumer.domain.reasons import Kind, Reason

_T = TypeVar("_T")

_ADVICE: Final = {
    401: "check mailgun.lookup_key: it must be allowed to read events",
    403: "check mailgun.lookup_key: it must be allowed to read events",
    404: "check mailgun.domain and the region in mailgun.base_url",
}


class _Headers(msgspec.Struct, rename="kebab"):
    message_id: str
    to: str | None = None


class _Message(msgspec.Struct):
    headers: _Headers


class _Reject(msgspec.Struct):
    reason: str | None = None
    description: str | None = None


class _Item(msgspec.Struct):
    event: str
    message: _Message
    #: None: the item is a rejection, or about mail that came in.
    recipient: str | None = None
    reject: _Reject | None = None


class _Page(msgspec.Struct):
    items: list[dict[str, Any]]


class _EventsPage(_Page):
    paging: dict[str, Any]


class _LogsPage(_Page):
    pagination: dict[str, Any]


_PAGES: Final[Mapping[Api, type[_Page]]] = {"events": _EventsPage, "logs": _LogsPage}


def read(
    api: Api,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    message_id: str,
    recipient: str,
    now: float,
) -> Verdict:
    """Say what an answer means for our message to this recipient; `now` in epoch seconds."""
    reply = take_apart(status, headers, body)
    if status == 200:
        return _page(api, reply, message_id, recipient)
    if 300 <= status < 400:
        return _misconfigured(reply, "a redirect is not followed, check mailgun.base_url")
    if status == 408 or 500 <= status < 600:
        return verdict(Kind.DEFERRED, Reason.SERVER_ERROR, reply)
    if 400 <= status < 500:
        return _refusal(reply, now)
    return verdict(Kind.DEFERRED, Reason.UNREADABLE_ANSWER, reply)


def _refusal(reply: Reply, now: float) -> Verdict:
    if reply.throttled:
        return verdict(Kind.DEFERRED, Reason.THROTTLED, reply, retry_at=reply.retry_at(now))
    return _misconfigured(reply, _ADVICE.get(reply.status, "try the other mailgun.lookup_api"))


def _misconfigured(reply: Reply, advice: str) -> Verdict:
    return verdict(Kind.DEFERRED, Reason.CONFIGURATION, reply, advice=advice)


def _page(api: Api, reply: Reply, message_id: str, recipient: str) -> Verdict:
    if reply.not_routed:
        return _misconfigured(reply, "check mailgun.domain and mailgun.base_url")
    page = _converted(reply.document, _PAGES[api])
    if page is None:
        advice = f"no page of Mailgun's {api}, check mailgun.base_url and proxies"
        return verdict(Kind.DEFERRED, Reason.UNREADABLE_ANSWER, reply, advice=advice)
    items = [_converted(item, _Item) for item in page.items]
    ours = [item for item in items if item is not None and _is_ours(item, message_id, recipient)]
    # Our id with another address is our email by another name for its recipient, or none of ours:
    # it must not be taken for "not there".
    named = [item for item in items if item is not None and _has_id(item, message_id)]
    understood = None not in items and len(items) < LIMIT
    return _judged(ours, certain=understood and len(named) == len(ours))


def _judged(ours: Sequence[_Item], *, certain: bool) -> Verdict:
    """Not `certain`: what was not understood, or is on another page, may be what we look for."""
    taken = [item for item in ours if item.event != "rejected"]
    if taken:
        message = f"Mailgun has it: {', '.join(dict.fromkeys(item.event for item in taken))}"
        return _about(Kind.ACCEPTED, Reason.FOUND, message, taken)
    if not certain:
        message = "HTTP 200: some of its events are not understood, or too many"
        return _about(Kind.DEFERRED, Reason.UNREADABLE_ANSWER, message)
    if ours:
        return _about(Kind.FAILED, Reason.PROVIDER_REJECTED, _why(ours), ours)
    return _about(Kind.IN_DOUBT, Reason.NOT_FOUND, "Mailgun has nothing of it")


def _about(kind: Kind, reason: Reason, message: str, ours: Sequence[_Item] = ()) -> Verdict:
    ids = [f"<{item.message.headers.message_id.strip('<>')}>" for item in ours]
    return Verdict(
        kind=kind,
        reason=reason,
        message=clipped(one_line(message)),
        code=200,
        provider_id=ids[0] if ids else None,
    )


def _is_ours(item: _Item, message_id: str, recipient: str) -> bool:
    """The API is known to return events of other messages."""
    headers = item.message.headers
    if not _has_id(item, message_id):
        return False
    if item.recipient is None:
        return True
    # A route or list at Mailgun hands our message on to others; its header still names ours.
    named = {_comparable(item.recipient), _comparable(headers.to or "")}
    return _comparable(recipient) in named


def _has_id(item: _Item, message_id: str) -> bool:
    return item.message.headers.message_id.strip("<>").lower() == message_id.strip("<>").lower()


def _comparable(address: str) -> str:
    """Without case, and with the domain as it goes over the wire."""
    local, at, domain = address.strip().lower().rpartition("@")
    try:
        return f"{local}{at}{domain.encode('idna').decode()}"
    except UnicodeError:
        return f"{local}{at}{domain}"


def _why(rejections: Sequence[_Item]) -> str:
    reject = rejections[-1].reject or _Reject()
    said = ": ".join(text for text in (reject.reason, reject.description) if text)
    return f"Mailgun took it and then rejected it: {said or 'without a reason'}"


def _converted(value: Any, into: type[_T]) -> _T | None:
    try:
        return convert(value, into)
    except msgspec.ValidationError:
        return None
