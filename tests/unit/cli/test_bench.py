"""How `messenger bench` prints what it measured."""

import json
import sys

import msgspec
import pytest
from typer.testing import CliRunner

from consumer.cli import app
from consumer.sandbox.bench.figures import Figure, Ratio, Report, Section

REPORT = Report(
    benchmark="storm: a small one",
    broker="embedded (Tansu)",
    machine=[Figure("cores", 2)],
    sections=[Section("batch calls", [Figure("notifications", 1234.5, "per second")])],
    ratios=[
        Ratio("batch / single", 12.345, 10.0),
        Ratio("over the broker's own", 17.0, 15.0, at_most=True, unit="ms"),
        Ratio("never measured", None, 10.0),
        Ratio("nothing is asked", 1.0),
    ],
    notes=["bound by [the worker]"],
)


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Nothing is started; which broker was asked for."""
    asked: list[str | None] = []

    class NoPlace:
        def __init__(self, _folder: object, bootstrap: str | None, *_: object) -> None:
            asked.append(bootstrap)

        def __enter__(self) -> "NoPlace":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("consumer.sandbox.bench.place.Place", NoPlace)
    monkeypatch.setattr("consumer.sandbox.bench.storm.storm", lambda _place, _plan: REPORT)
    # `consumer.cli.bench` is the group of commands; its file is found by its name only.
    commands = sys.modules["consumer.cli.bench"]
    monkeypatch.setattr(commands, "end_in_order", lambda: None)
    return asked


def printed(*arguments: str) -> str:
    result = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["bench", "storm", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def row(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if name in line)
    return [cell.strip() for cell in line.strip("│").split("│")][1:]


def test_figures_come_with_units_and_ratios_with_targets() -> None:
    text = printed()
    assert "broker: embedded (Tansu)" in text
    assert row(text, "notifications") == ["1234.5", "per second"]
    assert row(text, "batch / single") == ["12.35 ×", "≥ 10 ×", "reached"]
    assert row(text, "over the broker's own") == ["17.00 ms", "≤ 15 ms", "missed"]
    assert row(text, "never measured") == ["–", "≥ 10 ×", ""]
    assert row(text, "nothing is asked") == ["1.00 ×", "", ""]
    assert "bound by [the worker]" in text


def test_json_is_the_whole_report_on_one_line(measured: list[str | None]) -> None:
    (line,) = printed("--json", "--bootstrap-servers", "broker:9092").splitlines()
    assert json.loads(line) == json.loads(msgspec.json.encode(REPORT))
    assert measured == ["broker:9092"]


def test_without_a_broker_the_embedded_one_is_used(measured: list[str | None]) -> None:
    printed()
    assert measured == [None]
