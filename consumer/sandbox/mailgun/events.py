"""What happened to a mail: an event, and what Mailgun calls it. Pure."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from consumer.sandbox.mailgun.mail import Stored

EventKey = tuple[float, float]
"""The place in the log: time stamp, then serial number."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to happen to a mail: the event, so many real seconds after the acceptance."""

    kind: str
    after: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)


ACCEPTED = Step("accepted")
AT_ONCE = (ACCEPTED, Step("delivered"))
"""What becomes of a mail where nothing is said: delivered by the first attempt."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one stored mail."""

    serial: int
    timestamp: float
    """Unix seconds."""
    visible_at: float
    """Unix seconds; the Events API does not know it earlier."""
    kind: str
    stored: Stored
    details: Mapping[str, Any]
    """What this event has beside what all of its kind have, as JSON."""

    @property
    def key(self) -> EventKey:
        return (self.timestamp, self.serial)

    @property
    def id(self) -> str:
        digest = hashlib.blake2b(f"{self.serial} {self.stored.key}".encode(), digest_size=16)
        return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")

    @property
    def severity(self) -> str:
        """`permanent` or `temporary` of a failure, else empty."""
        return str(self.details.get("severity", ""))

    @property
    def reason(self) -> str:
        """Why it failed, else empty."""
        return str(self.details.get("reason", ""))

    @property
    def hook(self) -> str:
        """The webhook type that tells of it; empty: none does."""
        if self.kind == "failed":
            return "permanent_fail" if self.severity == "permanent" else "temporary_fail"
        return self.kind if self.kind in HOOKS else ""


HOOKS = (
    "accepted",
    "clicked",
    "complained",
    "delivered",
    "opened",
    "permanent_fail",
    "temporary_fail",
    "unsubscribed",
)
"""All webhook types; `rejected` is none."""
