"""The calls that ask: events, logs, stored messages, the domain. They need a full key."""

import json
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from consumer.sandbox.mailgun import analytics
from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.event_json import bodies
from consumer.sandbox.mailgun.events import Event
from consumer.sandbox.mailgun.filters import FIELDS, BadFilter, event_filter
from consumer.sandbox.mailgun.paging import (
    MAX_LIMIT,
    BadQuery,
    Query,
    paging_urls,
    read_page,
    time_range,
)
from consumer.sandbox.mailgun.stored_message import mime_json, parsed_json


class Lookups:
    """Each handler is counted, may be hit by a fault of `call: lookup`, and checks the key."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def _blocked(self, request: Request, searched: str = "") -> Response | None:
        """`searched` is the domain where the path names none: only faults are meant for it."""
        account, domain = self._account, request.path_params.get("domain", "")
        account.store.count(lookups=1)
        fault = await account.fault("before", "lookup", domain or searched)
        return fault or account.refusal(request, domain)

    async def events(self, request: Request) -> Response:
        if blocked := await self._blocked(request):
            return blocked
        domain = request.path_params["domain"].lower()
        try:
            token = request.path_params.get("token")
            query = Query.of_token(token) if token else _query(request)
            keep = event_filter(query.filters)
        except (BadQuery, BadFilter) as problem:
            return _message(str(problem), 400)

        def of_domain(event: Event) -> bool:
            return event.stored.mail.domain == domain and keep(event)

        select = partial(self._account.store.events, of_domain, message_id=_one_id(query))
        page = read_page(query, select)
        base = _base_url(request)
        answer = {
            "items": bodies(page.events, base),
            "paging": paging_urls(page, lambda token: f"{base}/v3/{domain}/events/{token}"),
        }
        return (
            _pretty(answer) if request.query_params.get("pretty") == "yes" else JSONResponse(answer)
        )

    async def logs(self, request: Request) -> Response:
        content = await request.body()
        if blocked := await self._blocked(request, analytics.searched_domain(content)):
            return blocked
        now = self._account.options.now()
        try:
            search = analytics.parse_search(content, now)
        except (BadQuery, BadFilter) as problem:
            return _message(str(problem), 400)
        return JSONResponse(analytics.answer(search, self._account.store, _base_url(request), now))

    async def stored_message(self, request: Request) -> Response:
        if blocked := await self._blocked(request):
            return blocked
        stored = self._account.store.message(request.path_params["key"])
        if stored is None or stored.mail.domain != request.path_params["domain"].lower():
            return _message("Message not found", 404)
        as_mime = "message/rfc2822" in request.headers.get("accept", "")
        return JSONResponse(mime_json(stored) if as_mime else parsed_json(stored))

    async def domain(self, request: Request) -> Response:
        blocked = await self._blocked(request)
        if blocked is None:
            return JSONResponse(_domain_json(request.path_params["domain"]))
        # The domain calls have texts of their own for the same refusals.
        texts = {401: "Invalid private key", 404: "Domain not found"}
        text = texts.get(blocked.status_code)
        return _message(text, blocked.status_code) if text else blocked


def _query(request: Request) -> Query:
    parameters = request.query_params
    ranged = time_range(*(parameters.get(name, "") for name in ("begin", "end", "ascending")))
    try:
        limit = int(parameters.get("limit") or ranged.limit)
    except ValueError:
        raise BadQuery("limit is not a number") from None
    return Query(
        low=ranged.low,
        high=ranged.high,
        newest_first=ranged.newest_first,
        limit=min(max(limit, 1), MAX_LIMIT),
        filters=tuple((name, text) for name, text in parameters.multi_items() if name in FIELDS),
    )


def _one_id(query: Query) -> str | None:
    """The message id if the query asks for exactly one: then the index answers it."""
    ids = [text for name, text in query.filters if name == "message-id"]
    if len(ids) == 1 and not any(mark in ids[0] for mark in ' "()'):
        return ids[0].lower() or None
    return None


def _base_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _domain_json(name: str) -> dict[str, Any]:
    return {
        "domain": {
            "id": name.encode().hex()[:24],
            "name": name,
            "state": "active",
            "type": "custom",
            "is_disabled": False,
            "require_tls": False,
            "skip_verification": False,
            "message_ttl": 259200,
            "spam_action": "disabled",
            "wildcard": False,
            "web_prefix": "email",
            "web_scheme": "https",
            "smtp_login": f"postmaster@{name}",
            "created_at": "Thu, 01 Jan 2026 00:00:00 UTC",
        },
        "receiving_dns_records": [],
        "sending_dns_records": [
            {
                "record_type": "TXT",
                "name": name,
                "value": "v=spf1 include:mailgun.org ~all",
                "valid": "valid",
                "is_active": True,
                "cached": [],
            }
        ],
    }


def _message(text: str, status: int) -> Response:
    return JSONResponse({"message": text}, status)


def _pretty(content: object) -> Response:
    return Response(json.dumps(content, indent=2), media_type="application/json")
