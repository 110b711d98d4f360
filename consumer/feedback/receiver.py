"""The webhook receiver: an answer only when the report's record is acknowledged by Kafka.

======  ======================================================================================
answer  when; and what Mailgun does then
======  ======================================================================================
200     recorded, known before, or nothing for us: it is done
406     can never be taken: no JSON, too large, signature wrong or too old, a used token with
        something else: it does not come again
408     the body did not come in time: it comes again
503     could not be stored, or the clocks disagree: it comes again
======  ======================================================================================

It comes again for some 8 hours, `delivered` perhaps not at all: the poller fills that.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from consumer.domain.errors import BrokerUnavailable, LedgerUnavailable
from consumer.feedback.recorder import Entry, Outcome, Recorder
from consumer.feedback.signature import Checked, check, token_of
from consumer.ports import Clock, Secret

#: Seconds for a body: Mailgun's is a few kilobytes, and sent at once.
_BODY_SECONDS: Final = 10.0

_NEVER: Final = frozenset({Outcome.UNREADABLE, Outcome.REPLAYED})
_SIGNATURES: Final = {
    Checked.BAD: (406, "the signature is not ours"),
    Checked.OLD: (406, "the signature is too old"),
    Checked.AHEAD: (503, "the signature is of a time to come; check the clocks"),
}


class ReceiverRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator chose."""

    path: str
    max_age_seconds: float
    max_body_bytes: int


class _Refused(Exception):
    """The answer, and why, in one line."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Receiver:
    """The handler; `app` is what a server runs."""

    def __init__(
        self,
        rules: ReceiverRules,
        *,
        signing_key: Secret,
        recorder: Recorder,
        clock: Clock,
        on_answer: Callable[[int, str], None] = lambda _status, _why: None,
        body_seconds: float = _BODY_SECONDS,
    ) -> None:
        self._rules = rules
        self._key = signing_key
        self._recorder = recorder
        self._clock = clock
        self._on_answer = on_answer
        self._body_seconds = body_seconds
        self.app = Starlette(routes=[Route(rules.path, self._webhook, methods=["POST"])])

    async def _webhook(self, request: Request) -> Response:
        try:
            entry = self._entry(await self._body(request))
            status, said = await run_in_threadpool(self._record, entry)
        except _Refused as refused:
            status, said = refused.status, refused.why
        except ClientDisconnect:
            status, said = 408, "the sender has gone"
        except Exception as error:  # noqa: BLE001  # a defect of ours: it has to come again
            status, said = 500, f"{type(error).__name__} in the receiver"
        self._on_answer(status, said)
        return JSONResponse({"message": said}, status)

    async def _body(self, request: Request) -> bytes:
        """Not more than the limit is ever held, whatever the headers promise."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self._rules.max_body_bytes:
                        raise _Refused(406, "the body is too large")
        except TimeoutError:
            raise _Refused(408, "the body did not come in time") from None
        return bytes(body)

    def _entry(self, body: bytes) -> Entry:
        """The document of a webhook that Mailgun surely sent."""
        try:
            posted: Any = msgspec.json.decode(body)
        except (ValueError, RecursionError):
            posted = None
        if not isinstance(posted, dict):
            raise _Refused(406, "the body is no JSON object")
        signature = posted.get("signature")
        key = self._key.get_secret_value()
        checked = check(signature, key, self._clock.now(), self._rules.max_age_seconds)
        if checked is not Checked.GOOD:
            raise _Refused(*_SIGNATURES[checked])
        return Entry(document=posted.get("event-data"), source="webhook", token=token_of(signature))

    def _record(self, entry: Entry) -> tuple[int, str]:
        try:
            (outcome,) = self._recorder.record([entry])
        except (LedgerUnavailable, BrokerUnavailable) as error:
            away = "the ledger" if isinstance(error, LedgerUnavailable) else "Kafka"
            return 503, f"not stored, {away} does not answer"
        return (406 if outcome in _NEVER else 200), outcome.value
