"""API keys: what each may do, for how long, and for which domain."""

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from consumer.sandbox.mailgun.options import Role
from consumer.sandbox.mailgun.switches import SwitchBoard

MAX_KEYS = 1000
_REMEMBERED = 4096  # Authorization headers whose key is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One API key."""

    id: str
    secret: str
    role: Role
    kind: str = "user"
    domain: str = ""
    """The only domain that it may send for; empty: any."""
    description: str = ""
    created_at: float = 0.0
    expires_at: float | None = None
    """Unix seconds, both."""
    user_name: str = ""

    def as_json(self) -> dict[str, Any]:
        """Without the secret."""
        role = "admin" if self.role == "full" else self.role
        more = {} if self.expires_at is None else {"expires_at": _date(self.expires_at)}
        return {
            "id": self.id,
            "description": self.description,
            "kind": self.kind,
            "role": role,
            "created_at": _date(self.created_at),
            "updated_at": _date(self.created_at),
            **more,
            "is_disabled": False,
            "domain_name": self.domain or None,
            "requestor": None,
            "user_name": self.user_name or None,
        }


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class Keys:
    """The keys of the account. The first ones are the options'."""

    def __init__(self, first: Mapping[str, Role], now: Callable[[], float]) -> None:
        self._first = first
        self._now = now
        self.reset()

    def reset(self) -> None:
        self.known = {
            secret: Key(id=_new_id(), secret=secret, role=role)
            for secret, role in self._first.items()
        }
        self._by_header: dict[str, Key] = {}

    def find(self, authorization: str) -> Key | None:
        """By HTTP Basic with the user `api`; None for a missing, wrong or expired key."""
        key = self._by_header.get(authorization)
        if key is None:
            key = self.known.get(_secret(authorization))
            if key is None:
                return None
            if len(self._by_header) < _REMEMBERED:
                self._by_header[authorization] = key
        if key.expires_at is not None and key.expires_at <= self._now():
            return None
        return key

    def create(self, key: Key) -> Key:
        """The key as it is known from now on: with an id and a secret."""
        made = replace(key, id=_new_id(), secret=_new_secret(), created_at=self._now())
        self.known[made.secret] = made
        return made

    def delete(self, id_: str) -> bool:
        """False: there was none."""
        for key in [*self.known.values()]:
            if key.id == id_:
                del self.known[key.secret]
                self._by_header.clear()
                return True
        return False


def may(key: Key, method: str, path: str, switches: SwitchBoard) -> bool:
    """Whether the key may make a call that is no send. Which roles read events is a switch."""
    if key.role in ("full", "admin"):
        return True
    if key.role == "sending":
        return False
    if path.endswith("/logs") or "/events" in path:
        now = switches.now
        return now.basic_reads_events if key.role == "basic" else now.developer_reads_events
    reads = method == "GET" or path in ("/v1/analytics/metrics", "/v1/analytics/tags")
    if key.role == "basic":
        return reads and not path.startswith("/v1/keys")
    return reads or not path.startswith(("/v1/keys", "/v5/accounts"))


def _secret(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, secret = base64.b64decode(token, validate=True).decode().partition(":")
    except ValueError:
        return ""
    return secret if user == "api" else ""


def _new_id() -> str:
    return f"{secrets.token_hex(4)}-{secrets.token_hex(4)}"


def _new_secret() -> str:
    return f"{secrets.token_hex(16)}-{_new_id()}"
