"""The page about the fake names every switch as it is, and every call of the control interface."""

from dataclasses import fields
from pathlib import Path

from starlette.routing import Route

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.api import build_app
from consumer.sandbox.mailgun.options import Options
from consumer.sandbox.mailgun.switches import Switches
from consumer.sandbox.mailgun.wire import Wire
from consumer.sandbox.mailgun.world import World

PAGE = (Path(__file__).parents[4] / "docs" / "fake-mailgun.md").read_text(encoding="utf-8")


def test_each_switch_has_its_line_with_default_and_meaning() -> None:
    lines = {line.split("`")[1]: line for line in PAGE.splitlines() if line.startswith("| `")}

    for entry in fields(Switches):
        default = str(entry.default)
        default = default.lower() if isinstance(entry.default, bool) else default
        assert f"| `{default}` |" in lines[entry.name]
        assert entry.metadata["meaning"] in lines[entry.name]
        assert all(f"`{position}`" in lines[entry.name] for position in entry.metadata["positions"])


def test_each_control_call_is_named() -> None:
    routes = build_app(Account(World(Options()), Wire())).routes

    paths = {route.path for route in routes if isinstance(route, Route)}
    control = {path for path in paths if path.startswith("/_fake/") and "static" not in path}
    assert control
    assert {path for path in control if f"{path}`" not in PAGE} == set()
