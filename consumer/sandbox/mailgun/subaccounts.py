"""The account's subaccounts, and every account's webhook signing key."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

MAIN = ""
"""The id of the account itself, where a subaccount's is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subaccount:
    """An account below the account, with a signing key of its own."""

    id: str
    name: str
    created_at: float
    """Unix seconds."""
    status: str = "open"
    """`open` or `disabled`."""

    def as_json(self) -> dict[str, Any]:
        created = datetime.fromtimestamp(self.created_at, UTC)
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "created_at": created.strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "updated_at": created.strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "features": {},
        }


class Subaccounts:
    """By id, in the order of their creation."""

    def __init__(self, signing_key: str, now: Callable[[], float]) -> None:
        self._first_key = signing_key
        self._now = now
        self.reset()

    def reset(self) -> None:
        self.known: dict[str, Subaccount] = {}
        self.signing_keys = {MAIN: self._first_key}

    def create(self, name: str) -> Subaccount:
        made = Subaccount(id=secrets.token_hex(12), name=name, created_at=self._now())
        self.known[made.id] = made
        self.new_signing_key(made.id)
        return made

    def set_status(self, id_: str, status: str) -> Subaccount:
        """Raises KeyError."""
        self.known[id_] = replace(self.known[id_], status=status)
        return self.known[id_]

    def new_signing_key(self, id_: str) -> str:
        self.signing_keys[id_] = f"key-{secrets.token_hex(16)}"
        return self.signing_keys[id_]
