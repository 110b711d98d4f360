"""The calls about the account itself: signing key, API keys, subaccounts."""

from typing import Any, cast, get_args

from starlette.requests import Request

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.guard import Refused, form_of
from consumer.sandbox.mailgun.keys import MAX_KEYS, Key
from consumer.sandbox.mailgun.options import Role

KINDS = ("domain", "user", "web")
ROLES = tuple(role for role in get_args(Role) if role != "full")
_DAY = 86_400


class AccountCalls:
    """Each handler answers with JSON, or raises Refused."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._keys = account.world.keys
        self._subaccounts = account.world.subaccounts

    async def signing_key(self, request: Request) -> object:
        acting = self._account.acting_for(request)
        return {"http_signing_key": self._subaccounts.signing_keys[acting]}

    async def new_signing_key(self, request: Request) -> object:
        """The old one is worth nothing from now on."""
        key = self._subaccounts.new_signing_key(self._account.acting_for(request))
        return {
            "message": "regenerated HTTP signing key for account",
            "http_signing_key": key,
        }

    async def keys(self, request: Request) -> object:
        kind = request.query_params.get("kind", "")
        domain = request.query_params.get("domain_name", "")
        if kind not in ("", *KINDS):
            text = "expected `kind` param to be one of [domain user web] or absent"
            raise Refused(400, text)
        items = [
            key.as_json()
            for key in [*self._keys.known.values()]
            if kind in ("", key.kind) and domain in ("", key.domain)
        ]
        return {"total_count": len(items), "items": items}

    async def create_key(self, request: Request) -> object:
        """The only answer that ever shows the secret."""
        form = await form_of(request)
        kind, role = form.first("kind") or "user", form.first("role")
        if role not in ROLES:
            raise Refused(400, f"expected `role` param to be one of [{' '.join(ROLES)}]")
        if kind not in KINDS:
            raise Refused(400, f"expected `kind` param to be one of [{' '.join(KINDS)}] or absent")
        if len(self._keys.known) >= MAX_KEYS:
            raise Refused(403, "could not create key, account limit reached")
        seconds = form.first("expiration")
        if seconds and not seconds.isdecimal():
            raise Refused(400, "expected `expiration` param to be a number of seconds")
        # A web key lives a day at most.
        life = int(seconds or 0) or (_DAY if kind == "web" else 0)
        key = self._keys.create(
            Key(
                id="",
                secret="",
                role=cast(Role, role),
                kind=kind,
                domain=form.first("domain_name").lower(),
                description=form.first("description"),
                expires_at=self._account.options.now() + life if life else None,
                user_name=form.first("user_name"),
            )
        )
        return {"message": "great success", "key": key.as_json() | {"secret": key.secret}}

    async def delete_key(self, request: Request) -> object:
        if not self._keys.delete(request.path_params["id"]):
            raise Refused(404, "no key matching id")
        return {"message": "key deleted"}

    async def subaccounts(self, _: Request) -> object:
        found = [one.as_json() for one in self._subaccounts.known.values()]
        return {"subaccounts": found, "total": len(found)}

    async def create_subaccount(self, request: Request) -> object:
        name = request.query_params.get("name") or (await form_of(request)).first("name")
        if not name:
            raise Refused(400, "Bad request")
        return {"subaccount": self._subaccounts.create(name).as_json()}

    async def subaccount(self, request: Request) -> object:
        return self._one(request, "")

    async def disable_subaccount(self, request: Request) -> object:
        return self._one(request, "disabled")

    async def enable_subaccount(self, request: Request) -> object:
        return self._one(request, "open")

    def _one(self, request: Request, status: str) -> dict[str, Any]:
        id_ = request.path_params["id"]
        known = self._subaccounts.known.get(id_)
        if known is None:
            raise Refused(404, "Not Found")
        if known.status == status:
            raise Refused(400, f"subaccount is already {status}")
        if status:
            known = self._subaccounts.set_status(id_, status)
        return {"subaccount": known.as_json()}
