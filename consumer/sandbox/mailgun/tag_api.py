"""The calls about tags: v3 of a domain, v1 of the account."""

from typing import Any

from starlette.requests import Request

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.guard import Refused, base_url, form_of, json_of, limit_of
from consumer.sandbox.mailgun.pivot import pivot_page
from consumer.sandbox.mailgun.tags import MAX_TAGS, Tag

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


class TagCalls:
    """Each handler answers with JSON, or raises Refused."""

    def __init__(self, account: Account) -> None:
        self._tags = account.world.tags

    async def index(self, request: Request) -> object:
        domain, parameters = _domain(request), request.query_params
        prefix = parameters.get("prefix", "")
        page, paging = pivot_page(
            self._tags.ordered(domain, prefix),
            key=lambda tag: tag.name.lower(),
            url=f"{base_url(request)}/v3/{domain}/tags",
            name="tag",
            pivot=parameters.get("tag", "").lower(),
            page=parameters.get("page", ""),
            limit=limit_of(request, DEFAULT_LIMIT, MAX_LIMIT),
            more={"prefix": prefix} if prefix else {},
        )
        return {"items": [tag.as_json() for tag in page], "paging": paging}

    async def get(self, request: Request) -> object:
        tag = self._tags.get(_domain(request), await _name(request))
        if tag is None:
            raise Refused(404, "tag not found")
        return tag.as_json()

    async def update(self, request: Request) -> object:
        description = request.query_params.get("description")
        if description is None:
            description = (await form_of(request)).first("description")
        if not self._tags.describe(_domain(request), await _name(request), description):
            raise Refused(404, "tag not found")
        return {"message": "Tag updated"}

    async def delete(self, request: Request) -> object:
        if not self._tags.delete(_domain(request), await _name(request)):
            raise Refused(404, "tag not found")
        return {"message": "Tag deleted"}

    async def limit(self, request: Request) -> object:
        domain = _domain(request)
        return {"id": domain, "limit": MAX_TAGS, "count": len(self._tags.ordered(domain))}

    # /v1/analytics/tags

    async def search(self, request: Request) -> object:
        wish = await json_of(request)
        paging = wish.get("pagination") or {}
        prefix = str(wish.get("tag") or "").lower()
        sort = str(paging.get("sort") or "lastseen:desc")
        skip, limit = (_number(paging, name, default) for name, default in _PAGE)
        found = sorted(self._all(prefix), key=_ORDERS.get(sort.partition(":")[0], _by_last_seen))
        if not sort.endswith(":asc"):
            found.reverse()
        page = found[skip : skip + limit]
        return {
            "items": [tag.as_analytics() for tag in page],
            "pagination": {"sort": sort, "skip": skip, "limit": limit, "total": len(found)},
        }

    async def update_everywhere(self, request: Request) -> object:
        wish = await json_of(request)
        name = str(wish.get("tag") or "")
        for domain in self._known_domains(name):
            self._tags.describe(domain, name, str(wish.get("description") or ""))
        return {"message": "Tag updated"}

    async def delete_everywhere(self, request: Request) -> object:
        # The specification has it in the body, Mailgun's SDK in the query.
        name = request.query_params.get("tag") or str((await json_of(request)).get("tag") or "")
        for domain in self._known_domains(name):
            self._tags.delete(domain, name)
        return {"message": "Tag deleted"}

    async def limits(self, _: Request) -> object:
        count = len(self._all(""))
        return {"limit": MAX_TAGS, "count": count, "limit_reached": count >= MAX_TAGS}

    def _known_domains(self, name: str) -> list[str]:
        domains = self._tags.domains_of(name)
        if not domains:
            raise Refused(404, "Tag not found")
        return domains

    def _all(self, prefix: str) -> list[Tag]:
        """Each name once, whatever the number of its domains."""
        merged: dict[str, Tag] = {}
        for tags in self._tags.dump().values():
            for tag in tags:
                if tag.name.lower().startswith(prefix):
                    known = merged.get(tag.name.lower(), tag)
                    merged[tag.name.lower()] = Tag(
                        name=known.name,
                        first_seen=min(known.first_seen, tag.first_seen),
                        last_seen=max(known.last_seen, tag.last_seen),
                        description=known.description or tag.description,
                    )
        return list(merged.values())


_PAGE = (("skip", 0), ("limit", 10))


def _by_last_seen(tag: Tag) -> Any:
    return tag.last_seen


_ORDERS = {
    "lastseen": _by_last_seen,
    "firstseen": lambda tag: tag.first_seen,
    "tag": lambda tag: tag.name.lower(),
}


def _number(paging: dict[str, Any], name: str, default: int) -> int:
    value = paging.get(name)
    if value is None:
        return default
    if type(value) is not int or value < 0:
        raise Refused(400, f"{name} is not a number")
    return min(value, MAX_LIMIT) if name == "limit" else value


def _domain(request: Request) -> str:
    return str(request.path_params["domain"]).lower()


async def _name(request: Request) -> str:
    """In the path of the older call, as a parameter of the newer one."""
    name = request.path_params.get("tag") or request.query_params.get("tag")
    if not name:
        name = (await form_of(request)).first("tag")
    if not name:
        raise Refused(400, "tag parameter is missing")
    return str(name)
