"""Routes as they are set at the moment, for a command that runs on."""

from collections.abc import Callable, Sequence
from typing import Final

from consumer.adapters.clock import SystemClock
from consumer.adapters.ledger import SqlLedger
from consumer.pipeline.deliver import Route
from consumer.rollout.shares import LiveRoutes
from consumer.settings import Settings, routes_of

#: Seconds between two looks at the shares.
_LOOK: Final = 2.0


def live_routes(settings: Settings, ledger: SqlLedger) -> Callable[[], Sequence[Route]] | None:
    """As production has them; asked while events are prepared, where a ledger that is away is
    waited for. None: no route has a name, so that nothing is set live."""
    if not any(route.name is not None for route in settings.routes):
        return None
    routes, clock = LiveRoutes(routes_of(settings.routes)), SystemClock()
    looked = float("-inf")

    def as_set() -> Sequence[Route]:
        nonlocal looked
        now = clock.monotonic()
        if now - looked >= _LOOK:
            routes.take(ledger.rollout.shares())
            looked = now
        return routes()

    return as_set
