"""The fake's answers fit Mailgun's own OpenAPI description, but for the description's defects."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from consumer.sandbox.mailgun import FakeMailgun
from tests.contract.clients.conftest import DOMAIN, KEY

pytestmark = pytest.mark.openapi

_FILE = os.environ.get("MESSENGER_MAILGUN_OPENAPI", "")
_DATES = ("created_at", "createdAt", "createdat", "first_seen", "last_seen")
_NOT_ALWAYS_THERE = {
    # Opened, clicked and unsubscribed events have the id alone.
    "headers": ("from", "to", "subject"),
}


def _mended(node: Any) -> Any:
    """The overlay: dates are strings, not objects; some fields are not there in every answer."""
    if isinstance(node, list):
        return [_mended(one) for one in node]
    if not isinstance(node, dict):
        return node
    mended = {name: _mended(value) for name, value in node.items()}
    properties = mended.get("properties")
    if isinstance(properties, dict):
        for name in _DATES:
            if name in properties:
                properties[name] = {}
        for name, optional in _NOT_ALWAYS_THERE.items():
            one = properties.get(name)
            if isinstance(one, dict) and isinstance(one.get("required"), list):
                one["required"] = [field for field in one["required"] if field not in optional]
    return mended


class Description:
    """Mailgun's file, mended."""

    def __init__(self, path: str) -> None:
        text = Path(path).read_text(encoding="utf-8")
        self.document: dict[str, Any] = _mended(yaml.load(text, Loader=yaml.CSafeLoader))
        resource = DRAFT202012.create_resource(self.document)
        self._registry: Registry[Any] = Registry().with_resource("urn:mailgun", resource)

    def problems(self, method: str, path: str, answer: requests.Response) -> list[str]:
        """What does not fit the schema of this operation's answer."""
        operation = self.document["paths"][path][method.lower()]
        described = self._followed(operation["responses"][str(answer.status_code)])
        content = described.get("content", {}).get("application/json")
        if content is None:
            return []
        place = {"$ref": "urn:mailgun#/" + "/".join(self._pointer(method, path, answer))}
        validator = Draft202012Validator(place, registry=self._registry)
        return [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in validator.iter_errors(answer.json())
        ]

    def _pointer(self, method: str, path: str, answer: requests.Response) -> list[str]:
        responses = self.document["paths"][path][method.lower()]["responses"]
        one = responses[str(answer.status_code)]
        tail = ["content", "application~1json", "schema"]
        if "$ref" in one:
            return [*one["$ref"].removeprefix("#/").split("/"), *tail]
        escaped = path.replace("~", "~0").replace("/", "~1")
        return ["paths", escaped, method.lower(), "responses", str(answer.status_code), *tail]

    def _followed(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            found: Any = self.document
            for name in node["$ref"].removeprefix("#/").split("/"):
                found = found[name.replace("~1", "/").replace("~0", "~")]
            node = found
        return node


@pytest.fixture(scope="module")
def description() -> Description:
    if not _FILE:
        pytest.skip("no MESSENGER_MAILGUN_OPENAPI: the path of Mailgun's OpenAPI file")
    return Description(_FILE)


@pytest.fixture
def call(fake: FakeMailgun) -> Iterator[Callable[..., requests.Response]]:
    """Path parameters by name, the rest as for requests."""
    with requests.Session() as session:
        session.auth = ("api", KEY)

        def make(method: str, path: str, **more: Any) -> requests.Response:
            known = {"domain": DOMAIN, "domain_name": DOMAIN, "name": DOMAIN}
            url = fake.url + path.format(**(known | more.pop("names", {})))
            return session.request(method, url, timeout=10, **more)

        yield make


_SEND = {"from": f"a@{DOMAIN}", "to": "b@x.org", "text": "x", "subject": "x", "o:tag": "t"}
_SPAM, _GONE = ({**_SEND, "to": f"{name}@x.org"} for name in ("spam", "gone"))
_HOOK = {"id": "opened", "url": "https://example.org/hook"}
_TEMPLATE = {"name": "t", "template": "x", "tag": "v1", "comment": "c", "createdBy": "me"}
_STATS = ["accepted", "delivered", "failed", "opened", "clicked", "unsubscribed", "complained"]

#: (method, path of the description, how it is called)
_Row = tuple[str, str, dict[str, Any]]
_ROWS: list[_Row] = [
    ("POST", "/v3/{domain_name}/messages", {"data": _SEND}),
    ("POST", "/v3/{domain_name}/messages", {"data": {"from": "x"}}),
    ("POST", "/v3/{domain_name}/messages", {"data": _SPAM}),
    ("POST", "/v3/{domain_name}/messages", {"data": _GONE}),
    ("GET", "/v3/{domain_name}/events", {}),
    ("GET", "/v4/domains", {}),
    ("GET", "/v4/domains/{name}", {}),
    ("GET", "/v4/domains/{name}", {"names": {"name": "unknown.example.com"}}),
    ("POST", "/v4/domains", {"data": {"name": "new.example.com"}}),
    ("PUT", "/v4/domains/{name}", {"data": {"web_scheme": "http"}}),
    ("PUT", "/v4/domains/{name}/verify", {}),
    ("GET", "/v3/domains/{name}/sending_queues", {}),
    ("DELETE", "/v3/{domain_name}/envelopes", {}),
    ("POST", "/v3/domains/{domain}/webhooks", {"data": _HOOK}),
    ("GET", "/v3/domains/{domain}/webhooks", {}),
    (
        "GET",
        "/v3/domains/{domain_name}/webhooks/{webhook_name}",
        {"names": {"webhook_name": "opened"}},
    ),
    (
        "POST",
        "/v4/domains/{domain}/webhooks",
        {"data": {"url": "ftp://x", "event_types": "opened"}},
    ),
    (
        "POST",
        "/v4/domains/{domain}/webhooks",
        {"data": {"url": "https://example.org/2", "event_types": "clicked"}},
    ),
    ("GET", "/v5/accounts/http_signing_key", {}),
    ("POST", "/v5/accounts/http_signing_key", {}),
    ("POST", "/v3/{domain_name}/bounces", {"json": [{"address": "a@x.org"}]}),
    ("GET", "/v3/{domain_name}/bounces", {}),
    ("GET", "/v3/{domain_name}/bounces/{address}", {"names": {"address": "a@x.org"}}),
    ("GET", "/v3/{domain_name}/bounces/{address}", {"names": {"address": "none@x.org"}}),
    ("DELETE", "/v3/{domain_name}/bounces/{address}", {"names": {"address": "a@x.org"}}),
    ("DELETE", "/v3/{domain_name}/bounces", {}),
    ("POST", "/v3/{domain_name}/complaints", {"data": {"address": "a@x.org"}}),
    ("GET", "/v3/{domain_name}/complaints", {}),
    ("POST", "/v3/{domain_name}/unsubscribes", {"data": {"address": "a@x.org"}}),
    ("GET", "/v3/{domain_name}/unsubscribes", {}),
    ("POST", "/v3/{domain_name}/whitelists", {"data": {"domain": "x.org"}}),
    ("GET", "/v3/{domain_name}/whitelists", {}),
    ("GET", "/v3/{domain}/tags", {}),
    ("GET", "/v3/{domain}/tag", {"params": {"tag": "t"}}),
    ("PUT", "/v3/{domain}/tag", {"params": {"tag": "t", "description": "x"}}),
    ("GET", "/v3/domains/{domain}/limits/tag", {}),
    ("POST", "/v1/analytics/tags", {"json": {}}),
    ("GET", "/v1/analytics/tags/limits", {}),
    (
        "POST",
        "/v1/analytics/metrics",
        {"json": {"dimensions": ["tag"]}},
    ),
    ("POST", "/v1/analytics/logs", {"json": {"include_totals": True}}),
    ("GET", "/v3/{domain}/stats/total", {"params": {"event": _STATS, "resolution": "hour"}}),
    ("GET", "/v3/{domain}/stats/total", {"params": {}}),
    ("GET", "/v3/stats/total", {"params": {"event": _STATS, "duration": "1m"}}),
    ("GET", "/v3/domains/{name}/tracking", {}),
    ("GET", "/v3/domains/{name}/tracking", {"names": {"name": "unknown.example.com"}}),
    ("PUT", "/v3/domains/{name}/tracking/open", {"data": {"active": "yes"}}),
    ("PUT", "/v3/domains/{name}/tracking/click", {"data": {"active": "htmlonly"}}),
    ("PUT", "/v3/domains/{name}/tracking/unsubscribe", {"data": {"active": "true"}}),
    ("POST", "/v3/{domain_name}/templates", {"data": _TEMPLATE}),
    ("GET", "/v3/{domain_name}/templates", {}),
    ("GET", "/v3/{domain_name}/templates/{template_name}", {"names": {"template_name": "t"}}),
    (
        "GET",
        "/v3/{domain_name}/templates/{template_name}/versions",
        {"names": {"template_name": "t"}},
    ),
    ("POST", "/v1/keys", {"data": {"role": "basic"}}),
    ("GET", "/v1/keys", {}),
    ("POST", "/v5/accounts/subaccounts", {"params": {"name": "Shop"}}),
    ("GET", "/v5/accounts/subaccounts", {}),
]


def test_every_answer_fits(
    fake: FakeMailgun, call: Callable[..., requests.Response], description: Description
) -> None:
    """In one walk: each call finds what the ones before it have left."""
    fake.deliver(
        {"outcome": "rejected", "recipient": "spam@x.org"},
        {"outcome": "permanent", "recipient": "gone@x.org", "temporary_failures": 1},
        {
            "recipient": "b@x.org",
            "afterwards": ["opened", "clicked", "complained", "unsubscribed"],
            "afterwards_seconds": 0,
        },
    )
    fake.switch(time_scale=1e9)
    problems = {}
    for method, path, more in _ROWS:
        answer = call(method, path, **more)
        if found := description.problems(method, path, answer):
            problems[f"{method} {path} {answer.status_code}"] = found
    stored = fake.messages()[0]["storage_key"]
    path = "/v3/domains/{domain_name}/messages/{storage_key}"
    if found := description.problems("GET", path, call("GET", path, names={"storage_key": stored})):
        problems[path] = found

    assert problems == {}, json.dumps(problems, indent=1)
