"""The hands of a test on the fake, under `/_fake/`. No key needed: keep it on loopback.

POST   /_fake/reset      forget all that happened and was set; the switches are as at first
POST   /_fake/save       write the state file now, as at an orderly end
GET    /_fake/stats      totals as JSON: calls, accepted_messages, duplicate_messages, …
GET    /_fake/messages   the mails in the order of acceptance, whole; parameters `limit` (the
                         newest so many, default 10000), `after` (a sequence number),
                         `message_id` (brackets or not), `recipient`
GET    /_fake/events     what truly happened, invisible events too, oldest first; parameters as
                         above; `after` is a serial number
POST   /_fake/events     let something happen now to the mails that match `message_id` and
                         `recipient`: {"event": "opened", …}; `details` are added to its JSON
GET    /_fake/webhooks   every POST of a webhook and what became of it; parameter `after`, a
                         number; and how many are `waiting`, `under_way`, `dropped`
GET    /_fake/limits     the rate limits of sends, and the probation's limit of a batch
PUT    /_fake/limits     {"rate_limits": [{"limit": 100, "per_seconds": 3600, …}],
                         "probation_recipients": 10}, fields of `limits.RateLimit`
GET    /_fake/switches   every undocumented point with its position, default and meaning
PUT    /_fake/switches   {"name": position, …}
GET POST DELETE /_fake/faults       rules of `faults.Fault`: what goes wrong with calls
GET POST DELETE /_fake/deliveries   rules of `deliveries.Delivery`: what becomes of mails
GET POST DELETE /_fake/webhook-mischief   rules of `mischief.Mischief`: webhooks that are lost,
                                          doubled, late or out of order

A rule is one object or a list of them; `domain` and `recipient` may stand under `match`:
[{"kind": "throttle", "status": 420, "retry": "seconds", "seconds": 2, "count": 3},
 {"kind": "reset", "when": "after", "match": {"recipient": "*@example.org"}}]
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from consumer.sandbox.mailgun.event_json import KINDS, body
from consumer.sandbox.mailgun.events import Event, Step
from consumer.sandbox.mailgun.limits import parse_limits
from consumer.sandbox.mailgun.mail import Stored
from consumer.sandbox.mailgun.state_file import save
from consumer.sandbox.mailgun.store import Store
from consumer.sandbox.mailgun.world import World

DEFAULT_LIMIT = 10_000


class BadRequest(ValueError):
    """The call of the control interface cannot be carried out."""


class Control:
    """The handlers of the list above, but for the rules."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._store = world.store

    async def reset(self, _: Request) -> Response:
        self._world.reset()
        return JSONResponse({"message": "reset"})

    async def save(self, _: Request) -> Response:
        path = self._world.options.state_file
        if path is None:
            return JSONResponse({"message": "it was started without a state file"}, 400)
        save(self._world, path)
        return JSONResponse({"message": "saved"})

    async def stats(self, _: Request) -> Response:
        return JSONResponse(self._store.stats())

    async def messages(self, request: Request) -> Response:
        try:
            found = received(self._store, **_criteria(request))
        except BadRequest as problem:
            return JSONResponse({"message": str(problem)}, 400)
        return JSONResponse({"items": [stored.as_json() for stored in found]})

    async def events(self, request: Request) -> Response:
        try:
            found = happened(self._store, **_criteria(request))
        except BadRequest as problem:
            return JSONResponse({"message": str(problem)}, 400)
        return JSONResponse({"items": [event_as_json(event) for event in found]})

    async def add_event(self, request: Request) -> Response:
        try:
            found = let_happen(self._store, await request.json())
        except ValueError as problem:
            return JSONResponse({"message": str(problem)}, 400)
        return JSONResponse({"items": [event_as_json(event) for event in found]})

    async def webhooks(self, request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            return JSONResponse({"message": "after is a number"}, 400)
        state = self._world.postman.state()
        state["items"] = [item for item in state["items"] if item["number"] > int(after)]
        return JSONResponse(state)

    async def limits(self, _: Request) -> Response:
        world = self._world
        return JSONResponse(
            {
                "rate_limits": world.limits.described(),
                "probation_recipients": world.probation_recipients,
            }
        )

    async def set_limits(self, request: Request) -> Response:
        try:
            set_limits(self._world, await request.json())
        except ValueError as problem:
            return JSONResponse({"message": str(problem)}, 400)
        return await self.limits(request)

    async def switches(self, _: Request) -> Response:
        return JSONResponse({"items": self._world.switches.described()})

    async def set_switches(self, request: Request) -> Response:
        try:
            self._world.switches.set(await request.json())
        except ValueError as problem:
            return JSONResponse({"message": str(problem)}, 400)
        return await self.switches(request)


def _criteria(request: Request) -> dict[str, Any]:
    parameters = request.query_params
    try:
        limit = int(parameters.get("limit") or DEFAULT_LIMIT)
        after = int(parameters.get("after") or 0)
    except ValueError:
        raise BadRequest("limit and after are numbers") from None
    return {
        "message_id": parameters.get("message_id", ""),
        "recipient": parameters.get("recipient", ""),
        "after": after,
        "limit": limit,
    }


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


def happened(
    store: Store,
    *,
    message_id: str = "",
    recipient: str = "",
    after: int = 0,
    limit: int = DEFAULT_LIMIT,
) -> list[Event]:
    """The newest `limit` events that match, visible or not, oldest first."""
    message_id, recipient = message_id.strip("<>").lower(), recipient.lower()

    def keep(event: Event) -> bool:
        return event.serial > after and recipient in ("", event.stored.mail.recipient.lower())

    found = store.events(
        keep, newest_first=True, limit=limit, message_id=message_id or None, invisible=True
    )
    return found[::-1]


def let_happen(store: Store, wish: object) -> list[Event]:
    """Raises BadRequest if the event is none, or no mail matches."""
    if not isinstance(wish, dict):
        raise BadRequest("an event is a JSON object")
    kind, details = wish.get("event", ""), wish.get("details") or {}
    if kind not in KINDS or not isinstance(details, dict):
        raise BadRequest(f"event must be one of {', '.join(sorted(KINDS))}; details an object")
    found = received(
        store,
        message_id=str(wish.get("message_id", "")),
        recipient=str(wish.get("recipient", "")),
    )
    if not found:
        raise BadRequest("no such mail")
    if kind == "failed":
        details = {"severity": "permanent", "reason": "generic", "delivery-status": None} | details
    return [store.happen(stored, Step(kind, 0.0, details)) for stored in found]


def set_limits(world: World, wish: object) -> None:
    """Raises BadRequest or BadScript."""
    if not isinstance(wish, dict) or wish.keys() - {"rate_limits", "probation_recipients"}:
        raise BadRequest("an object of rate_limits and probation_recipients")
    most = wish.get("probation_recipients", world.probation_recipients)
    if most is not None and (type(most) is not int or most < 1):
        raise BadRequest("probation_recipients is a number, or null for no probation")
    if "rate_limits" in wish:
        world.limits.set(parse_limits(wish["rate_limits"]))
    world.probation_recipients = most


def event_as_json(event: Event) -> dict[str, Any]:
    """The event with what only the fake knows of it."""
    return body(event, "") | {
        "serial": event.serial,
        "sequence": event.stored.sequence,
        "visible_at": event.visible_at,
        "webhook": event.hook,
        "recipient": event.stored.mail.recipient,
        "domain": event.stored.mail.domain,
    }
