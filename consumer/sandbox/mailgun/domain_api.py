"""The calls about the sending domains: list, get, create, update, verify, delete; their queues;
whom a sandbox domain may send to."""

from typing import Any

from starlette.requests import Request

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.domains import MAX_DOMAINS, Domain
from consumer.sandbox.mailgun.form import Form
from consumer.sandbox.mailgun.guard import Refused, form_of, limit_of

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
_TRUE = ("yes", "true")
_FLAGS = ("require_tls", "skip_verification", "wildcard")
_TEXTS = ("spam_action", "web_scheme", "web_prefix")


class DomainCalls:
    """Each handler answers with JSON, or raises Refused."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._domains = account.world.domains

    async def index(self, request: Request) -> object:
        parameters = request.query_params
        state, search = parameters.get("state", ""), parameters.get("search", "").lower()
        found = [
            domain
            for domain in [*self._domains.known.values()]
            if state in ("", domain.state) and search in domain.name
        ]
        sort, _, way = parameters.get("sort", "name:asc").partition(":")
        if sort == "name":
            found.sort(key=lambda domain: domain.name, reverse=way == "desc")
        limit = limit_of(request, DEFAULT_LIMIT, MAX_LIMIT)
        skip = parameters.get("skip", "0")
        if not skip.isdecimal():
            raise Refused(400, "skip is not a number")
        page = found[int(skip) : int(skip) + limit]
        return {"total_count": len(found), "items": [domain.as_json() for domain in page]}

    async def get(self, request: Request) -> object:
        return _whole(self._known(request))

    async def create(self, request: Request) -> object:
        form = await form_of(request)
        name = form.first("name").lower()
        if not name or "/" in name or "." not in name:
            raise Refused(400, f"'{name}' is not a valid domain name")
        if name in self._domains.known:
            raise Refused(400, f"This domain name is already taken: {name}")
        if len(self._domains.known) >= MAX_DOMAINS:
            raise Refused(403, "Too many domains")
        state = "active" if form.first("force_active") in _TRUE else "unverified"
        domain = Domain(
            name=name, created_at=self._account.options.now(), state=state, **_settings(form)
        )
        self._domains.put(domain)
        return {"message": "Domain DNS records have been created", **_whole(domain)}

    async def update(self, request: Request) -> object:
        form = await form_of(request)
        domain = self._domains.change(self._known(request).name, **_settings(form))
        return {"message": "Domain has been updated", **_whole(domain)}

    async def verify(self, request: Request) -> object:
        """The DNS of the fake is always right."""
        domain = self._known(request)
        if domain.state == "unverified":
            domain = self._domains.change(domain.name, state="active")
        return {"message": "Domain DNS records have been updated", **_whole(domain)}

    async def delete(self, request: Request) -> object:
        self._domains.remove(self._known(request).name)
        return {"message": "Domain will be deleted in the background"}

    async def queues(self, request: Request) -> object:
        self._known(request)
        return {
            queue: {"is_disabled": False, "disabled": {"until": "", "reason": ""}}
            for queue in ("regular", "scheduled")
        }

    async def drop_queues(self, request: Request) -> object:
        """What is scheduled or being retried is never delivered."""
        self._account.store.cancel(request.path_params["domain"].lower())
        return {"message": "done"}

    async def authorized(self, _: Request) -> object:
        return {
            "recipients": [
                {"email": address, "activated": True}
                for address in sorted(self._domains.authorized)
            ]
        }

    async def authorize(self, request: Request) -> object:
        address = request.query_params.get("email") or (await form_of(request)).first("email")
        if "@" not in address:
            raise Refused(400, "email is not a valid address")
        self._domains.authorized.add(address.lower())
        return {"recipient": {"email": address, "activated": True}}

    async def unauthorize(self, request: Request) -> object:
        self._domains.authorized.discard(request.path_params["address"].lower())
        return {"message": "deleted"}

    def _known(self, request: Request) -> Domain:
        domain = self._domains.get(request.path_params["domain"])
        if domain is None:
            raise Refused(404, "Domain not found")
        return domain


def _whole(domain: Domain) -> dict[str, Any]:
    return {"domain": domain.as_json(), **domain.records()}


def _settings(form: Form) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: form.first(name).lower() in _TRUE for name in _FLAGS if form.first(name)
    }
    values |= {name: form.first(name) for name in _TEXTS if form.first(name)}
    if ttl := form.first("message_ttl"):
        if not ttl.isdecimal():
            raise Refused(400, "message_ttl is not a number")
        values["message_ttl"] = int(ttl)
    return values
