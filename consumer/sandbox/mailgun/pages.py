"""The inbox: what was received, to look at in a browser. Rendered here, escaped here; the
script only asks for the list again when something new has come."""

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from consumer.sandbox.mailgun.fault_replies import MAGNIFICENT
from consumer.sandbox.mailgun.mail import Mail, Stored
from consumer.sandbox.mailgun.mime import source_of
from consumer.sandbox.mailgun.store import Store

_HERE = Path(__file__).parent
_TEMPLATES = {
    name: Template((_HERE / "templates" / f"{name}.html").read_text(encoding="utf-8"))
    for name in ("inbox", "row", "mail")
}
_STATIC = {
    "inbox.css": ("text/css", (_HERE / "static" / "inbox.css").read_bytes()),
    "inbox.js": ("text/javascript", (_HERE / "static" / "inbox.js").read_bytes()),
}

# A srcdoc frame inherits this policy: mails may be styled inline, but load and run nothing.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_MAIL_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="'
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
)

PAGE_SIZE = 100


class Pages:
    """`/` and what it needs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def inbox(self, request: Request) -> Response:
        """A browser gets the page; any other client what Mailgun says to a path it does not
        route."""
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse(MAGNIFICENT)
        parameters = request.query_params
        words = parameters.get("q", "").strip()
        opened = self._opened(parameters.get("message", ""))
        rows = self._rows(words, opened)
        if parameters.get("part") == "rows":
            return HTMLResponse(rows, headers=_HEADERS)
        stats = self._store.stats()
        page = _TEMPLATES["inbox"].substitute(
            title=escape(opened.mail.subject if opened else "Inbox"),
            state="reading" if opened else "listing",
            words=escape(words),
            rows=rows,
            mail=_mail(opened, parameters.get("view", ""), words) if opened else _NOTHING_OPEN,
            **{name: f"{number:,}" for name, number in stats.items()},
        )
        return HTMLResponse(page, headers=_HEADERS)

    async def static(self, request: Request) -> Response:
        found = _STATIC.get(request.path_params["name"])
        if found is None:
            return PlainTextResponse("Not found", 404)
        media_type, content = found
        return Response(content, media_type=media_type, headers=_HEADERS)

    def _opened(self, sequence: str) -> Stored | None:
        if not sequence.isdecimal():
            return None
        wanted = int(sequence)
        return next(iter(self._store.messages(lambda one: one.sequence == wanted, 1)), None)

    def _rows(self, words: str, opened: Stored | None) -> str:
        found = self._store.messages(_search(words), PAGE_SIZE + 1)
        if not found:
            return _NO_MATCH if words else _EMPTY
        rows = "".join(_row(stored, opened, words) for stored in found[:PAGE_SIZE])
        return rows + (_MORE if len(found) > PAGE_SIZE else "")


_NOTHING_OPEN = '<p class="hint">Choose a mail to read it here.</p>'
_EMPTY = '<li class="empty"><b>No mail yet.</b> It appears as soon as a send is accepted.</li>'
_NO_MATCH = '<li class="empty"><b>Nothing found.</b> Search knows address, tag, id and text.</li>'
_MORE = f'<li class="empty">The newest {PAGE_SIZE} are shown. Search finds the others.</li>'


def _search(words: str) -> Callable[[Stored], bool]:
    wanted = words.lower().split()

    def keep(stored: Stored) -> bool:
        mail = stored.mail
        parts = (mail.subject, mail.recipient, mail.from_, mail.message_id, *mail.tags, mail.text)
        text = "\n".join(parts).lower()
        return all(word in text for word in wanted)

    return keep if wanted else lambda _: True


def _link(sequence: int, words: str, **more: str) -> str:
    query = {"message": str(sequence)} | ({"q": words} if words else {}) | more
    return escape("/?" + urlencode(query))


def _row(stored: Stored, opened: Stored | None, words: str) -> str:
    mail = stored.mail
    return _TEMPLATES["row"].substitute(
        link=_link(stored.sequence, words),
        current=' aria-current="true"' if stored is opened else "",
        subject=escape(mail.subject or "(no subject)"),
        recipient=escape(mail.recipient),
        time=_time(stored),
        marks=_marks(mail),
    )


def _time(stored: Stored) -> str:
    at = datetime.fromtimestamp(stored.accepted_at, UTC)
    return (
        f'<time datetime="{at.isoformat(timespec="milliseconds")}" '
        f'title="{at:%d %b %Y %H:%M:%S} UTC">{at:%H:%M:%S}</time>'
    )


def _marks(mail: Mail) -> str:
    marks = [("tag", tag) for tag in mail.tags]
    if mail.test_mode:
        marks.append(("test", "test mode"))
    if mail.batch_id:
        marks.append(("batch", "batch"))
    return "".join(f'<span class="{kind}">{escape(text)}</span>' for kind, text in marks)


def _mail(stored: Stored, view: str, words: str) -> str:
    mail = stored.mail
    views = {"html": _html, "text": _text, "headers": _headers, "source": _source}
    if view not in views:
        view = "html" if mail.html else "text"
    tabs = "".join(
        f'<a href="{_link(stored.sequence, words, view=name)}"'
        f"{' aria-current=page' if name == view else ''}>{label}</a>"
        for name, label in zip(views, ("HTML", "Text", "Headers", "Source"), strict=True)
    )
    return _TEMPLATES["mail"].substitute(
        back=escape("/?" + urlencode({"q": words}) if words else "/"),
        subject=escape(mail.subject or "(no subject)"),
        from_=escape(mail.from_),
        to=escape(mail.to),
        recipient=escape(mail.recipient),
        message_id=escape(mail.message_id),
        time=_time(stored),
        marks=_marks(mail),
        tabs=tabs,
        content=views[view](mail),
    )


def _html(mail: Mail) -> str:
    if not mail.html:
        return '<p class="hint">This mail has no HTML part.</p>'
    document = escape(_MAIL_POLICY + mail.html)
    return f'<iframe sandbox title="The mail, rendered" srcdoc="{document}"></iframe>'


def _text(mail: Mail) -> str:
    if not mail.text:
        return '<p class="hint">This mail has no text part.</p>'
    return f'<pre class="text">{escape(mail.text)}</pre>'


def _headers(mail: Mail) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in mail.headers
    )
    return f'<div class="sheet"><table>{rows}</table></div>'


def _source(mail: Mail) -> str:
    return f'<pre class="source">{escape(source_of(mail).decode("utf-8", "replace"))}</pre>'
