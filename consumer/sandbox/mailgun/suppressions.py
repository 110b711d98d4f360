"""The suppression lists of every domain. Safe for use from several threads."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from consumer.sandbox.mailgun.mail import Mail

Kind = Literal["bounces", "complaints", "unsubscribes", "whitelists"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MAX_ENTRIES = 1_000_000
"""Of all lists together; more are refused, so that memory stays bounded."""


class Full(Exception):
    """No room for more entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One suppressed address, or one address or domain of the allowlist."""

    value: str
    """As it was given; lists are searched without regard to case."""
    created_at: float
    """Unix seconds."""
    code: str = "550"
    error: str = ""
    tags: tuple[str, ...] = ("*",)
    """Which mails an unsubscribe is about; `*`: all."""
    reason: str = ""

    def as_json(self, kind: Kind) -> dict[str, Any]:
        created = datetime.fromtimestamp(self.created_at, UTC).strftime("%a, %d %b %Y %H:%M:%S UTC")
        if kind == "whitelists":
            return {
                "type": "address" if "@" in self.value else "domain",
                "value": self.value,
                "reason": self.reason,
                "createdAt": created,
            }
        more: dict[str, Any] = {}
        if kind == "bounces":
            more = {"code": self.code, "error": self.error}
        elif kind == "unsubscribes":
            more = {"tags": list(self.tags)}
        return {"address": self.value, **more, "created_at": created}


class Suppressions:
    """Domain and kind → entries in the order of their values."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._lists: dict[tuple[str, Kind], dict[str, Entry]] = {}

    def reset(self) -> None:
        with self._lock:
            self._lists = {}

    def add(self, domain: str, kind: Kind, entries: Iterable[Entry]) -> int:
        """How many were taken. Raises Full. One that is there already is replaced."""
        entries = list(entries)
        with self._lock:
            if sum(map(len, self._lists.values())) + len(entries) > MAX_ENTRIES:
                raise Full
            known = self._lists.setdefault((domain.lower(), kind), {})
            known.update((entry.value.lower(), entry) for entry in entries)
        return len(entries)

    def get(self, domain: str, kind: Kind, value: str) -> Entry | None:
        return self._lists.get((domain.lower(), kind), {}).get(value.lower())

    def remove(self, domain: str, kind: Kind, value: str) -> bool:
        """False: it was not there."""
        with self._lock:
            known = self._lists.get((domain.lower(), kind), {})
            return known.pop(value.lower(), None) is not None

    def clear(self, domain: str, kind: Kind) -> None:
        with self._lock:
            self._lists.pop((domain.lower(), kind), None)

    def ordered(self, domain: str, kind: Kind, prefix: str = "") -> list[Entry]:
        """All whose value begins with the prefix, in the order of their values."""
        with self._lock:
            known = self._lists.get((domain.lower(), kind), {})
            prefix = prefix.lower()
            return [known[key] for key in sorted(known) if key.startswith(prefix)]

    def dump(self) -> list[tuple[str, Kind, list[Entry]]]:
        """All lists, for `add`."""
        with self._lock:
            return [(*key, list(entries.values())) for key, entries in self._lists.items()]

    # What mails and their recipients do to the lists, and the lists to mails.

    def keeping_back(self, mail: Mail) -> str:
        """The list that keeps this mail from its recipient; empty: none does."""
        if not self._lists:
            return ""
        domain, address = mail.domain, mail.recipient
        if self.get(domain, "bounces", address):
            return "bounces"
        if self.get(domain, "complaints", address):
            return "complaints"
        entry = self.get(domain, "unsubscribes", address)
        if entry and ("*" in entry.tags or not set(entry.tags).isdisjoint(mail.tags)):
            return "unsubscribes"
        return ""

    def bounced(self, domain: str, address: str, code: str, error: str) -> None:
        """An address on the allowlist is not added."""
        host = address.rpartition("@")[2]
        if not any(self.get(domain, "whitelists", value) for value in (address, host)):
            self._add_one(
                domain,
                "bounces",
                Entry(value=address, created_at=self._now(), code=code, error=error),
            )

    def complained(self, domain: str, address: str) -> None:
        self._add_one(domain, "complaints", Entry(value=address, created_at=self._now()))

    def unsubscribed(self, domain: str, address: str) -> None:
        self._add_one(domain, "unsubscribes", Entry(value=address, created_at=self._now()))

    def _add_one(self, domain: str, kind: Kind, entry: Entry) -> None:
        try:
            self.add(domain, kind, [entry])
        except Full:
            return  # the sender is not to blame for it
