"""The calls about stored templates and their versions."""

import json
from dataclasses import replace
from typing import Any

from starlette.requests import Request

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.form import Form
from consumer.sandbox.mailgun.guard import Refused, base_url, form_of, limit_of
from consumer.sandbox.mailgun.handlebars import BadTemplate, render
from consumer.sandbox.mailgun.pivot import pivot_page
from consumer.sandbox.mailgun.stored_templates import StoredTemplate, TooMany, Version

DEFAULT_LIMIT = 100
MAX_LIMIT = 100
_FIRST_TAG = "initial"


class TemplateCalls:
    """Each handler answers with JSON, or raises Refused."""

    def __init__(self, account: Account) -> None:
        self._templates = account.world.templates
        self._now = account.options.now

    async def index(self, request: Request) -> object:
        domain = request.path_params["domain"]
        page, paging = pivot_page(
            self._templates.ordered(domain),
            key=lambda template: template.name,
            url=f"{base_url(request)}/v3/{domain}/templates",
            name="p",
            pivot=request.query_params.get("p", ""),
            page=request.query_params.get("page", ""),
            limit=limit_of(request, DEFAULT_LIMIT, MAX_LIMIT),
            more={},
        )
        return {"items": [template.as_json() for template in page], "paging": paging}

    async def create(self, request: Request) -> object:
        form, domain = await form_of(request), request.path_params["domain"]
        name = form.first("name")
        if not name:
            raise Refused(400, "name parameter is missing")
        if self._templates.get(domain, name):
            raise Refused(400, f"template with name '{name.lower()}' already exists")
        version = self._version(form, form.first("tag") or _FIRST_TAG)
        try:
            made = self._templates.create(
                domain, name, form.first("description"), form.first("createdBy")
            )
        except TooMany as problem:
            raise Refused(400, str(problem)) from problem
        shown = made.as_json()
        if version.template:
            self._templates.put_version(domain, made, version, active=True)
            shown["version"] = version.as_json(active=True)
        return {"message": "template has been stored", "template": shown}

    async def get(self, request: Request) -> object:
        template = self._known(request)
        shown = template.as_json()
        version = template.version()
        if request.query_params.get("active", "").lower() in ("yes", "true") and version:
            shown["version"] = version.as_json(active=True)
        return {"template": shown}

    async def update(self, request: Request) -> object:
        template = self._known(request)
        description = (await form_of(request)).first("description")
        self._templates.put(
            request.path_params["domain"], replace(template, description=description)
        )
        return {"message": "template has been updated", "template": {"name": template.name}}

    async def delete(self, request: Request) -> object:
        template = self._known(request)
        self._templates.remove(request.path_params["domain"], template.name)
        return {"message": "template has been deleted", "template": {"name": template.name}}

    async def clear(self, request: Request) -> object:
        self._templates.clear(request.path_params["domain"])
        return {"message": "templates have been deleted"}

    # Versions

    async def versions(self, request: Request) -> object:
        template, domain = self._known(request), request.path_params["domain"]
        page, paging = pivot_page(
            sorted(template.versions.values(), key=lambda version: version.tag),
            key=lambda version: version.tag,
            url=f"{base_url(request)}/v3/{domain}/templates/{template.name}/versions",
            name="p",
            pivot=request.query_params.get("p", ""),
            page=request.query_params.get("page", ""),
            limit=limit_of(request, DEFAULT_LIMIT, MAX_LIMIT),
            more={},
        )
        shown = [one.as_json(active=one.tag == template.active, content=False) for one in page]
        return {"template": template.as_json() | {"versions": shown}, "paging": paging}

    async def create_version(self, request: Request) -> object:
        template, form = self._known(request), await form_of(request)
        tag = form.first("tag")
        if not tag or not form.first("template"):
            raise Refused(400, f"{'template' if tag else 'tag'} parameter is missing")
        if tag in template.versions:
            raise Refused(400, f"version with tag '{tag}' already exists")
        version = self._version(form, tag)
        return self._stored(
            request, template, version, form, "new version of the template has been stored"
        )

    async def get_version(self, request: Request) -> object:
        template, version = self._known_version(request)
        shown = version.as_json(active=version.tag == template.active)
        return {"template": template.as_json() | {"version": shown}}

    async def update_version(self, request: Request) -> object:
        template, version = self._known_version(request)
        form = await form_of(request)
        new = self._version(form, version.tag)
        changed = replace(
            version,
            template=new.template or version.template,
            comment=new.comment or version.comment,
            headers=new.headers or version.headers,
        )
        self._stored(request, template, changed, form, "")
        return _named("version has been updated", template, version)

    async def delete_version(self, request: Request) -> object:
        template, version = self._known_version(request)
        self._templates.remove_version(request.path_params["domain"], template, version.tag)
        return _named("version has been deleted", template, version)

    def _version(self, form: Form, tag: str) -> Version:
        text, headers = form.first("template"), form.first("headers")
        try:
            render(text, {})
            named = json.loads(headers or "{}")
        except BadTemplate as problem:
            raise Refused(400, f"invalid template: {problem}") from problem
        except ValueError:
            raise Refused(400, "headers parameter is not a valid JSON") from None
        return Version(
            tag=tag.lower(),
            template=text,
            created_at=self._now(),
            comment=form.first("comment"),
            headers={str(name): str(value) for name, value in dict(named).items()},
        )

    def _stored(
        self, request: Request, template: StoredTemplate, version: Version, form: Form, message: str
    ) -> dict[str, Any]:
        active = form.first("active").lower() in ("yes", "true")
        try:
            changed = self._templates.put_version(
                request.path_params["domain"], template, version, active=active
            )
        except TooMany as problem:
            raise Refused(400, str(problem)) from problem
        shown = version.as_json(active=changed.active == version.tag)
        return {"message": message, "template": changed.as_json() | {"version": shown}}

    def _known(self, request: Request) -> StoredTemplate:
        parameters = request.path_params
        template = self._templates.get(parameters["domain"], parameters["name"])
        if template is None:
            raise Refused(404, "template not found")
        return template

    def _known_version(self, request: Request) -> tuple[StoredTemplate, Version]:
        template = self._known(request)
        version = template.versions.get(request.path_params["tag"].lower())
        if version is None:
            raise Refused(404, "version not found")
        return template, version


def _named(message: str, template: StoredTemplate, version: Version) -> dict[str, Any]:
    return {
        "message": message,
        "template": {"name": template.name, "version": {"tag": version.tag}},
    }
