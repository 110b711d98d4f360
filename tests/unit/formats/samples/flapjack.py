"""Flapjack's events."""

from typing import Any

from tests.unit.formats.samples import Sample


def result(**changes: Any) -> dict[str, Any]:
    """The result of a check, with changes; `...` takes a field out."""
    told = {
        "entity": "web-1.shop",
        "check": "HTTP",
        "type": "service",
        "state": "critical",
        "time": 1771927600,
        "summary": "HTTP CRITICAL - no answer within 10 seconds",
        "details": "tried 198.51.100.14:443",
        "tags": ["tenant:487000", "team=storefront", "production"],
        "perfdata": "time=10.0s",
    } | changes
    return {name: value for name, value in told.items() if value is not ...}


SAMPLES = {
    "a result": Sample(result()),
    "written by hand": Sample(
        {"entity": "db-1", "check": "disk", "state": "ok", "timestamp": 1771927600}
    ),
}
