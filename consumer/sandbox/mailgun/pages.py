"""The inbox: what was received and what became of it, to look at in a browser. Rendered here,
escaped here; the script only puts what is new in its place."""

from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from consumer.sandbox.mailgun.fault_replies import MAGNIFICENT
from consumer.sandbox.mailgun.options import Options
from consumer.sandbox.mailgun.page_mail import MAIL_POLICY, document, open_mail
from consumer.sandbox.mailgun.page_parts import HERE, TEMPLATES, marks, state_badge, time_tag
from consumer.sandbox.mailgun.page_search import PAGE_SIZE, STATES, Listed, Search, find
from consumer.sandbox.mailgun.page_timeline import GONE, timeline
from consumer.sandbox.mailgun.store import Store

_STATIC = {
    "inbox.css": ("text/css", (HERE / "static" / "inbox.css").read_bytes()),
    "inbox.js": ("text/javascript", (HERE / "static" / "inbox.js").read_bytes()),
}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_COMMON = {
    "x-content-type-options": "nosniff",
    "x-dns-prefetch-control": "off",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_HEADERS = _COMMON | {"content-security-policy": _POLICY}
_MAIL_HEADERS = _COMMON | {"content-security-policy": MAIL_POLICY}

_NOTHING_OPEN = (
    '<p class="hint">Choose a mail to read it here.<br>'
    "<kbd>j</kbd> <kbd>k</kbd> down and up, <kbd>Enter</kbd> open, "
    "<kbd>/</kbd> search, <kbd>Esc</kbd> back</p>"
)
_NOT_KEPT = '<a class="back" href="/">← Inbox</a><p class="hint">This mail is no longer kept.</p>'
_EMPTY = '<li class="empty"><b>No mail yet.</b> It appears as soon as a send is accepted.</li>'
_NO_MATCH = (
    '<li class="empty"><b>Nothing found.</b> '
    "Search knows address, subject, tag, text, and the ids of mails and events.</li>"
)


class Pages:
    """`/` and what it needs. Not coroutines: a search through all mails has a thread of its own,
    and sends go on meanwhile."""

    def __init__(self, store: Store, options: Options) -> None:
        self._store = store
        self._options = options

    def inbox(self, request: Request) -> Response:
        """A browser gets the page, or the part of it that is asked for; any other client what
        Mailgun says to a path it does not route."""
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse(MAGNIFICENT)
        parameters = request.query_params
        search = Search.parse(parameters)
        asked = parameters.get("message", "")
        opened = self._opened(asked)
        part = parameters.get("part", "")
        if part == "html":
            content = document(opened.stored.mail) if opened else ""
            return HTMLResponse(content, headers=_MAIL_HEADERS)
        if part == "live":
            return self._live(search, opened, parameters.get("seen", ""))
        mail = _NOT_KEPT if asked else _NOTHING_OPEN
        if opened:
            mail = open_mail(opened, parameters.get("view", ""), search, self._options.now())
        return HTMLResponse(self._page(search, opened, mail, bool(asked)), headers=_HEADERS)

    def static(self, request: Request) -> Response:
        found = _STATIC.get(request.path_params["name"])
        if found is None:
            return PlainTextResponse("Not found", 404)
        media_type, content = found
        return Response(content, media_type=media_type, headers=_HEADERS)

    def _page(self, search: Search, opened: Listed | None, mail: str, reading: bool) -> str:
        stats = self._store.stats()
        return TEMPLATES["inbox"].substitute(
            title=escape(opened.stored.mail.subject if opened else "Inbox"),
            reading="reading" if reading else "listing",
            version=escape(self._version(stats)),
            words=escape(search.text),
            states=_choices(search.state),
            rows=self._rows(search, opened),
            mail=mail,
            **{name: f"{number:,}" for name, number in stats.items()},
        )

    def _live(self, search: Search, opened: Listed | None, seen: str) -> Response:
        """What may have changed since `seen`; 204 if nothing has."""
        # Before the rest is read: what happens in between is told twice rather than not at all.
        stats = self._store.stats()
        version = self._version(stats)
        if version == seen:
            return Response(status_code=204, headers=_HEADERS)
        now = self._options.now()
        news: dict[str, Any] = {
            "version": version,
            "stats": stats,
            "rows": self._rows(search, opened),
            "timeline": timeline(opened, now) if opened else GONE,
            "state": state_badge(opened.state) if opened else "",
        }
        return JSONResponse(news, headers=_HEADERS)

    def _version(self, stats: dict[str, int]) -> str:
        """Changes with all that the page shows; after a reset too, by the key of the newest."""
        newest = self._store.messages(lambda _: True, 1)
        keys = [stored.key for stored in newest]
        return "-".join(map(str, [*stats.values(), *keys]))

    def _opened(self, sequence: str) -> Listed | None:
        if not (sequence.isascii() and sequence.isdecimal()):
            return None
        wanted = int(sequence)
        found = self._store.messages(lambda one: one.sequence == wanted, 1)
        return next(map(Listed, found, self._store.histories(found)), None)

    def _rows(self, search: Search, opened: Listed | None) -> str:
        found, older = find(self._store, search)
        current = opened.stored.sequence if opened else 0
        rows = "".join(_row(listed, current, search) for listed in found)
        if not found:
            rows = _NO_MATCH if search.filters or search.before else _EMPTY
        return rows + _paging(search, found[-1].stored.sequence if older else 0)


def _choices(chosen: str) -> str:
    return "".join(
        f"<option{' selected' if state == chosen else ''}>{state}</option>" for state in STATES
    )


def _row(listed: Listed, current: int, search: Search) -> str:
    stored, mail = listed.stored, listed.stored.mail
    return TEMPLATES["row"].substitute(
        sequence=stored.sequence,
        link=escape(search.address(message=stored.sequence)),
        current=' aria-current="true"' if stored.sequence == current else "",
        subject=escape(mail.subject or "(no subject)"),
        recipient=escape(mail.recipient),
        time=time_tag(stored.accepted_at),
        state=state_badge(listed.state),
        marks=marks(mail),
    )


def _paging(search: Search, last: int) -> str:
    """`last` is the last one listed, if there are older ones."""
    newest = f'<a href="{escape(search.address(before=""))}">Newest</a>' if search.before else ""
    older = (
        f'<a rel="next" href="{escape(search.address(before=last))}">Older {PAGE_SIZE} →</a>'
        if last
        else ""
    )
    return f'<li class="paging">{newest}{older}</li>' if newest or older else ""
