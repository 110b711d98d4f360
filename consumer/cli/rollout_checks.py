"""What is wrong with named routes and their guard, as far as the settings alone tell."""

from collections import Counter
from collections.abc import Iterator

from consumer.cli.findings import Finding, note, problem, warning
from consumer.settings import Settings


def check_rollout(settings: Settings) -> Iterator[Finding]:
    """Routes are told by their number in the file, from 1."""
    names = Counter(route.name for route in settings.routes if route.name is not None)
    for number, route in enumerate(settings.routes, start=1):
        place = f"[[routes]] {number}"
        if route.name is not None and names[route.name] > 1:
            yield problem(f"{place} name", f"{names[route.name]} routes are called {route.name}")
        if route.name is not None and route.percent == 0:
            yield note(
                f"{place} percent",
                f"is 0: nobody goes by it until `messenger rollout set {route.name}`",
            )
        if route.guard and route.percent == 100 and not (route.tenants or route.states):
            yield warning(
                f"{place} guard",
                "has nothing to compare with: the route takes all events, none are left for the "
                "rules below it",
            )
        if route.guard and route.transport == "mailgun" and _has_no_fallback(settings):
            yield warning(
                f"{place} guard",
                "moves new emails; those that wait for this route wait on while it fails: write "
                'fallback = "smtp" in [delivery]',
            )
    if settings.rollout.guard.model_fields_set and not any(r.guard for r in settings.routes):
        yield warning("[rollout.guard]", "is not used: write guard = true in a route")


def _has_no_fallback(settings: Settings) -> bool:
    return settings.smtp.host is not None and settings.delivery.fallback is None
