"""The hands of a test on the fake, under `/_fake/`. No key needed: keep it on loopback.

POST   /_fake/reset      forget mails, events, totals and faults
GET    /_fake/stats      totals as JSON: calls, accepted_messages, duplicate_messages, …
GET    /_fake/messages   the mails in the order of acceptance, whole; parameters `limit` (the
                         newest so many, default 10000), `after` (a sequence number),
                         `message_id` (brackets or not), `recipient`
GET    /_fake/faults     what is left of the script
POST   /_fake/faults     add one fault or a list of them; the fields are those of
                         `faults.Fault`, `domain` and `recipient` may stand under `match`
DELETE /_fake/faults     forget the script

Example: [{"kind": "throttle", "status": 420, "retry": "seconds", "seconds": 2, "count": 3},
          {"kind": "reset", "when": "after", "match": {"recipient": "*@example.org"}}]
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from consumer.sandbox.mailgun.faults import Script, parse_script
from consumer.sandbox.mailgun.mail import Stored
from consumer.sandbox.mailgun.store import Store

DEFAULT_LIMIT = 10_000


class Control:
    """The handlers of the list above."""

    def __init__(self, store: Store, script: Script) -> None:
        self._store = store
        self._script = script

    async def reset(self, _: Request) -> Response:
        self._store.reset()
        self._script.clear()
        return JSONResponse({"message": "reset"})

    async def stats(self, _: Request) -> Response:
        return JSONResponse(self._store.stats())

    async def messages(self, request: Request) -> Response:
        parameters = request.query_params
        try:
            limit = int(parameters.get("limit") or DEFAULT_LIMIT)
            after = int(parameters.get("after") or 0)
        except ValueError:
            return JSONResponse({"message": "limit and after are numbers"}, 400)
        found = received(
            self._store,
            message_id=parameters.get("message_id", ""),
            recipient=parameters.get("recipient", ""),
            after=after,
            limit=limit,
        )
        return JSONResponse({"items": [stored.as_json() for stored in found]})

    async def faults(self, _: Request) -> Response:
        return JSONResponse({"items": self._script.remaining()})

    async def add_faults(self, request: Request) -> Response:
        try:
            self._script.add(parse_script(await request.json()))
        except ValueError as problem:
            return JSONResponse({"message": str(problem)}, 400)
        return await self.faults(request)

    async def clear_faults(self, request: Request) -> Response:
        self._script.clear()
        return await self.faults(request)


def received(
    store: Store,
    *,
    message_id: str = "",
    recipient: str = "",
    after: int = 0,
    limit: int = DEFAULT_LIMIT,
) -> list[Stored]:
    """The newest `limit` mails that match, oldest first. Empty text matches everything."""
    message_id, recipient = message_id.strip("<>"), recipient.lower()

    def keep(stored: Stored) -> bool:
        mail = stored.mail
        return (
            stored.sequence > after
            and message_id in ("", mail.message_id)
            and recipient in ("", mail.recipient.lower())
        )

    return store.messages(keep, limit)[::-1]
