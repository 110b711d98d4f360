"""POST /v3/{domain}/messages and /messages.mime: from the request to the queued mail."""

from collections.abc import Callable
from dataclasses import replace

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.addresses import parse_mailboxes
from consumer.sandbox.mailgun.compose import compose
from consumer.sandbox.mailgun.form import BadBody, Form, parse_form, read_body
from consumer.sandbox.mailgun.probation import probation_refusal
from consumer.sandbox.mailgun.validation import problem_of_message, problem_of_mime

QUEUED = "Queued. Thank you."


class Sending:
    """The two calls that a sending key may make."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def messages(self, request: Request) -> Response:
        return await self._send(request, problem_of_message)

    async def mime(self, request: Request) -> Response:
        return await self._send(request, problem_of_mime)

    async def _send(self, request: Request, problem_of: Callable[[Form], str | None]) -> Response:
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

    async def _answer(self, request: Request, problem_of: Callable[[Form], str | None]) -> Response:
        account, domain = self._account, request.path_params["domain"]
        form, bad_body = await _read(request)
        recipients = _recipients(form)
        if fault := await account.fault("before", "send", domain, recipients):
            return fault
        if refusal := account.refusal(request, domain, sending=True):
            return self._rejected(refusal)
        if bad_body is not None:
            return self._rejected(_message(str(bad_body), bad_body.status))
        if problem := problem_of(form):
            return self._rejected(_message(problem, 400))
        most = account.options.probation_recipients
        if refusal := probation_refusal(domain, len(recipients), most):
            return self._rejected(refusal)
        call = compose(form, domain.lower(), account.options.now())
        mails = call.mails
        if acting := account.acting_for(request):
            mails = tuple(replace(mail, subaccount=acting) for mail in mails)
        account.store.accept(mails)
        if fault := await account.fault("after", "send", domain, recipients):
            return fault
        return JSONResponse({"id": f"<{call.id}>", "message": QUEUED})

    def _rejected(self, response: Response) -> Response:
        self._account.store.count(rejected_calls=1)
        return response


async def _read(request: Request) -> tuple[Form, BadBody | None]:
    headers = request.headers
    try:
        body = await read_body(request.stream())
        content_type = headers.get("content-type", "")
        return parse_form(body, content_type, headers.get("content-encoding", "")), None
    except BadBody as problem:
        return Form(), problem


def _recipients(form: Form) -> list[str]:
    """Every address that is one; a fault may be meant for a call that the rules refuse."""
    values = [value for name in ("to", "cc", "bcc") for value in form.all(name)]
    return [mailbox.address for mailbox in parse_mailboxes(values) or []]


def _message(text: str, status: int) -> Response:
    return JSONResponse({"message": text}, status)
