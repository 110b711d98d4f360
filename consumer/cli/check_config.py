"""`messenger check-config`: all problems of the configuration at once, with file and key."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from consumer.adapters.clock import SystemClock
from consumer.cli.common import ConfigOption, JsonOption, complain
from consumer.cli.findings import Finding, Level, placed, problems_of, texts
from consumer.cli.plain import plain, print_data
from consumer.cli.settings_checks import check_settings
from consumer.cli.store_checks import (
    check_catalog,
    check_kafka,
    check_ledger,
    check_templates,
)
from consumer.cli.toml_text import toml_text
from consumer.configuration import load_settings, shown
from consumer.domain.errors import SettingsError
from consumer.settings import Settings


def check_config(
    config: ConfigOption = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print the effective settings, secrets hidden.")
    ] = False,
    connect: Annotated[
        bool, typer.Option("--connect", help="Ask Kafka, ledger and catalog whether they answer.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check settings, catalog and mail templates; tell everything that is wrong at once.

    Exits with 0 when all is fine, 2 for problems, 3 when only --connect failed. Warnings change
    nothing. Without --connect it needs no other system.
    """
    effective = None
    try:
        settings = load_settings(config)
    except SettingsError as error:
        findings = list(problems_of(error))
    else:
        found = _findings(settings, connect=connect)
        findings = [placed(finding, _place(config)) for finding in found]
        effective = shown(settings) if show else None
    if as_json:
        print_data(_as_data(findings, effective))
    else:
        _tell(findings, effective, _place(config))
    if texts(findings, Level.PROBLEM):
        raise typer.Exit(2)
    if texts(findings, Level.AWAY):
        raise typer.Exit(3)


def _place(config: Path | None) -> str:
    return "environment" if config is None else str(config)


def _findings(settings: Settings, *, connect: bool) -> Iterator[Finding]:
    clock = SystemClock()
    yield from check_settings(settings)
    found, accounts = check_catalog(settings, clock, connect=connect)
    yield from found
    yield from check_templates(settings, accounts, int(clock.now() * 1000))
    yield from check_ledger(settings, connect=connect)
    if connect:
        yield from check_kafka(settings.kafka)


def _tell(findings: Sequence[Finding], effective: dict[str, Any] | None, place: str) -> None:
    """Problems and warnings on stderr; the settings, or else the result, on stdout."""
    problems, away = texts(findings, Level.PROBLEM), texts(findings, Level.AWAY)
    warnings = texts(findings, Level.WARNING)
    for line in (*problems, *away):
        complain(plain(line))
    for line in warnings:
        complain(f"warning: {plain(line)}")
    if effective is not None:
        typer.echo(toml_text(effective))
    counts = ((problems, "problem"), (away, "unreachable system"), (warnings, "warning"))
    told = [
        f"{len(lines)} {what}{'s' if len(lines) > 1 else ''}" for lines, what in counts if lines
    ]
    if not (problems or away):
        told.insert(0, "fine")
    typer.echo(f"{place}: {', '.join(told)}", err=effective is not None)


def _as_data(findings: Sequence[Finding], effective: dict[str, Any] | None) -> dict[str, Any]:
    problems, away = texts(findings, Level.PROBLEM), texts(findings, Level.AWAY)
    data: dict[str, Any] = {
        "ok": not problems and not away,
        "problems": problems,
        "warnings": texts(findings, Level.WARNING),
        "away": away,
    }
    return data if effective is None else data | {"settings": effective}
