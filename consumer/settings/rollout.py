"""Phased rollout: when a route is worse than what its traffic would go back to."""

from typing import Literal

from pydantic import Field

from consumer.settings.section import Seconds, Section


class Guard(Section):
    """Rules for every route with `guard = true`."""

    #: trouble: an email was not accepted at its first attempt by its own transport; failed: it was
    #: refused for good; slow: it was not accepted within slow_seconds.
    metric: Literal["trouble", "failed", "slow"] = "trouble"
    #: How much more of the route's emails may be bad than of the others': 0.05 is 5 in 100.
    margin: float = Field(default=0.05, ge=0, lt=1)
    #: With fewer emails on either side nothing is decided.
    minimum_emails: int = Field(default=30, ge=5)
    window_seconds: Seconds = 900.0
    #: After a share was set nothing is decided for so long.
    cool_down_seconds: float = Field(default=120.0, ge=0)
    slow_seconds: Seconds = 30.0
    #: Between two looks of the one process that is the guard.
    interval_seconds: Seconds = 10.0


class Rollout(Section):
    """Shares of routes that are changed while processes run."""

    guard: Guard = Guard()
