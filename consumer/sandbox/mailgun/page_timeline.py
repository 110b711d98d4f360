"""What happened to a mail, as a list in HTML. Pure."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from consumer.sandbox.mailgun.event_json import body
from consumer.sandbox.mailgun.events import Event
from consumer.sandbox.mailgun.page_parts import TEMPLATES, time_tag
from consumer.sandbox.mailgun.page_search import Listed, state_of

GONE = '<li class="gone">This mail is no longer kept.</li>'


def timeline(listed: Listed, now: float) -> str:
    """`now` in Unix seconds: what the Events API does not show by then is marked."""
    began = listed.stored.accepted_at
    return "".join(_entry(event, began, now) for event in listed.events)


def _entry(event: Event, began: float, now: float) -> str:
    item = body(event, "")
    hidden = (
        f'<p class="note">The Events API shows it from {time_tag(event.visible_at)}.</p>'
        if event.visible_at > now
        else ""
    )
    return TEMPLATES["event"].substitute(
        state=escape(state_of(event)),
        name=escape(f"{event.severity} failure" if event.severity else event.kind),
        time=time_tag(event.timestamp, exact=True),
        offset=_offset(event.timestamp - began),
        said=escape(_said(item)),
        more=escape(" · ".join(_more(event, item))),
        hidden=hidden,
        id=escape(event.id),
    )


def _offset(seconds: float) -> str:
    """How long after the acceptance, in a unit that can be read at a glance."""
    if seconds < 60:
        return f"+{max(seconds, 0.0):.2f} s"
    minutes, hours = seconds / 60, seconds / 3600
    return f"+{minutes:.1f} min" if minutes < 60 else f"+{hours:.1f} h"


def _said(item: Mapping[str, Any]) -> str:
    """The code and the words of the mail server, or of Mailgun itself."""
    status = item.get("delivery-status") or {}
    words = status.get("message") or status.get("description") or ""
    reject = item.get("reject") or {}
    said = (status.get("code", ""), words, reject.get("reason", ""), item.get("url", ""))
    return " ".join(str(part) for part in said if part)


def _more(event: Event, item: Mapping[str, Any]) -> Iterator[str]:
    status = item.get("delivery-status") or {}
    if event.reason:
        yield f"reason {event.reason}"
    if item["flags"].get("is-delayed-bounce"):
        yield "bounced after it was delivered"
    if host := status.get("mx-host"):
        yield str(host)
    if status.get("attempt-no", 1) != 1:
        yield f"attempt {status['attempt-no']}"
    if wait := status.get("retry-seconds"):
        yield f"again after {wait} s"
