"""The templates that a domain has stored, with their versions."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

MAX_VERSIONS = 40
MAX_TEMPLATES = 1_000


class TooMany(Exception):
    """No room for one more; the text is Mailgun's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One text of a template."""

    tag: str
    template: str
    created_at: float
    """Unix seconds."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    comment: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    """From, Subject, Reply-To, where the template brings its own."""

    def as_json(self, *, active: bool, content: bool = True) -> dict[str, Any]:
        more: dict[str, Any] = {"template": self.template} if content else {}
        if content and self.headers:
            more["headers"] = dict(self.headers)
        return {
            "tag": self.tag,
            "engine": "handlebars",
            "mjml": "",
            "createdAt": _date(self.created_at),
            "comment": self.comment,
            "active": active,
            "id": self.id,
            **more,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTemplate:
    """A name and its versions."""

    name: str
    created_at: float
    """Unix seconds."""
    description: str = ""
    created_by: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    versions: dict[str, Version] = field(default_factory=dict)
    """By their tag."""
    active: str = ""
    """Tag of the version that is sent; empty: there is none."""

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "description": self.description,
            "createdAt": _date(self.created_at),
            "createdBy": self.created_by,
            "id": self.id,
        }

    def version(self, tag: str = "") -> Version | None:
        """Without a tag the active one."""
        return self.versions.get(tag or self.active)


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S UTC")


class Templates:
    """Domain → templates by their name, which is in lower case. Safe for several threads."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self.known: dict[str, dict[str, StoredTemplate]] = {}

    def get(self, domain: str, name: str) -> StoredTemplate | None:
        return self.known.get(domain.lower(), {}).get(name.lower())

    def ordered(self, domain: str) -> list[StoredTemplate]:
        with self._lock:
            known = self.known.get(domain.lower(), {})
            return [known[name] for name in sorted(known)]

    def create(self, domain: str, name: str, description: str, created_by: str) -> StoredTemplate:
        """Raises TooMany."""
        if sum(map(len, [*self.known.values()])) >= MAX_TEMPLATES:
            raise TooMany("the maximum number of templates has been reached")
        made = StoredTemplate(
            name=name.lower(),
            created_at=self._now(),
            description=description,
            created_by=created_by,
        )
        self.put(domain, made)
        return made

    def put(self, domain: str, template: StoredTemplate) -> None:
        with self._lock:
            self.known.setdefault(domain.lower(), {})[template.name] = template

    def put_version(
        self, domain: str, template: StoredTemplate, version: Version, *, active: bool
    ) -> StoredTemplate:
        """The first one is active in any case. Raises TooMany."""
        if version.tag not in template.versions and len(template.versions) >= MAX_VERSIONS:
            raise TooMany(f"the maximum number of versions is {MAX_VERSIONS}")
        changed = replace(
            template,
            versions=template.versions | {version.tag: version},
            active=version.tag if active or not template.active else template.active,
        )
        self.put(domain, changed)
        return changed

    def remove_version(self, domain: str, template: StoredTemplate, tag: str) -> None:
        left = {name: version for name, version in template.versions.items() if name != tag}
        active = "" if template.active == tag else template.active
        self.put(domain, replace(template, versions=left, active=active))

    def remove(self, domain: str, name: str) -> None:
        with self._lock:
            self.known.get(domain.lower(), {}).pop(name.lower(), None)

    def clear(self, domain: str) -> None:
        with self._lock:
            self.known.pop(domain.lower(), None)
