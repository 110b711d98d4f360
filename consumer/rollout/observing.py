"""What the rollout does, told to metrics and logs."""

from collections.abc import Callable, Sequence
from typing import Final

from prometheus_client import Gauge
from structlog.typing import FilteringBoundLogger

from consumer.domain.rollout import Share
from consumer.pipeline.deliver import Route
from consumer.telemetry.metrics import Metrics

_SET: Final = "mend the cause, then `messenger rollout set {} --percent …`"


class RolloutObserving:
    """Hooks of the rollout."""

    def __init__(
        self,
        metrics: Metrics,
        log: FilteringBoundLogger,
        dependency: Callable[[str, bool, str], None],
    ) -> None:
        self._log = log
        self.dependency = dependency
        self._percent = Gauge(
            "messenger_route_percent",
            "Share of tenants that a named route takes, 0 to 100.",
            ["route"],
            registry=metrics.registry,
        )
        self._tripped = Gauge(
            "messenger_route_tripped",
            "1: the guard took the route's traffic back, and it waits for a person.",
            ["route"],
            registry=metrics.registry,
        )

    def routes(self, routes: Sequence[Route]) -> None:
        """The routes as they are now."""
        for route in routes:
            self._percent.labels(route.options.route).set(route.percent)
            # So that it is there from the start.
            self._tripped.labels(route.options.route)

    def changed(self, share: Share) -> None:
        """Another share holds, whoever set it; also told at the start."""
        self._tripped.labels(share.route).set(share.tripped)
        told = {
            "route": share.route,
            "percent": share.percent,
            "tenants": None if share.tenants is None else len(share.tenants),
            "by": share.by,
            "why": share.why,
        }
        if share.tripped:
            self._log.error("rollout.is_back", **told, remedy=_SET.format(share.route))
        else:
            self._log.info("rollout.share_set", **told)

    def moved_back(self, share: Share) -> None:
        """This process's guard took a route's traffic back."""
        self._log.critical(
            "rollout.moved_back",
            route=share.route,
            why=share.why,
            effect="new emails go by the other rules; what the route has begun stays with it",
            remedy=_SET.format(share.route),
        )
