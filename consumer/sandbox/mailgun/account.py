"""What every API call shares: the world, the wire, and who may call."""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from consumer.sandbox.mailgun.fault_replies import reply_of
from consumer.sandbox.mailgun.keys import may
from consumer.sandbox.mailgun.subaccounts import MAIN
from consumer.sandbox.mailgun.wire import Reset, Wire
from consumer.sandbox.mailgun.world import World


class Account:
    """One Mailgun account as the API's handlers see it."""

    def __init__(self, world: World, wire: Wire) -> None:
        self.world = world
        self.options = world.options
        self.store = world.store
        self.wire = wire

    def refusal(self, request: Request, domain: str, *, sending: bool = False) -> Response | None:
        """Why this key may not make this call, or None. The bare 401 text is Mailgun's."""
        world = self.world
        key = world.keys.find(request.headers.get("authorization", ""))
        if key is None:
            return PlainTextResponse("Forbidden", 401)
        if not sending and not may(key, request.method, request.url.path, world.switches):
            return JSONResponse({"message": "Forbidden"}, 403)
        if sending and (key.role == "basic" or key.domain not in ("", domain.lower())):
            return PlainTextResponse("Forbidden", 401)
        if acting := self.acting_for(request):
            subaccount = world.subaccounts.known.get(acting)
            if subaccount is None or subaccount.status != "open":
                return PlainTextResponse("Forbidden", 401)
        if domain and not world.domains.knows(domain):
            return JSONResponse({"message": f"Domain not found: {domain}"}, 404)
        return None

    def acting_for(self, request: Request) -> str:
        """The id of the subaccount in whose name the call is made; empty: none."""
        return request.headers.get("x-mailgun-on-behalf-of", MAIN)

    async def fault(
        self, when: str, call: str, domain: str, recipients: Iterable[str] = ()
    ) -> Response | None:
        """The scripted answer to this call, if there is one. A scripted wait happens here."""
        fault = self.world.script.take(when, call, domain, recipients)
        if fault is None:
            return None
        self.store.count(faults_served=1)
        return await reply_of(fault, domain, self.options.now(), self.wire)

    def cut(self) -> Response:
        """What a client gets whose answer was still due when the server stopped."""
        return Reset(self.wire)
