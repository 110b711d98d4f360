"""Shares of routes that are changed while processes run, and how emails fare by route."""

from collections.abc import Mapping

import msgspec

from consumer.domain.ledger import DeliveryState


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a route takes from now on, in the place of what the settings file says."""

    route: str
    #: Counts the changes of this route, from 1.
    number: int
    #: 0 to 100; None: as the file says.
    percent: float | None = None
    #: None: as the file says. Empty: all tenants.
    tenants: tuple[str, ...] | None = None
    #: Epoch seconds, by the ledger's database.
    at: float = 0.0
    by: str = ""
    why: str = ""
    #: The guard moved the traffic back: it stays so until a person sets the share again.
    tripped: bool = False

    @property
    def changes_something(self) -> bool:
        """False: a person gave the share back to the file."""
        return self.percent is not None or self.tenants is not None


#: By the name of the route; one that was never changed is not there.
Shares = Mapping[str, Share]


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """So many emails of one route that came to the same, as the ledger has them."""

    route: str
    #: Which carried the last attempt: the fallback's name where that stood in.
    transport: str
    state: DeliveryState
    #: It took more than one attempt.
    again: bool
    #: It took longer than the seconds that were asked with, from its first attempt on.
    slow: bool
    emails: int
