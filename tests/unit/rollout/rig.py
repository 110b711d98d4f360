"""A store in memory, and tallies in few words."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from consumer.domain.errors import LedgerUnavailable
from consumer.domain.ledger import DeliveryState
from consumer.domain.rollout import Share, Shares, Tally
from consumer.rollout.guard import GuardRules, Metric, Watched
from tests.support.clock import ManualClock

NEW, OLD = "new", "default"
RULES = GuardRules(
    metric=Metric.TROUBLE, margin=0.05, minimum=20, window=900.0, cool_down=120.0, slow=30.0
)
WATCHED = Watched(
    name=NEW, others=frozenset({OLD}), transports={NEW: "mailgun", OLD: "mailgun", "test": "smtp"}
)


def tally(
    route: str,
    emails: int,
    state: DeliveryState = DeliveryState.ACCEPTED,
    *,
    transport: str | None = None,
    again: bool = False,
    slow: bool = False,
) -> Tally:
    return Tally(
        route=route,
        transport=transport or WATCHED.transports[route],
        state=state,
        again=again,
        slow=slow,
        emails=emails,
    )


def fared(bad: int, of: int, other_bad: int, other_of: int) -> list[Tally]:
    """So many emails in trouble on both sides."""
    sides = (NEW, bad, of), (OLD, other_bad, other_of)
    return [
        each
        for route, wrong, all_ in sides
        for each in (
            tally(route, all_ - wrong),
            tally(route, wrong, DeliveryState.IN_DOUBT),
        )
    ]


class MemoryStore:
    """Shares, tallies and turns, as the ledger has them for all processes."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.changes: list[Share] = []
        self.figures: Sequence[Tally] = ()
        self.asked_since: list[float] = []
        self.holder: tuple[str, float] | None = None
        self.away = False

    def shares(self) -> Shares:
        self._answer()
        newest: Mapping[str, Share] = {share.route: share for share in self.changes}
        return newest

    def history(self, route: str, limit: int) -> Sequence[Share]:
        return [share for share in reversed(self.changes) if share.route == route][:limit]

    def change(self, share: Share) -> bool:
        self._answer()
        last = self.shares().get(share.route)
        if share.number != (1 if last is None else last.number + 1):
            return False
        self.changes.append(msgspec.structs.replace(share, at=self.clock.now()))
        return True

    def tallies(self, since: float, slow_seconds: float, limit: int) -> Sequence[Tally]:
        self._answer()
        self.asked_since.append(since)
        return self.figures

    def tenants(self) -> Collection[str]:
        return ()

    def take_turn(self, name: str, owner: str, seconds: float) -> bool:
        self._answer()
        now = self.clock.now()
        if self.holder is None or self.holder[0] == owner or self.holder[1] < now:
            self.holder = (owner, now + seconds)
            return True
        return False

    def leave_turn(self, name: str, owner: str) -> None:
        if self.holder is not None and self.holder[0] == owner:
            self.holder = None

    def _answer(self) -> None:
        if self.away:
            raise LedgerUnavailable("the ledger is away")
