"""The calls about a domain's tracking settings. They are kept, and change no mail: the fake
rewrites no links and adds no pixels and no footers."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.domains import Domain
from consumer.sandbox.mailgun.form import Form
from consumer.sandbox.mailgun.guard import Refused, form_of

_CLICKS = {
    "yes": "true",
    "true": "true",
    "htmlonly": "htmlonly",
    "no": "false",
    "false": "false",
}


class TrackingCalls:
    """Each handler answers with JSON, or raises Refused."""

    def __init__(self, account: Account) -> None:
        self._domains = account.world.domains

    async def get(self, request: Request) -> object:
        return {"tracking": self._known(request).tracking()}

    async def set_open(self, request: Request) -> object:
        flags = {"active": "tracks_opens", "place_at_the_top": "pixel_at_the_top"}
        return await self._set(request, "open", lambda form: _flags(form, flags))

    async def set_click(self, request: Request) -> object:
        return await self._set(request, "click", _clicks)

    async def set_unsubscribe(self, request: Request) -> object:
        return await self._set(request, "unsubscribe", _unsubscribes)

    async def _set(
        self, request: Request, name: str, settings: Callable[[Form], dict[str, Any]]
    ) -> object:
        changes = settings(await form_of(request))
        domain = self._domains.change(self._known(request).name, **changes)
        return {
            "message": "Domain tracking settings have been updated",
            name: domain.tracking()[name],
        }

    def _known(self, request: Request) -> Domain:
        domain = self._domains.get(request.path_params["domain"])
        if domain is None:
            raise Refused(404, "Domain not found")
        return domain


def _flags(form: Form, names: dict[str, str]) -> dict[str, Any]:
    """Without a parameter its setting stays."""
    return {
        field: _CLICKS.get(form.first(name).lower()) == "true"
        for name, field in names.items()
        if form.first(name)
    }


def _clicks(form: Form) -> dict[str, Any]:
    given = form.first("active").lower()
    if given and given not in _CLICKS:
        raise Refused(400, f"'{given}' is not a valid state of click tracking")
    return {"tracks_clicks": _CLICKS[given]} if given else {}


def _unsubscribes(form: Form) -> dict[str, Any]:
    footers = {
        name: form.first(name) for name in ("html_footer", "text_footer") if name in form.fields
    }
    return _flags(form, {"active": "tracks_unsubscribes"}) | footers
