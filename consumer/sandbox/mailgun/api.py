"""The routes: Mailgun's, the control interface and the inbox, as one ASGI application."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.control import Control
from consumer.sandbox.mailgun.control_rules import RuleControl
from consumer.sandbox.mailgun.deliveries import Delivery
from consumer.sandbox.mailgun.fault_replies import MAGNIFICENT
from consumer.sandbox.mailgun.faults import Fault
from consumer.sandbox.mailgun.lookups import Lookups
from consumer.sandbox.mailgun.pages import Pages
from consumer.sandbox.mailgun.sending import Sending
from consumer.sandbox.mailgun.world import World


def build_app(account: Account) -> Router:
    """A bare router: no middleware between the server and a send."""
    routes = [
        *_mailgun_routes(account),
        *_control_routes(account.world),
        *_page_routes(Pages(account.store)),
    ]
    return Router(routes, redirect_slashes=False, default=_not_routed)


def _mailgun_routes(account: Account) -> list[BaseRoute]:
    sending, lookups = Sending(account), Lookups(account)
    return [
        Route("/v3/{domain}/messages", sending.messages, methods=["POST"]),
        Route("/v3/{domain}/messages.mime", sending.mime, methods=["POST"]),
        Route("/v3/{domain}/events", lookups.events),
        Route("/v3/{domain}/events/{token}", lookups.events),
        Route("/v3/domains/{domain}/messages/{key}", lookups.stored_message),
        Route("/v4/domains/{domain}", lookups.domain),
        Route("/v3/domains/{domain}", lookups.domain),  # where Mailgun's Python SDK still asks
        Route("/v1/analytics/logs", lookups.logs, methods=["POST"]),
    ]


def _control_routes(world: World) -> list[BaseRoute]:
    control = Control(world)
    return [
        Route("/_fake/reset", control.reset, methods=["POST"]),
        Route("/_fake/stats", control.stats),
        Route("/_fake/messages", control.messages),
        Route("/_fake/events", control.events),
        Route("/_fake/events", control.add_event, methods=["POST"]),
        Route("/_fake/switches", control.switches),
        Route("/_fake/switches", control.set_switches, methods=["PUT"]),
        *_rule_routes("/_fake/faults", RuleControl(world.script, Fault)),
        *_rule_routes("/_fake/deliveries", RuleControl(world.deliveries, Delivery)),
    ]


def _rule_routes(path: str, control: RuleControl[Any]) -> list[BaseRoute]:
    return [
        Route(path, control.list),
        Route(path, control.add, methods=["POST"]),
        Route(path, control.forget, methods=["DELETE"]),
    ]


def _page_routes(pages: Pages) -> list[BaseRoute]:
    return [
        Route("/", pages.inbox),
        Route("/_fake/static/{name}", pages.static),
    ]


async def _not_routed(scope: Scope, receive: Receive, send: Send) -> None:
    """Mailgun answers 200 to a path that it does not know, except under /v1/analytics."""
    if Request(scope).url.path.startswith("/v1/analytics/"):
        await JSONResponse({"error": "not found"}, 404)(scope, receive, send)
    else:
        await PlainTextResponse(MAGNIFICENT)(scope, receive, send)
