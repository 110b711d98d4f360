"""The door: what is asked of a request, in which order, and what it is answered.

======  ======================================================================================
answer  when; and what the sender does with it
======  ======================================================================================
200     all of it is acknowledged by Kafka. A broken alert beside good ones is told, and kept:
        the message without the good ones goes to the topic, too, and is a dead letter there
400     nothing in it can be read, or an event among others: which and why, in one line. Events
        beside it are acknowledged by Kafka all the same; sent again they are duplicates
401     no token or password of a client
408     the body did not come in time
413     the body is too large, packed or unpacked
415     a Content-Encoding that is not gzip
429     too often; Retry-After says when. Webhooks are told 503 instead: Alertmanager comes again
        at once after that, but after any 4xx only minutes later, with the next `group_interval`
500     a defect of ours: it has to come again
503     Kafka is away, or did not acknowledge in time, or a webhook came too often: it has to
        come again
======  ======================================================================================
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from consumer.domain.errors import BrokerUnavailable, InvalidMessage
from consumer.formats import Mappings
from consumer.ingest.credentials import STRANGER, Credentials
from consumer.ingest.rates import Rates
from consumer.ingest.reading import Contents, Door, contents, told
from consumer.ingest.unpacking import Body, BrokenBody, GzipBody, TooLargeBody
from consumer.ingest.writer import Entry, Writer, entry_of
from consumer.ports import Clock

#: Seconds for a body: senders have it ready.
_BODY_SECONDS: Final = 10.0
#: Seconds after which Kafka may be back.
_AWAY_SECONDS: Final = 5.0
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer, Basic realm="messenger"'}
_ENCODINGS: Final[Mapping[str, type[Body]]] = {
    "": Body,
    "identity": Body,
    "gzip": GzipBody,
    "x-gzip": GzipBody,
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a request was answered."""

    status: int
    #: In one line.
    said: str
    #: Events that Kafka has acknowledged.
    taken: int = 0
    refused: int = 0
    #: Alerts that the sender left out of its message.
    left_out: int = 0
    headers: Mapping[str, str] = {}


#: Told the door, the client's name or STRANGER, and the answer.
OnAnswer = Callable[[Door, str, Answer], None]


class _Refused(Exception):
    """The answer where there is nothing to take."""

    def __init__(self, status: int, said: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(said)
        self.answer = Answer(status=status, said=said, headers=headers or {})


class Doors:
    """The handlers; `app` is what a server runs."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        rates: Rates,
        writer: Writer,
        clock: Clock,
        mappings: Mappings,
        max_body_bytes: int,
        on_answer: OnAnswer = lambda _door, _client, _answer: None,
        body_seconds: float = _BODY_SECONDS,
    ) -> None:
        """`rates`: by the clients' names, and STRANGER."""
        self._credentials = credentials
        self._rates = rates
        self._writer = writer
        self._clock = clock
        self._mappings = mappings
        self._max_body_bytes = max_body_bytes
        self._on_answer = on_answer
        self._body_seconds = body_seconds
        self.app = Starlette(
            routes=[Route(f"/{door}", self._handler(door), methods=["POST"]) for door in Door]
        )

    def _handler(self, door: Door) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            client = self._credentials.client(request.headers.get("authorization")) or STRANGER
            try:
                self._let_in(client, door)
                body = await self._body(request)
                answer = await run_in_threadpool(self._take, door, body)
            except _Refused as refused:
                answer = refused.answer
            except ClientDisconnect:
                answer = Answer(status=408, said="the sender has gone")
            except Exception as error:  # noqa: BLE001  # a defect of ours: it has to come again
                answer = Answer(status=500, said=f"{type(error).__name__} in the door")
            self._on_answer(door, client, answer)
            content = {"message": answer.said, "taken": answer.taken}
            return JSONResponse(content, answer.status, dict(answer.headers))

        return handle

    def _let_in(self, client: str, door: Door) -> None:
        """By name and rate. Strangers are counted too: secrets are not to be tried out."""
        wait = self._rates.wait(client)
        if wait:
            is_webhook = client != STRANGER and door is not Door.EVENTS
            again = {"Retry-After": str(math.ceil(wait))}
            raise _Refused(503 if is_webhook else 429, "too many requests", again)
        if client == STRANGER:
            raise _Refused(401, "give the token or name and password of a client", _CHALLENGE)

    async def _body(self, request: Request) -> bytes:
        """Not more than the limit is ever held, whatever the headers promise."""
        encoding = request.headers.get("content-encoding", "").strip().lower()
        kind = _ENCODINGS.get(encoding)
        if kind is None:
            raise _Refused(415, "Content-Encoding: only gzip is known", {"Accept-Encoding": "gzip"})
        body = kind(self._max_body_bytes)
        try:
            async with asyncio.timeout(self._body_seconds):
                async for chunk in request.stream():
                    body.feed(chunk)
            return body.end()
        except TimeoutError:
            raise _Refused(408, "the body did not come in time") from None
        except TooLargeBody:
            limit = f"the body has more than {self._max_body_bytes} bytes"
            raise _Refused(413, f"{limit}; send less at once") from None
        except BrokenBody as broken:
            raise _Refused(400, str(broken)) from None

    def _take(self, door: Door, body: bytes) -> Answer:
        """Read, write, and say what became of it."""
        found = contents(door, body, self._mappings)
        now_ms = int(self._clock.now() * 1000)
        entries = [entry_of(event, now_ms) for event in found.events]
        if found.rest is not None:
            entries.append(Entry(None, found.rest))
        try:
            answers = self._writer.write(entries)
        except BrokerUnavailable:
            # The log and /readyz say why; where Kafka is, is not the sender's affair.
            again = {"Retry-After": f"{_AWAY_SECONDS:.0f}"}
            raise _Refused(503, "Kafka is away, send it again", again) from None
        return _answer(found, answers)


def _answer(found: Contents, answers: Sequence[InvalidMessage | None]) -> Answer:
    """`answers`: Kafka's, of the events and then of the rest of the message."""
    too_large = [
        f"event {event.id}: {answer.detail}"
        for event, answer in zip(found.events, answers, strict=False)
        if answer is not None
    ]
    refused = [*found.refused, *too_large]
    taken = len(found.events) - len(too_large)
    is_kept = not too_large and found.rest is not None and answers[-1] is None
    said = f"{taken} taken"
    if refused:
        said += f"; {'as a dead letter' if is_kept else 'refused'}: {told(refused)}"
    if found.left_out:
        said += f"; {found.left_out} alerts were left out by the sender"
    return Answer(
        status=400 if refused and not is_kept else 200,
        said=said,
        taken=taken,
        refused=len(refused),
        left_out=found.left_out,
    )
