"""Fault → the answer that the client gets instead of the right one."""

from http import HTTPStatus

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from consumer.sandbox.mailgun.faults import Fault
from consumer.sandbox.mailgun.limits import exceeded_text
from consumer.sandbox.mailgun.wire import Reset, Silence, Truncated, Wire

MAGNIFICENT = "Mailgun Magnificent API"
"""Mailgun's 200 for a path that it does not route."""

_BAD_GATEWAY = """<html>
<head><title>502 Bad Gateway</title></head>
<body>
<center><h1>502 Bad Gateway</h1></center>
<hr><center>nginx</center>
</body>
</html>
"""


async def reply_of(fault: Fault, domain: str, now: float, wire: Wire) -> Response | None:
    """None: the fault was a wait, the call goes on."""
    if fault.kind == "delay":
        return None if await wire.wait(fault.seconds) else Reset(wire)
    if fault.kind == "hang":
        return Silence(wire)
    if fault.kind == "reset":
        return Reset(wire)
    if fault.kind == "truncate":
        return Truncated(wire, b'{"id": "<a@b>", "message": "Queued. Thank you."}')
    return _answer(fault, domain, now)


def _answer(fault: Fault, domain: str, now: float) -> Response:
    headers = dict(fault.headers)
    if fault.kind == "magnificent":
        return PlainTextResponse(MAGNIFICENT, headers=headers)
    if fault.kind == "html502":
        return HTMLResponse(_BAD_GATEWAY, 502, headers)
    if fault.kind == "throttle":
        return JSONResponse(
            {"message": throttled(fault, domain, now)}, fault.status or 429, headers
        )
    status = fault.status or 500
    if isinstance(fault.body, str):
        return PlainTextResponse(fault.body, status, headers)
    return JSONResponse(fault.body or {"message": _phrase(status)}, status, headers)


def throttled(fault: Fault, domain: str, now: float) -> str:
    """What a scripted throttle says."""
    ends_at = round(now + fault.seconds) if fault.retry == "date" else now + fault.seconds
    return exceeded_text(domain, fault.why, ends_at, now, in_words=fault.retry == "seconds")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
