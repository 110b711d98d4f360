"""The routes: Mailgun's, the control interface and the inbox, as one ASGI application."""

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.account_api import AccountCalls
from consumer.sandbox.mailgun.control import Control
from consumer.sandbox.mailgun.control_rules import RuleControl
from consumer.sandbox.mailgun.deliveries import Delivery
from consumer.sandbox.mailgun.domain_api import DomainCalls
from consumer.sandbox.mailgun.fault_replies import MAGNIFICENT
from consumer.sandbox.mailgun.faults import Fault
from consumer.sandbox.mailgun.guard import DOMAIN_TEXTS, Handler, guarded
from consumer.sandbox.mailgun.limits import Quota
from consumer.sandbox.mailgun.lookups import Lookups
from consumer.sandbox.mailgun.mischief import Mischief
from consumer.sandbox.mailgun.pages import Pages
from consumer.sandbox.mailgun.sending import Sending
from consumer.sandbox.mailgun.suppression_api import SuppressionCalls
from consumer.sandbox.mailgun.suppressions import KINDS
from consumer.sandbox.mailgun.tag_api import TagCalls
from consumer.sandbox.mailgun.template_api import TemplateCalls
from consumer.sandbox.mailgun.tracking_api import TrackingCalls
from consumer.sandbox.mailgun.webhook_api import AccountWebhooks, DomainWebhooks
from consumer.sandbox.mailgun.world import World

Row = tuple[str, str, Handler]
"""Method, path, handler."""


def build_app(account: Account) -> Router:
    """A bare router: no middleware between the server and a send."""
    sending = Sending(account)
    routes = [
        Route("/v3/{domain}/messages", sending.messages, methods=["POST"]),
        Route("/v3/{domain}/messages.mime", sending.mime, methods=["POST"]),
        *_lookup_routes(account),
        *_domain_routes(account),
        *_suppression_routes(account),
        *_tag_routes(account),
        *_template_routes(account),
        *_webhook_routes(account),
        *_account_routes(account),
        *_control_routes(account.world),
        *_page_routes(Pages(account.store, account.options)),
    ]
    return Router(routes, redirect_slashes=False, default=_not_routed)


def _lookup_routes(account: Account) -> list[BaseRoute]:
    lookups = Lookups(account)
    logs = guarded(account, lookups.logs, domain_of=lookups.searched_domain)
    return [
        *_guarded(
            account,
            [
                ("GET", "/v3/{domain}/events", lookups.events),
                ("GET", "/v3/{domain}/events/{token}", lookups.events),
                ("GET", "/v3/{domain}/stats/total", lookups.stats),
                ("GET", "/v3/stats/total", lookups.stats),
                ("GET", "/v3/domains/{domain}/messages/{key}", lookups.stored_message),
                ("POST", "/v3/domains/{domain}/messages/{key}", lookups.resend),
            ],
        ),
        *_guarded(
            account,
            [("POST", "/v1/analytics/metrics", lookups.metrics)],
            quota=Quota(500, per_seconds=10),
        ),
        Route("/v1/analytics/logs", logs, methods=["POST"]),
    ]


def _domain_routes(account: Account) -> list[BaseRoute]:
    calls, tracking = DomainCalls(account), TrackingCalls(account)
    return _guarded(
        account,
        [
            ("GET", "/v4/domains", calls.index),
            ("POST", "/v4/domains", calls.create),
            ("GET", "/v4/domains/{domain}", calls.get),
            ("PUT", "/v4/domains/{domain}", calls.update),
            ("PUT", "/v4/domains/{domain}/verify", calls.verify),
            # v3, where Mailgun's own SDKs still ask for some of it
            ("GET", "/v3/domains", calls.index),
            ("POST", "/v3/domains", calls.create),
            ("GET", "/v3/domains/{domain}", calls.get),
            ("PUT", "/v3/domains/{domain}", calls.update),
            ("DELETE", "/v3/domains/{domain}", calls.delete),
            ("PUT", "/v3/domains/{domain}/verify", calls.verify),
            ("GET", "/v3/domains/{domain}/tracking", tracking.get),
            ("PUT", "/v3/domains/{domain}/tracking/open", tracking.set_open),
            ("PUT", "/v3/domains/{domain}/tracking/click", tracking.set_click),
            ("PUT", "/v3/domains/{domain}/tracking/unsubscribe", tracking.set_unsubscribe),
            ("GET", "/v3/domains/{domain}/sending_queues", calls.queues),
            ("DELETE", "/v3/{domain}/envelopes", calls.drop_queues),
            ("GET", "/v5/sandbox/auth_recipients", calls.authorized),
            ("POST", "/v5/sandbox/auth_recipients", calls.authorize),
            ("DELETE", "/v5/sandbox/auth_recipients/{address}", calls.unauthorize),
        ],
        texts=DOMAIN_TEXTS,
    )


def _suppression_routes(account: Account) -> list[BaseRoute]:
    rows: list[Row] = []
    for kind in KINDS:
        calls = SuppressionCalls(account, kind)
        rows += [
            ("GET", f"/v3/{{domain}}/{kind}", calls.index),
            ("POST", f"/v3/{{domain}}/{kind}", calls.add),
            ("DELETE", f"/v3/{{domain}}/{kind}", calls.clear),
            ("POST", f"/v3/{{domain}}/{kind}/import", calls.load),
            ("GET", f"/v3/{{domain}}/{kind}/{{value}}", calls.get),
            ("DELETE", f"/v3/{{domain}}/{kind}/{{value}}", calls.remove),
        ]
    return _guarded(account, rows)


def _tag_routes(account: Account) -> list[BaseRoute]:
    calls = TagCalls(account)
    return _guarded(
        account,
        [
            ("GET", "/v3/{domain}/tags", calls.index),
            ("GET", "/v3/{domain}/tag", calls.get),
            ("PUT", "/v3/{domain}/tag", calls.update),
            ("DELETE", "/v3/{domain}/tag", calls.delete),
            # the older form of the same three
            ("GET", "/v3/{domain}/tags/{tag}", calls.get),
            ("PUT", "/v3/{domain}/tags/{tag}", calls.update),
            ("DELETE", "/v3/{domain}/tags/{tag}", calls.delete),
            ("GET", "/v3/domains/{domain}/limits/tag", calls.limit),
            ("POST", "/v1/analytics/tags", calls.search),
            ("PUT", "/v1/analytics/tags", calls.update_everywhere),
            ("DELETE", "/v1/analytics/tags", calls.delete_everywhere),
            ("GET", "/v1/analytics/tags/limits", calls.limits),
        ],
    )


def _template_routes(account: Account) -> list[BaseRoute]:
    calls, versions = TemplateCalls(account), "/v3/{domain}/templates/{name}/versions"
    return _guarded(
        account,
        [
            ("GET", "/v3/{domain}/templates", calls.index),
            ("POST", "/v3/{domain}/templates", calls.create),
            ("DELETE", "/v3/{domain}/templates", calls.clear),
            ("GET", "/v3/{domain}/templates/{name}", calls.get),
            ("PUT", "/v3/{domain}/templates/{name}", calls.update),
            ("DELETE", "/v3/{domain}/templates/{name}", calls.delete),
            ("GET", versions, calls.versions),
            ("POST", versions, calls.create_version),
            ("GET", versions + "/{tag}", calls.get_version),
            ("PUT", versions + "/{tag}", calls.update_version),
            ("DELETE", versions + "/{tag}", calls.delete_version),
        ],
    )


def _webhook_routes(account: Account) -> list[BaseRoute]:
    hooks, own = DomainWebhooks(account), AccountWebhooks(account)
    return _guarded(
        account,
        [
            ("GET", "/v3/domains/{domain}/webhooks", hooks.index),
            ("POST", "/v3/domains/{domain}/webhooks", hooks.create),
            ("GET", "/v3/domains/{domain}/webhooks/{kind}", hooks.get),
            ("PUT", "/v3/domains/{domain}/webhooks/{kind}", hooks.update),
            ("DELETE", "/v3/domains/{domain}/webhooks/{kind}", hooks.delete),
            ("POST", "/v4/domains/{domain}/webhooks", hooks.add_url),
            ("PUT", "/v4/domains/{domain}/webhooks", hooks.set_url),
            ("DELETE", "/v4/domains/{domain}/webhooks", hooks.remove_urls),
            ("GET", "/v1/webhooks", own.index),
            ("POST", "/v1/webhooks", own.create),
            ("DELETE", "/v1/webhooks", own.delete_several),
            ("GET", "/v1/webhooks/{id}", own.get),
            ("PUT", "/v1/webhooks/{id}", own.update),
            ("DELETE", "/v1/webhooks/{id}", own.delete),
        ],
        texts=DOMAIN_TEXTS,
        quota=Quota(300, per_seconds=60),
    )


def _account_routes(account: Account) -> list[BaseRoute]:
    calls = AccountCalls(account)
    return _guarded(
        account,
        [
            ("GET", "/v5/accounts/http_signing_key", calls.signing_key),
            ("POST", "/v5/accounts/http_signing_key", calls.new_signing_key),
            ("GET", "/v1/keys", calls.keys),
            ("POST", "/v1/keys", calls.create_key),
            ("DELETE", "/v1/keys/{id}", calls.delete_key),
            ("GET", "/v5/accounts/subaccounts", calls.subaccounts),
            ("POST", "/v5/accounts/subaccounts", calls.create_subaccount),
            ("GET", "/v5/accounts/subaccounts/{id}", calls.subaccount),
            ("POST", "/v5/accounts/subaccounts/{id}/disable", calls.disable_subaccount),
            ("POST", "/v5/accounts/subaccounts/{id}/enable", calls.enable_subaccount),
        ],
    )


def _control_routes(world: World) -> list[BaseRoute]:
    control = Control(world)
    return [
        Route("/_fake/reset", control.reset, methods=["POST"]),
        Route("/_fake/save", control.save, methods=["POST"]),
        Route("/_fake/stats", control.stats),
        Route("/_fake/messages", control.messages),
        Route("/_fake/events", control.events),
        Route("/_fake/events", control.add_event, methods=["POST"]),
        Route("/_fake/switches", control.switches),
        Route("/_fake/switches", control.set_switches, methods=["PUT"]),
        Route("/_fake/limits", control.limits),
        Route("/_fake/limits", control.set_limits, methods=["PUT"]),
        Route("/_fake/webhooks", control.webhooks),
        *_rule_routes("/_fake/faults", RuleControl(world.script, Fault)),
        *_rule_routes("/_fake/deliveries", RuleControl(world.deliveries, Delivery)),
        *_rule_routes("/_fake/webhook-mischief", RuleControl(world.mischief, Mischief)),
    ]


def _rule_routes(path: str, control: RuleControl[Any]) -> list[BaseRoute]:
    return [
        Route(path, control.index),
        Route(path, control.add, methods=["POST"]),
        Route(path, control.forget, methods=["DELETE"]),
    ]


def _page_routes(pages: Pages) -> list[BaseRoute]:
    return [
        Route("/", pages.inbox),
        Route("/_fake/static/{name}", pages.static),
    ]


def _guarded(
    account: Account,
    rows: Iterable[Row],
    *,
    texts: Mapping[int, str] | None = None,
    quota: Quota | None = None,
) -> list[BaseRoute]:
    return [
        Route(path, guarded(account, handler, texts=texts, quota=quota), methods=[method])
        for method, path, handler in rows
    ]


async def _not_routed(scope: Scope, receive: Receive, send: Send) -> None:
    """Mailgun answers 200 to a path that it does not know, except under /v1/analytics."""
    if Request(scope).url.path.startswith("/v1/analytics/"):
        await JSONResponse({"error": "not found"}, 404)(scope, receive, send)
    else:
        await PlainTextResponse(MAGNIFICENT)(scope, receive, send)
