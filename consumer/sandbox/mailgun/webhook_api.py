"""The calls that manage webhooks: v3 and v4 of a domain, v1 of the account."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.events import HOOKS
from consumer.sandbox.mailgun.form import Form
from consumer.sandbox.mailgun.guard import Refused, form_of
from consumer.sandbox.mailgun.webhooks import (
    AccountWebhook,
    BadWebhook,
    TooMany,
    check_type,
    new_id,
)


class DomainWebhooks:
    """`/v3/domains/{domain}/webhooks` and its v4 sister."""

    def __init__(self, account: Account) -> None:
        self._hooks = account.world.webhooks

    async def index(self, request: Request) -> object:
        return self._all(_domain(request))

    async def create(self, request: Request) -> object:
        form, domain = await form_of(request), _domain(request)
        kind = form.first("id")
        if kind in self._hooks.of_domain(domain):
            raise Refused(400, {"Reason": "Webhook already exists"})
        self._set(domain, kind, _urls(form))
        return self._one(domain, kind, "Webhook has been created")

    async def get(self, request: Request) -> object:
        domain, kind = _domain(request), request.path_params["kind"]
        return {"webhook": {"urls": self._known(domain, kind)}}

    async def update(self, request: Request) -> object:
        domain, kind = _domain(request), request.path_params["kind"]
        self._known(domain, kind)
        self._set(domain, kind, _urls(await form_of(request)))
        return self._one(domain, kind, "Webhook has been updated")

    async def delete(self, request: Request) -> object:
        domain, kind = _domain(request), request.path_params["kind"]
        urls = self._known(domain, kind)
        self._set(domain, kind, [])
        return {"message": "Webhook has been deleted", "webhook": {"urls": urls}}

    # v4: one URL, several types

    async def add_url(self, request: Request) -> object:
        url, kinds = _url_and_types(await form_of(request))
        domain = _domain(request)
        hooks = self._hooks.of_domain(domain)
        for kind in kinds:
            if url in hooks.get(kind, ()):
                text = f"Webhook for event type '{kind}' with URL '{url}' already exists"
                raise Refused(400, {"Reason": text})
        for kind in kinds:
            self._set(domain, kind, [*hooks.get(kind, []), url])
        return self._all(domain)

    async def set_url(self, request: Request) -> object:
        """From now on the URL gets these types and no others."""
        url, kinds = _url_and_types(await form_of(request))
        domain = _domain(request)
        hooks = self._hooks.of_domain(domain)
        if not any(url in urls for urls in hooks.values()):
            raise Refused(404, {"Description": "Webhook not found"})
        for kind in HOOKS:
            others = [known for known in hooks.get(kind, []) if known != url]
            self._set(domain, kind, [*others, url] if kind in kinds else others)
        return self._all(domain)

    async def remove_urls(self, request: Request) -> object:
        domain = _domain(request)
        gone = [url for url in request.query_params.get("url", "").split(",") if url]
        if not gone:
            raise Refused(400, {"Field": "url"})
        for kind, urls in self._hooks.of_domain(domain).items():
            self._set(domain, kind, [url for url in urls if url not in gone])
        return self._all(domain)

    def _all(self, domain: str) -> dict[str, Any]:
        hooks = self._hooks.of_domain(domain)
        return {
            "webhooks": {kind: {"urls": hooks[kind]} if kind in hooks else None for kind in HOOKS}
        }

    def _one(self, domain: str, kind: str, message: str) -> dict[str, Any]:
        urls = self._hooks.of_domain(domain).get(kind, [])
        return {"message": message, "webhook": {"urls": urls}}

    def _known(self, domain: str, kind: str) -> list[str]:
        urls = self._hooks.of_domain(domain).get(kind)
        if urls is None:
            raise Refused(404, "Webhook not found")
        return urls

    def _set(self, domain: str, kind: str, urls: Iterable[str]) -> None:
        try:
            self._hooks.set_domain(domain, kind, urls)
        except (BadWebhook, TooMany) as problem:
            raise Refused(400, {"Reason": str(problem)}) from problem


class AccountWebhooks:
    """`/v1/webhooks`."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._hooks = account.world.webhooks

    async def index(self, request: Request) -> object:
        wanted = _ids(request)
        return {
            "webhooks": [
                _as_json(hook) for hook in self._mine(request) if not wanted or hook.id in wanted
            ]
        }

    async def create(self, request: Request) -> object:
        form = await form_of(request)
        url, kinds = _url_and_types(form)
        hook = AccountWebhook(
            id=new_id(),
            account=self._account.acting_for(request),
            url=url,
            types=tuple(kinds),
            description=form.first("description"),
            created_at=self._account.options.now(),
        )
        self._set(hook)
        return {"webhook_id": hook.id}

    async def get(self, request: Request) -> object:
        return _as_json(self._known(request))

    async def update(self, request: Request) -> object:
        hook, form = self._known(request), await form_of(request)
        url, kinds = _url_and_types(form)
        description = form.first("description") or hook.description
        self._set(replace(hook, url=url, types=tuple(kinds), description=description))
        return Response(status_code=204)

    async def delete(self, request: Request) -> object:
        self._hooks.remove_account(self._known(request).id)
        return Response(status_code=204)

    async def delete_several(self, request: Request) -> object:
        wanted, every = _ids(request), request.query_params.get("all", "").lower() == "true"
        if not wanted and not every:
            raise Refused(400, {"Field": "webhook_ids"})
        for hook in self._mine(request):
            if every or hook.id in wanted:
                self._hooks.remove_account(hook.id)
        return Response(status_code=204)

    def _mine(self, request: Request) -> Iterable[AccountWebhook]:
        account = self._account.acting_for(request)
        return [hook for hook in [*self._hooks.accounts.values()] if hook.account == account]

    def _known(self, request: Request) -> AccountWebhook:
        for hook in self._mine(request):
            if hook.id == request.path_params["id"]:
                return hook
        raise Refused(404, {"Description": "webhook not found"})

    def _set(self, hook: AccountWebhook) -> None:
        try:
            self._hooks.set_account(hook)
        except BadWebhook as problem:
            raise Refused(400, {"Description": str(problem)}) from problem
        except TooMany as problem:
            raise Refused(409, {"Description": str(problem)}) from problem


def _domain(request: Request) -> str:
    return str(request.path_params["domain"]).lower()


def _urls(form: Form) -> list[str]:
    urls = [url for url in form.all("url") if url]
    if not urls:
        raise Refused(400, {"Reason": "url parameter is missing"})
    return urls


def _url_and_types(form: Form) -> tuple[str, list[str]]:
    kinds = [kind for value in form.all("event_types") for kind in value.split(",") if kind]
    url = form.first("url")
    for name, value in (("url", url), ("event_types", kinds)):
        if not value:
            raise Refused(400, {"Reason": f"invalid parameters: {name} is missing"})
    for kind in kinds:
        try:
            check_type(kind)
        except BadWebhook as problem:
            raise Refused(400, {"Reason": str(problem)}) from problem
    return url, list(dict.fromkeys(kinds))


def _ids(request: Request) -> set[str]:
    return {id_ for id_ in request.query_params.get("webhook_ids", "").split(",") if id_}


def _as_json(hook: AccountWebhook) -> dict[str, Any]:
    created = datetime.fromtimestamp(hook.created_at, UTC)
    return {
        "webhook_id": hook.id,
        "description": hook.description,
        "url": hook.url,
        "event_types": list(hook.types),
        "created_at": created.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
