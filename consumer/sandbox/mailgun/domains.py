"""The sending domains of the account."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

MAX_DOMAINS = 10_000
MESSAGE_TTL = 259_200
"""Seconds for which a message may wait, where the domain has no setting of its own."""
_SANDBOX = ("sandbox", ".mailgun.org")

NOT_ALLOWED = "Domain {} is not allowed to send: "
UNVERIFIED = (
    "The domain is unverified and requires DNS configuration. Log in to your control panel to "
    "view required DNS records."
)
SANDBOX = (
    "Sandbox subdomains are for test purposes only. Please add your own domain or add the "
    "address to authorized recipients in Account Settings."
)
DISABLED = "Please activate your Mailgun account. Check your inbox or log in to your control panel."


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One sending domain and its settings."""

    name: str
    created_at: float
    """Unix seconds."""
    state: str = "active"
    """`active`, `unverified` or `disabled`."""
    require_tls: bool = False
    skip_verification: bool = False
    wildcard: bool = False
    spam_action: str = "disabled"
    web_scheme: str = "https"
    web_prefix: str = "email"
    message_ttl: int = MESSAGE_TTL
    tracks_opens: bool = False
    pixel_at_the_top: bool = False
    tracks_clicks: str = "false"
    """`true`, `htmlonly` or `false`."""
    tracks_unsubscribes: bool = False
    html_footer: str = '<br>\n<p><a href="%unsubscribe_url%">unsubscribe</a></p>\n'
    text_footer: str = "\nTo unsubscribe click: <%unsubscribe_url%>\n"

    @property
    def is_sandbox(self) -> bool:
        return self.name.startswith(_SANDBOX[0]) and self.name.endswith(_SANDBOX[1])

    def as_json(self) -> dict[str, Any]:
        created = datetime.fromtimestamp(self.created_at, UTC)
        return {
            "id": self.name.encode().hex()[:24].ljust(24, "0"),
            "name": self.name,
            "state": self.state,
            "type": "sandbox" if self.is_sandbox else "custom",
            "is_disabled": self.state == "disabled",
            "require_tls": self.require_tls,
            "skip_verification": self.skip_verification,
            "use_automatic_sender_security": False,
            "encrypt_incoming_message": False,
            "message_ttl": self.message_ttl,
            "spam_action": self.spam_action,
            "wildcard": self.wildcard,
            "web_prefix": self.web_prefix,
            "web_scheme": self.web_scheme,
            "smtp_login": f"postmaster@{self.name}",
            "created_at": created.strftime("%a, %d %b %Y %H:%M:%S UTC"),
        }

    def tracking(self) -> dict[str, Any]:
        return {
            "open": {"active": self.tracks_opens, "place_at_the_top": self.pixel_at_the_top},
            "click": {"active": self.tracks_clicks != "false"},
            "unsubscribe": {
                "active": self.tracks_unsubscribes,
                "html_footer": self.html_footer,
                "text_footer": self.text_footer,
            },
            "web_scheme": self.web_scheme,
        }

    def records(self) -> dict[str, Any]:
        """What its DNS must have, and whether it has."""
        valid = "unknown" if self.state == "unverified" else "valid"

        def record(kind: str, name: str, value: str, **more: str) -> dict[str, Any]:
            return {
                "record_type": kind,
                "name": name,
                "value": value,
                "valid": valid,
                "is_active": True,
                "cached": [value] if valid == "valid" else [],
                **more,
            }

        return {
            "receiving_dns_records": [
                record("MX", self.name, f"mx{letter}.mailgun.org", priority="10") for letter in "ab"
            ],
            "sending_dns_records": [
                record("TXT", self.name, "v=spf1 include:mailgun.org ~all"),
                record("TXT", f"k1._domainkey.{self.name}", "k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUA"),
                record("CNAME", f"{self.web_prefix}.{self.name}", "mailgun.org"),
            ],
        }


class Domains:
    """By name in lower case. Without a list of names every domain is known, and active."""

    def __init__(self, names: Collection[str] | None, now: Callable[[], float]) -> None:
        self._names = names
        self._now = now
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self.every = self._names is None
            """Whether a name that was not created is known too."""
            names = sorted(name.lower() for name in self._names or ())
            self.known = {name: Domain(name=name, created_at=self._now()) for name in names}
            self.authorized: set[str] = set()
            """Addresses that a sandbox domain may send to, in lower case."""
            self._deleted: set[str] = set()

    def knows(self, name: str) -> bool:
        name = name.lower()
        return name in self.known or (self.every and name not in self._deleted)

    def get(self, name: str) -> Domain | None:
        name = name.lower()
        if name in self.known or not self.knows(name):
            return self.known.get(name)
        return Domain(name=name, created_at=self._now())

    def put(self, domain: Domain) -> None:
        with self._lock:
            self.known[domain.name] = domain
            self._deleted.discard(domain.name)

    def remove(self, name: str) -> None:
        with self._lock:
            self.known.pop(name.lower(), None)
            if self.every and len(self._deleted) < MAX_DOMAINS:
                self._deleted.add(name.lower())

    def change(self, name: str, **values: Any) -> Domain:
        """Raises KeyError for an unknown one."""
        domain = self.get(name)
        if domain is None:
            raise KeyError(name)
        changed = replace(domain, **values)
        self.put(changed)
        return changed

    def refusal(self, name: str, recipients: Collection[str]) -> str:
        """Why this domain may not send to these; empty: it may."""
        domain = self.known.get(name.lower())
        sandbox = name.lower().startswith(_SANDBOX[0]) and name.lower().endswith(_SANDBOX[1])
        if domain is not None and domain.state == "unverified":
            return NOT_ALLOWED.format(name) + UNVERIFIED
        if domain is not None and domain.state == "disabled":
            return NOT_ALLOWED.format(name) + DISABLED
        if sandbox and any(one.lower() not in self.authorized for one in recipients):
            return NOT_ALLOWED.format(name) + SANDBOX
        return ""
