"""The tags that a domain has used."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from consumer.sandbox.mailgun.mail import Mail

MAX_TAGS = 20_000
"""Distinct tags of a domain; further ones are not remembered."""
MAX_DOMAINS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One tag of one domain."""

    name: str
    first_seen: float
    """Unix seconds, both."""
    last_seen: float
    description: str = ""

    def as_json(self) -> dict[str, Any]:
        """As v3 shows it."""
        return {
            "tag": self.name,
            "description": self.description,
            "first-seen": _date(self.first_seen),
            "last-seen": _date(self.last_seen),
        }

    def as_analytics(self) -> dict[str, Any]:
        """As /v1/analytics/tags shows it."""
        return {
            "account_id": "000000000000000000000001",
            "parent_account_id": "",
            "account_name": "fake",
            "tag": self.name,
            "description": self.description,
            "first_seen": _date(self.first_seen),
            "last_seen": _date(self.last_seen),
        }


def _date(seconds: float) -> str:
    instant = datetime.fromtimestamp(seconds, UTC)
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


class Tags:
    """Domain → tags by their name in lower case. Safe for use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._known: dict[str, dict[str, Tag]] = {}

    def seen(self, mails: Sequence[Mail], now: float) -> None:
        """The mails of one call share their tags."""
        first = mails[0]
        if not first.tags:
            return
        with self._lock:
            if first.domain not in self._known and len(self._known) >= MAX_DOMAINS:
                return
            known = self._known.setdefault(first.domain, {})
            for name in first.tags:
                tag = known.get(name.lower())
                if tag is not None:
                    if now - tag.last_seen >= 1:  # which is what is shown of it
                        known[name.lower()] = replace(tag, last_seen=now)
                elif len(known) < MAX_TAGS:
                    known[name.lower()] = Tag(name=name, first_seen=now, last_seen=now)

    def load(self, domain: str, tags: Iterable[Tag]) -> None:
        with self._lock:
            self._known[domain] = {tag.name.lower(): tag for tag in tags}

    def dump(self) -> dict[str, list[Tag]]:
        with self._lock:
            return {domain: list(tags.values()) for domain, tags in self._known.items()}

    def ordered(self, domain: str, prefix: str = "") -> list[Tag]:
        """In the order of their names."""
        known, prefix = self.dump().get(domain, []), prefix.lower()
        found = [tag for tag in known if tag.name.lower().startswith(prefix)]
        return sorted(found, key=lambda tag: tag.name.lower())

    def domains_of(self, name: str) -> list[str]:
        return [domain for domain, tags in [*self._known.items()] if name.lower() in tags]

    def get(self, domain: str, name: str) -> Tag | None:
        return self._known.get(domain, {}).get(name.lower())

    def describe(self, domain: str, name: str, description: str) -> bool:
        """False: there is no such tag."""
        with self._lock:
            tag = self._known.get(domain, {}).get(name.lower())
            if tag is not None:
                self._known[domain][name.lower()] = replace(tag, description=description)
            return tag is not None

    def delete(self, domain: str, name: str) -> bool:
        """False: there is no such tag."""
        with self._lock:
            return self._known.get(domain, {}).pop(name.lower(), None) is not None
