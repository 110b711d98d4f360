"""POST /v3/{domain}/messages and /messages.mime: from the request to the queued mail."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import ceil

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from consumer.sandbox.mailgun import beyond_limits
from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.addresses import parse_mailboxes
from consumer.sandbox.mailgun.answered_id import answered_id
from consumer.sandbox.mailgun.compose import QUEUED, compose
from consumer.sandbox.mailgun.domains import MESSAGE_TTL
from consumer.sandbox.mailgun.events import Step
from consumer.sandbox.mailgun.form import BadBody, Form, Upload, parse_form, read_body
from consumer.sandbox.mailgun.guard import Refused
from consumer.sandbox.mailgun.limits import exceeded
from consumer.sandbox.mailgun.probation import probation_refusal
from consumer.sandbox.mailgun.switches import Switches
from consumer.sandbox.mailgun.template_sending import Applied, BadTemplateCall, applied
from consumer.sandbox.mailgun.validation import problem_of_message, problem_of_mime

_NO_HEADERS: Mapping[str, str] = {}
_MAX_ANSWERED = 100_000

Problem = Callable[[Form, Switches], str | None]


class Sending:
    """The two calls that a sending key may make."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._world = account.world
        self._answered: dict[str, dict[str, str]] = {}
        """Idempotency key → answer, for the switch that honours it."""

    async def messages(self, request: Request) -> Response:
        return await self._send(request, problem_of_message)

    async def mime(self, request: Request) -> Response:
        return await self._send(request, problem_of_mime)

    async def _send(self, request: Request, problem_of: Problem) -> Response:
        account = self._account
        account.store.count(calls=1)
        try:
            response = await self._answer(request, problem_of)
        except ClientDisconnect:
            # Gone before its request was whole: nothing is accepted, and nobody hears this.
            return account.cut()
        latency = account.options.latency_seconds
        if latency and not await account.wire.wait(latency):
            return account.cut()
        return response

    async def _answer(self, request: Request, problem_of: Problem) -> Response:
        account, domain = self._account, request.path_params["domain"]
        form, size, bad_body = await _read(request)
        recipients = _recipients(form)
        if fault := await account.fault("before", "send", domain, recipients):
            return fault
        if refusal := account.refusal(request, domain, sending=True):
            return self._rejected(refusal)
        if bad_body is not None:
            return self._rejected(JSONResponse({"message": str(bad_body)}, bad_body.status))
        try:
            form, template = self._checked(form, domain, problem_of)
            headers = self._allowed(domain, recipients, size)
        except Refused as refused:
            return self._rejected(JSONResponse(refused.content, refused.status, refused.headers))
        response = self._accept(request, form, template, headers)
        return await account.fault("after", "send", domain, recipients) or response

    def _checked(self, form: Form, domain: str, problem_of: Problem) -> tuple[Form, Applied | None]:
        """The form as it is meant. Raises Refused."""
        switches = self._world.switches.now
        if switches.mime_without_file == "take":
            form = _with_message_as_file(form)
        try:
            form, template = applied(form, domain, self._world.templates)
        except BadTemplateCall as problem:
            raise Refused(400, str(problem)) from problem
        if text := problem_of(form, switches):
            raise Refused(400, text)
        known, now = self._world.domains.known.get(domain.lower()), self._account.options.now()
        ttl = known.message_ttl if known is not None else MESSAGE_TTL
        if beyond := beyond_limits.refusal(form, ttl, now, switches):
            raise Refused(beyond.status, beyond.text)
        return form, template

    def _allowed(self, domain: str, recipients: list[str], size: int) -> Mapping[str, str]:
        """The headers of an answer. Raises Refused where the account or the domain may not send
        this now."""
        world = self._world
        if text := world.domains.refusal(domain, recipients):
            raise Refused(400, text)
        if large := probation_refusal(domain, len(recipients), world.probation_recipients):
            raise Refused(403, large)
        allowance = world.limits.take(domain, len(recipients), size)
        if allowance is None:
            return _NO_HEADERS
        switches, now = world.switches.now, self._account.options.now()
        if not allowance.refused:
            return allowance.headers() if switches.rate_limit_headers == "all" else _NO_HEADERS
        headers = allowance.headers() if switches.rate_limit_headers != "none" else {}
        if switches.retry_after:
            headers["Retry-After"] = str(ceil(allowance.ends_at - now))
        text = exceeded(domain, allowance, now, switches)
        raise Refused(switches.rate_limit_status, text, headers)

    def _accept(
        self,
        request: Request,
        form: Form,
        template: Applied | None,
        headers: Mapping[str, str],
    ) -> Response:
        world, now = self._world, self._account.options.now()
        switches = world.switches.now
        key = form.first("h:X-Idempotency-Key") if switches.idempotency_key == "answered" else ""
        if key in self._answered:
            return JSONResponse(self._answered[key])
        call = compose(form, request.path_params["domain"].lower(), now, switches)
        mails = call.mails
        if acting := self._account.acting_for(request):
            mails = tuple(replace(mail, subaccount=acting) for mail in mails)
        if template is not None:
            mails = tuple(template.rendered(mail) for mail in mails)
        world.tags.seen(mails, now)
        stored = world.store.accept(mails)
        if switches.batch_request_event == "event" and mails[0].batch_id is not None:
            nobody = {"recipient": "", "recipient-domain": ""}
            world.store.happen(stored[0], Step("accepted", 0.0, nobody))
        answer = {"id": f"<{answered_id(call, form, switches, now)}>", "message": QUEUED}
        if key and len(self._answered) < _MAX_ANSWERED:
            self._answered[key] = answer
        return Response(msgspec.json.encode(answer), headers=headers, media_type="application/json")

    def _rejected(self, response: Response) -> Response:
        self._account.store.count(rejected_calls=1)
        return response


async def _read(request: Request) -> tuple[Form, int, BadBody | None]:
    """The form and the bytes of its body, or what is wrong with it."""
    headers = request.headers
    try:
        body = await read_body(request.stream())
        content_type = headers.get("content-type", "")
        form = parse_form(body, content_type, headers.get("content-encoding", ""))
    except BadBody as problem:
        return Form(), 0, problem
    return form, len(body), None


def _recipients(form: Form) -> list[str]:
    """Every address that is one; a fault may be meant for a call that the rules refuse."""
    values = [value for name in ("to", "cc", "bcc") for value in form.all(name)]
    return [mailbox.address for mailbox in parse_mailboxes(values) or []]


def _with_message_as_file(form: Form) -> Form:
    """mailgun.js sends a MIME text as a plain field."""
    texts = form.fields.get("message")
    if not texts or "message" in form.files:
        return form
    upload = Upload("message.mime", "message/rfc822", texts[0].encode())
    return Form(form.fields, form.files | {"message": [upload]})
