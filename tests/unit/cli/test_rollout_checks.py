"""What check-config says of named routes and their guard."""

from typing import Any

import pytest
from pydantic import ValidationError

from consumer.cli.findings import Level
from tests.unit.cli.test_settings_checks import told


@pytest.mark.parametrize(
    ("level", "routes", "beginnings"),
    [
        (Level.PROBLEM, [{"name": "new", "percent": 5}, {"name": "new"}], ["1 name: 2 ", "2 name"]),
        (Level.PROBLEM, [{"name": "new", "percent": 5}, {"name": "old"}], []),
        # A named route may begin with nobody: that is what its name is for.
        (Level.WARNING, [{"name": "new", "percent": 0}], []),
        (Level.NOTE, [{"name": "new", "percent": 0}], ["1 percent: is 0: nobody goes by it until"]),
        (Level.WARNING, [{"percent": 0}], ["1 percent: is 0: this route never"]),
        (Level.WARNING, [{"name": "new", "guard": True}], ["1 guard: has nothing to compare"]),
        (Level.WARNING, [{"name": "new", "guard": True, "percent": 50}], []),
        (Level.WARNING, [{"name": "new", "guard": True, "tenants": ["1"]}], []),
    ],
)
def test_of_routes(level: Level, routes: list[dict[str, Any]], beginnings: list[str]) -> None:
    lines = told(level, routes=routes)
    assert len(lines) == len(beginnings)
    for line, beginning in zip(lines, beginnings, strict=True):
        assert line.startswith(f"[[routes]] {beginning}")


@pytest.mark.parametrize(
    ("fallback", "transport", "warned"),
    [(None, "mailgun", True), (None, "smtp", False), ("smtp", "mailgun", False)],
)
def test_what_waits_for_a_route_needs_a_fallback_when_that_is_taken_back(
    fallback: str | None, transport: str, *, warned: bool
) -> None:
    lines = told(
        Level.WARNING,
        routes=[
            {"name": "new", "percent": 5, "guard": True, "transport": transport},
            {"transport": "smtp"},
        ],
        smtp={"host": "127.0.0.1"},
        delivery={"fallback": fallback},
    )
    assert any('write fallback = "smtp"' in line for line in lines) is warned


def test_rules_of_a_guard_that_guards_nothing_are_told() -> None:
    (line,) = told(Level.WARNING, rollout={"guard": {"margin": 0.1}})
    assert line == "[rollout.guard]: is not used: write guard = true in a route"


@pytest.mark.parametrize(
    ("sections", "complaint"),
    [
        ({"routes": [{"guard": True}]}, "guard = true needs a name"),
        ({"routes": [{"name": "default"}]}, "default is where no rule matches"),
        ({"routes": [{"name": "#1"}]}, "name"),
        ({"routes": [{"name": "two words"}]}, "name"),
        ({"rollout": {"guard": {"metric": "mood"}}}, "metric"),
        ({"rollout": {"guard": {"margin": 1}}}, "margin"),
        ({"rollout": {"guard": {"minimum_emails": 1}}}, "minimum_emails"),
        ({"rollout": {"guard": {"window_seconds": 0}}}, "window_seconds"),
    ],
)
def test_what_makes_no_sense_is_refused(sections: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        told(Level.PROBLEM, **sections)
