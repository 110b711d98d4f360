"""What the rollout needs of the ledger. Each method is one transaction; all raise
LedgerUnavailable."""

from collections.abc import Collection, Sequence
from typing import Protocol

from consumer.domain.rollout import Share, Shares, Tally


class ReadsShares(Protocol):
    """Who only asks which shares hold."""

    def shares(self) -> Shares:
        """By route, the share that holds; one that was never changed is not there."""


class RolloutStore(ReadsShares, Protocol):
    """Shares, and how emails fare."""

    def history(self, route: str, limit: int) -> Sequence[Share]:
        """The route's latest changes, newest first."""

    def change(self, share: Share) -> bool:
        """Let it hold from now on; False: somebody else has written this number meanwhile.

        The time is the database's, whatever the share says.
        """

    def tallies(self, since: float, slow_seconds: float, limit: int) -> Sequence[Tally]:
        """Emails first tried since then (epoch seconds) that are not under way, of named routes:
        of the latest ones, so many at the most."""

    def tenants(self) -> Collection[str]:
        """Those with alarms that the ledger knows."""


class Turns(Protocol):
    """Of many processes one does what only one should."""

    def take_turn(self, name: str, owner: str, seconds: float) -> bool:
        """Whether it is ours, for so long; asked again before that, it stays ours."""

    def leave_turn(self, name: str, owner: str) -> None: ...
