"""The calls that ask: events, logs, metrics, stored messages."""

import json
from dataclasses import replace
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from consumer.sandbox.mailgun import analytics, metrics, stats
from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.addresses import parse_mailboxes
from consumer.sandbox.mailgun.compose import QUEUED, generated_id
from consumer.sandbox.mailgun.event_json import bodies
from consumer.sandbox.mailgun.events import Event
from consumer.sandbox.mailgun.filters import FIELDS, BadFilter, event_filter
from consumer.sandbox.mailgun.guard import Refused, base_url, form_of, json_of
from consumer.sandbox.mailgun.mail import Stored
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

_EVERYTHING = 2**31


class Lookups:
    """Each handler answers with JSON, or raises Refused."""

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
        stored = self._known(request)
        as_mime = "message/rfc2822" in request.headers.get("accept", "")
        return mime_json(stored) if as_mime else parsed_json(stored)

    async def resend(self, request: Request) -> object:
        """The same content to other recipients, with a message id of its own."""
        stored = self._known(request)
        mailboxes = parse_mailboxes((await form_of(request)).all("to"))
        if not mailboxes:
            raise Refused(400, "to parameter is not a valid address. please check documentation")
        now = self._account.options.now()
        message_id = generated_id(stored.mail.domain, now)
        self._store.accept(
            [
                replace(
                    stored.mail,
                    message_id=message_id,
                    recipient=mailbox.address,
                    headers=tuple(
                        (name, f"<{message_id}>" if name.lower() == "message-id" else value)
                        for name, value in stored.mail.headers
                    ),
                    scheduled_for=None,
                    batch_id=None,
                )
                for mailbox in mailboxes
            ]
        )
        return {"id": f"<{message_id}>", "message": QUEUED}

    def _known(self, request: Request) -> Stored:
        stored = self._store.message(request.path_params["key"])
        if stored is None or stored.mail.domain != request.path_params["domain"].lower():
            raise Refused(404, "Message not found")
        return stored

    async def metrics(self, request: Request) -> object:
        world = self._account.world
        wish = await json_of(request)
        try:
            return metrics.answer(wish, self._store, world.options.now(), world.switches.now)
        except (BadQuery, BadFilter, ValueError, TypeError, AttributeError) as problem:
            raise Refused(400, str(problem)) from problem

    async def stats(self, request: Request) -> object:
        """Of one domain, or of the account."""
        domain, parameters = request.path_params.get("domain", "").lower(), request.query_params
        try:
            wish = stats.Wish(parameters, parameters.getlist("event"), self._account.options.now())
            events = self._store.events(
                lambda event: domain in ("", event.stored.mail.domain),
                after=(wish.start.timestamp(), 0.0),
                before=(wish.end.timestamp(), float("inf")),
                limit=_EVERYTHING,
            )
            return stats.answer(wish, events)
        except (BadQuery, OverflowError, ValueError) as problem:
            raise Refused(400, str(problem)) from problem


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


def _pretty(content: object) -> Response:
    return Response(json.dumps(content, indent=2), media_type="application/json")
