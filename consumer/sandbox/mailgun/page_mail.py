"""An open mail: what it is, its timeline, and one of four views of its content. Pure."""

import re
from collections.abc import Callable, Iterable
from html import escape

from consumer.sandbox.mailgun.mail import Mail
from consumer.sandbox.mailgun.mime import source_of
from consumer.sandbox.mailgun.page_parts import TEMPLATES, marks, state_badge, time_tag
from consumer.sandbox.mailgun.page_search import Listed, Search
from consumer.sandbox.mailgun.page_timeline import timeline

MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
"""Of a mail's HTML, which is a document of its own: styled inline, it loads and runs nothing. A
link that somebody clicks opens elsewhere."""

_CURRENT = ' aria-current="page"'

# A base before the mail's own: its links leave the frame.
_BASE = '<base target="_blank">'

# Chromium opens a connection for these before it asks the policy, which then forbids the rest.
_CONNECTING = re.compile(r"<(/?)(iframe|frame|link)\b", re.IGNORECASE)


def document(mail: Mail) -> str:
    """The mail's HTML, to be served under MAIL_POLICY alone. Elements that could load nothing
    but would connect to where they point are renamed to ones that mean nothing."""
    # The doctype first: without it the mail is laid out in quirks mode.
    return f"<!doctype html>{_BASE}" + _CONNECTING.sub(r"<\1x-\2", mail.html)


def open_mail(listed: Listed, view: str, search: Search, now: float) -> str:
    """`view` is one of html, text, headers, source; anything else: the one that suits the mail."""
    stored, mail = listed.stored, listed.stored.mail
    if view not in _VIEWS:
        view = "html" if mail.html else "text"
    return TEMPLATES["mail"].substitute(
        back=escape(search.address()),
        subject=escape(mail.subject or "(no subject)"),
        facts=_facts(mail),
        accepted=time_tag(stored.accepted_at),
        state=state_badge(listed.state),
        marks=marks(mail),
        tabs=_tabs(stored.sequence, view, search),
        timeline=timeline(listed, now),
        view=view,
        content=_VIEWS[view][1](listed, search),
    )


def _facts(mail: Mail) -> str:
    facts = {
        "From": mail.from_,
        "To": mail.to,
        "Cc": mail.cc,
        "Mailbox": mail.recipient if mail.recipient != mail.to else "",
        "Message-Id": mail.message_id,
        "Files": ", ".join(
            f"{upload.filename} ({len(upload.content):,} bytes)" for upload in mail.attachments
        ),
        "Subaccount": mail.subaccount,
        "Template": mail.template,
    }
    return "".join(
        f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items() if value
    )


def _tabs(sequence: int, view: str, search: Search) -> str:
    return "".join(
        f'<a href="{escape(search.address(message=sequence, view=name))}"'
        f"{_CURRENT if name == view else ''}>{label}</a>"
        for name, (label, _) in _VIEWS.items()
    )


def _html(listed: Listed, search: Search) -> str:
    if not listed.stored.mail.html:
        return '<p class="hint">This mail has no HTML part.</p>'
    address = search.address(message=listed.stored.sequence, part="html")
    return (
        '<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" '
        f'title="The mail, rendered" src="{escape(address)}"></iframe>'
    )


def _text(listed: Listed, _: Search) -> str:
    text = listed.stored.mail.text
    if not text:
        return '<p class="hint">This mail has no text part.</p>'
    return f'<pre class="text" tabindex="0">{escape(text)}</pre>'


def _headers(listed: Listed, _: Search) -> str:
    mail = listed.stored.mail
    variables = _table("Variables", mail.variables.items()) if mail.variables else ""
    return f'<div class="sheet" tabindex="0">{_table("Headers", mail.headers)}{variables}</div>'


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table><caption>{title}</caption>{cells}</table>"


def _source(listed: Listed, _: Search) -> str:
    source = source_of(listed.stored.mail).decode("utf-8", "replace")
    return f'<pre class="source" tabindex="0">{escape(source)}</pre>'


_VIEWS: dict[str, tuple[str, Callable[[Listed, Search], str]]] = {
    "html": ("HTML", _html),
    "text": ("Text", _text),
    "source": ("Source", _source),
    "headers": ("Headers", _headers),
}
"""Name in the address → what the tab says, and what it shows."""
