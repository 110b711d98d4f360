"""The calls that ask: events, logs, stored messages, the domain."""

import json
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from consumer.sandbox.mailgun import analytics
from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.event_json import bodies
from consumer.sandbox.mailgun.events import Event
from consumer.sandbox.mailgun.filters import FIELDS, BadFilter, event_filter
from consumer.sandbox.mailgun.guard import Refused, base_url
from consumer.sandbox.mailgun.paging import (
    MAX_LIMIT,
    BadQuery,
    Query,
    paging_urls,
    read_page,
    time_range,
    unbracketed,
)
from consumer.sandbox.mailgun.stored_message import mime_json, parsed_json
from consumer.sandbox.mailgun.switches import Switches


class Lookups:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._store = account.store

    async def events(self, request: Request) -> object:
        domain = request.path_params["domain"].lower()
        switches = self._account.world.switches.now
        try:
            token = request.path_params.get("token")
            query = Query.of_token(token) if token else _query(request, switches)
            keep = event_filter(query.filters)
        except (BadQuery, BadFilter) as problem:
            raise Refused(400, str(problem)) from problem

        def of_domain(event: Event) -> bool:
            return event.stored.mail.domain == domain and keep(event)

        page = read_page(query, partial(self._store.events, of_domain, message_id=_one_id(query)))
        base = base_url(request)
        answer = {
            "items": bodies(page.events, base),
            "paging": paging_urls(page, lambda token: f"{base}/v3/{domain}/events/{token}"),
        }
        return _pretty(answer) if request.query_params.get("pretty") == "yes" else answer

    async def searched_domain(self, request: Request) -> str:
        return analytics.searched_domain(await request.body())

    async def logs(self, request: Request) -> object:
        now = self._account.options.now()
        switches = self._account.world.switches.now
        try:
            search = analytics.parse_search(await request.body(), now, switches)
        except (BadQuery, BadFilter) as problem:
            raise Refused(400, str(problem)) from problem
        return analytics.answer(search, self._store, base_url(request), now)

    async def stored_message(self, request: Request) -> object:
        stored = self._store.message(request.path_params["key"])
        if stored is None or stored.mail.domain != request.path_params["domain"].lower():
            raise Refused(404, "Message not found")
        as_mime = "message/rfc2822" in request.headers.get("accept", "")
        return mime_json(stored) if as_mime else parsed_json(stored)

    async def domain(self, request: Request) -> object:
        return _domain_json(request.path_params["domain"])


def _query(request: Request, switches: Switches) -> Query:
    parameters = request.query_params
    ranged = time_range(
        parameters.get("begin", ""),
        parameters.get("end", ""),
        parameters.get("ascending", ""),
        half_open=switches.half_open_range,
    )
    try:
        limit = int(parameters.get("limit") or ranged.limit)
    except ValueError:
        raise BadQuery("limit is not a number") from None
    return Query(
        low=ranged.low,
        high=ranged.high,
        newest_first=ranged.newest_first,
        limit=min(max(limit, 1), MAX_LIMIT),
        filters=tuple(
            (name, searched)
            for name, text in parameters.multi_items()
            if name in FIELDS and (searched := _searched(name, text, switches)) is not None
        ),
    )


def _searched(name: str, text: str, switches: Switches) -> str | None:
    return unbracketed(text, switches) if name == "message-id" else text


def _one_id(query: Query) -> str | None:
    """The message id if the query asks for exactly one: then the index answers it."""
    ids = [text for name, text in query.filters if name == "message-id"]
    if len(ids) == 1 and not any(mark in ids[0] for mark in ' "()'):
        return ids[0].lower() or None
    return None


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


def _pretty(content: object) -> Response:
    return Response(json.dumps(content, indent=2), media_type="application/json")
