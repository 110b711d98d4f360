"""What one fake Mailgun is like: its keys, its domains, its delays and its limits."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from consumer.sandbox.mailgun.limits import RateLimit
from consumer.sandbox.mailgun.switches import Switches

Role = Literal["full", "admin", "basic", "sending", "developer"]
"""`sending` is a domain sending key: it may only POST messages. `full` may do everything, as
`admin` may; the others are between them."""

DEFAULT_API_KEY = "key-0123456789abcdef0123456789abcdef"
"""Accepted where no keys are given. An invented one, in Mailgun's older form."""

DEFAULT_SIGNING_KEY = "key-fedcba9876543210fedcba9876543210"
"""Of the webhooks, where none is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Fixed for the life of the server. Durations are in seconds."""

    api_keys: Mapping[str, Role] = field(
        default_factory=lambda: {DEFAULT_API_KEY: "full"}, repr=False
    )
    """API key → what it may do."""
    signing_key: str = field(default=DEFAULT_SIGNING_KEY, repr=False)
    """Signs the webhooks, until POST /v5/accounts/http_signing_key makes a new one."""
    domains: Collection[str] | None = None
    """Sending domains of the account, in lower case. None: every domain is known."""
    latency_seconds: float = 0.0
    """Wait before every answer to a send."""
    event_delay_seconds: float = 0.0
    """How long an event stays invisible; Mailgun's own are late by seconds to half an hour."""
    max_messages: int = 100_000
    """Messages kept; the oldest are dropped first."""
    max_bytes: int = 512 * 1024 * 1024
    """Bytes of message content kept; the oldest are dropped first."""
    probation_recipients: int | None = None
    """Most recipients of one call while the account is on probation; Mailgun's support told a
    customer 10. None: it is not on probation."""
    rate_limits: Sequence[RateLimit] = ()
    """Real limits of sends; `PUT /_fake/limits` changes them."""
    state_file: Path | None = None
    """Where all is kept from one start to the next; None: in memory alone."""
    switches: Switches = field(default_factory=Switches)
    """Where the switches stand at first."""
    now: Callable[[], float] = time.time  # noqa: TID251 - shares no code with us, our clock included
    """Unix seconds."""
