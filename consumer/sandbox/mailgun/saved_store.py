"""The values of the store that outlive it: its totals, and all that it remembers."""

from dataclasses import dataclass
from typing import Any

from consumer.sandbox.mailgun.events import Step
from consumer.sandbox.mailgun.mail import Stored


@dataclass(slots=True)
class Totals:
    """Since the start or the last reset, whatever was dropped meanwhile."""

    calls: int = 0
    """Sends that arrived, whatever their answer."""
    lookups: int = 0
    """Other API calls."""
    accepted_calls: int = 0
    rejected_calls: int = 0
    """Sends refused by the rules; scripted faults are not among them."""
    accepted_messages: int = 0
    duplicate_messages: int = 0
    """Mails whose message id this recipient had got before."""
    faults_served: int = 0


@dataclass(frozen=True, slots=True)
class SavedEvent:
    """An event with the key of its mail instead of the mail."""

    key: str
    serial: int
    timestamp: float
    visible_at: float
    kind: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedStore:
    """All that a store remembers."""

    totals: Totals
    sequence: int
    mails: list[Stored]
    events: list[SavedEvent]
    agenda: list[tuple[float, int, int, str, Step]]
    """Time, place in the plan (two numbers), key of the mail, what is to happen."""
