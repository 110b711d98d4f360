"""Routes with the shares that hold now, and which tenants a change moves. Pure."""

from collections.abc import Collection, Sequence

import msgspec

from consumer.domain.rollout import Share, Shares
from consumer.pipeline.deliver import Route


def with_shares(routes: Sequence[Route], shares: Shares) -> tuple[Route, ...]:
    """The routes of the settings file, each with its share as it was set last."""
    return tuple(_with_share(route, shares.get(route.options.route)) for route in routes)


def _with_share(route: Route, share: Share | None) -> Route:
    if share is None:
        return route
    return msgspec.structs.replace(
        route,
        percent=route.percent if share.percent is None else share.percent,
        tenants=route.tenants if share.tenants is None else frozenset(share.tenants),
    )


class LiveRoutes:
    """The routes as they are at this moment: one thread changes them, others read."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._of_file = tuple(routes)
        self._shares: Shares = {}
        self._now = self._of_file

    def __call__(self) -> Sequence[Route]:
        return self._now

    def take(self, shares: Shares) -> Sequence[Share]:
        """Go by these shares from now on; returns those that are news."""
        names = {route.options.route for route in self._of_file}
        news = [
            share
            for name, share in sorted(shares.items())
            if name in names and self._shares.get(name) != share
        ]
        self._shares = shares
        self._now = with_shares(self._of_file, shares)
        return news


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the known tenants a change moves, in the order of their names."""

    comes: Sequence[str]
    leaves: Sequence[str]
    #: How many the route takes afterwards, of how many that are known.
    takes: int
    known: int


def moved(
    before: Sequence[Route], after: Sequence[Route], name: str, known: Collection[str]
) -> Moved:
    """Whom the route takes before and after; rules above it take theirs first, as always.

    States are left out of it: a rule for some states only takes its tenants with those.
    """
    came = {tenant for tenant in known if _goes_by(before, tenant) == name}
    comes = {tenant for tenant in known if _goes_by(after, tenant) == name}
    return Moved(
        comes=sorted(comes - came), leaves=sorted(came - comes), takes=len(comes), known=len(known)
    )


def _goes_by(routes: Sequence[Route], tenant: str) -> str | None:
    return next((route.options.route for route in routes if route.takes(tenant)), None)
