"""What the tests of the fake share: forms, a client, times."""

from typing import Any

import requests

from consumer.sandbox.mailgun import FakeMailgun
from consumer.sandbox.mailgun.form import Form, Upload

DOMAIN = "alerts.example.com"
NOW = 1_767_225_600.0
"""1 January 2026, 00:00:00 UTC."""

TIMEOUT = 10
"""Seconds after which a test has hung."""


def make_form(*, files: dict[str, list[Upload]] | None = None, **changes: Any) -> Form:
    """A valid message. Names use `_` after an option's letter: `o_tag` is `o:tag`; a value of
    None takes the field out."""
    fields: dict[str, Any] = {
        "from": "Alarms <alarms@alerts.example.com>",
        "to": "ops@example.org",
        "subject": "CPU high",
        "text": "It is.",
    }
    for name, value in changes.items():
        if name[1:2] == "_":
            name = f"{name[0]}:{name[2:].replace('_', '-')}"
        fields[name.rstrip("_").replace("_", "-")] = value
    return Form(
        {
            name: value if isinstance(value, list) else [value]
            for name, value in fields.items()
            if value is not None
        },
        files or {},
    )


class Client:
    """A plain HTTP client of a running fake, with the full key."""

    def __init__(self, fake: FakeMailgun) -> None:
        self.fake = fake
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = ("api", fake.api_key)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.session.get(self._url(path), timeout=TIMEOUT, **more)

    def post(self, path: str, **more: Any) -> requests.Response:
        return self.session.post(self._url(path), timeout=TIMEOUT, **more)

    def delete(self, path: str) -> requests.Response:
        return self.session.delete(self._url(path), timeout=TIMEOUT)

    def send(self, **changes: Any) -> requests.Response:
        """A valid message, changed as `make_form` does it."""
        return self.post(f"/v3/{DOMAIN}/messages", data=make_form(**changes).fields)

    def events(self, **parameters: Any) -> list[dict[str, Any]]:
        answer = self.get(f"/v3/{DOMAIN}/events", params=parameters)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def _url(self, path: str) -> str:
        return path if path.startswith("http") else self.fake.url + path
