"""What stands before every call but the sends: the count, a scripted fault, the key."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.form import BadBody, Form, parse_form, read_body
from consumer.sandbox.mailgun.limits import Quota

Handler = Callable[[Request], Awaitable[Any]]
"""Answers with a response, or with what is to be its JSON; may raise Refused."""

DOMAIN_TEXTS = {401: "Invalid private key", 404: "Domain not found"}
"""The calls about a domain itself have texts of their own for the same refusals."""


class Refused(Exception):
    """The call is answered with this status and JSON; a text becomes its `message`."""

    def __init__(
        self, status: int, content: object, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, content)
        self.status = status
        self.headers = headers
        self.content = {"message": content} if isinstance(content, str) else content


def guarded(
    account: Account,
    handler: Handler,
    *,
    texts: Mapping[int, str] | None = None,
    quota: Quota | None = None,
    domain_of: Callable[[Request], Awaitable[str]] | None = None,
) -> Callable[[Request], Awaitable[Response]]:
    """`domain_of` finds the domain of a call whose path names none: only faults need it."""

    async def endpoint(request: Request) -> Response:
        account.store.count(lookups=1)
        domain = request.path_params.get("domain", "")
        searched = await domain_of(request) if domain_of else ""
        if fault := await account.fault("before", "lookup", domain or searched):
            return fault
        if refusal := account.refusal(request, domain):
            text = (texts or {}).get(refusal.status_code)
            return JSONResponse({"message": text}, refusal.status_code) if text else refusal
        if quota and (wait := quota.take(account.options.now())):
            return JSONResponse({"message": "Too Many Requests", "retry-seconds": wait}, 429)
        try:
            answer = await handler(request)
        except Refused as refused:
            return JSONResponse(refused.content, refused.status, refused.headers)
        except BadBody as problem:
            return JSONResponse({"message": str(problem)}, problem.status)
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    return endpoint


async def form_of(request: Request) -> Form:
    """The parameters of a call, in either form encoding or as one JSON object. Raises BadBody."""
    headers = request.headers
    body = await read_body(request.stream())
    kind = headers.get("content-type", "")
    if kind.startswith("application/json"):
        return _form_of_json(body)
    return parse_form(body, kind, headers.get("content-encoding", ""))


def _form_of_json(body: bytes) -> Form:
    try:
        content = json.loads(body or b"{}")
    except ValueError as error:
        raise BadBody("unable to parse request: invalid JSON") from error
    if not isinstance(content, dict):
        raise BadBody("unable to parse request: not a JSON object")
    return Form(
        {
            name: [str(one) for one in (value if isinstance(value, list) else [value])]
            for name, value in content.items()
            if value is not None
        }
    )


async def json_of(request: Request) -> dict[str, Any]:
    """The body as a JSON object; an empty one for no body. Raises Refused."""
    try:
        content = json.loads(await request.body() or b"{}")
    except ValueError:
        raise Refused(400, "the request is not valid JSON") from None
    if not isinstance(content, dict):
        raise Refused(400, "the request is not a JSON object")
    return content


def base_url(request: Request) -> str:
    """Where the links of an answer lead."""
    return f"{request.url.scheme}://{request.url.netloc}"


def limit_of(request: Request, default: int, most: int) -> int:
    """The `limit` parameter, never more than `most`. Raises Refused."""
    try:
        return min(max(int(request.query_params.get("limit") or default), 1), most)
    except ValueError:
        raise Refused(400, "limit is not a number") from None
