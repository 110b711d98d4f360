"""`messenger check-config`: all problems of the configuration at once, with file and key."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from consumer.adapters.clock import SystemClock
from consumer.cli.common import ConfigOption, JsonOption, complain
from consumer.cli.findings import Finding, Level, about_sound, placed, problems_of, texts
from consumer.cli.format_checks import check_default_tenants
from consumer.cli.plain import plain, print_data
from consumer.cli.port_checks import check_ports
from consumer.cli.settings_checks import check_settings
from consumer.cli.store_checks import (
    check_catalog,
    check_kafka,
    check_ledger,
    check_templates,
)
from consumer.cli.toml_text import toml_text
from consumer.cli.transport_checks import check_mailgun, check_smtp
from consumer.configuration import Examined, examine, shown
from consumer.domain.catalog import Account
from consumer.domain.errors import SettingsError


def check_config(
    config: ConfigOption = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print the effective settings, secrets hidden.")
    ] = False,
    connect: Annotated[
        bool,
        typer.Option(
            "--connect", help="Ask Kafka, ledger, catalog, Mailgun and mail server, try the ports."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check settings, catalog and mail templates; tell everything that is wrong at once.

    Exits with 0 when all is fine, 2 for problems, 3 when only --connect failed. Warnings change
    nothing. Without --connect it needs no other system. Nothing is sent in any case.
    """
    findings, effective = _examined(config, show=show, connect=connect)
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


def _examined(
    config: Path | None, *, show: bool, connect: bool
) -> tuple[list[Finding], dict[str, Any] | None]:
    """All that is found, and the settings if they are to be shown and are sound."""
    try:
        examined = examine(config)
    except SettingsError as error:
        return list(problems_of(error)), None
    findings = list(problems_of(SettingsError(examined.problems)))
    findings += [
        placed(finding, _place(config))
        for finding in _findings(examined, connect=connect)
        if about_sound(finding, examined.is_sound)
    ]
    return findings, shown(examined.settings) if show and not examined.problems else None


def _findings(examined: Examined, *, connect: bool) -> Iterator[Finding]:
    """What is wrong beyond single values. Nobody is asked by an address that was replaced."""
    settings, is_sound, clock = examined.settings, examined.is_sound, SystemClock()
    yield from check_settings(settings)
    accounts: list[Account] = []
    if is_sound("catalog"):
        found, accounts = check_catalog(settings, clock, connect=connect)
        yield from found
        if accounts and is_sound("kafka"):
            yield from check_default_tenants(settings.kafka, accounts)
    if is_sound("delivery", "template_directory"):
        yield from check_templates(settings, accounts, int(clock.now() * 1000))
    if is_sound("ledger"):
        yield from check_ledger(settings, connect=connect)
    if connect and is_sound("kafka"):
        yield from check_kafka(settings.kafka)
    if connect and is_sound("mailgun"):
        yield from check_mailgun(settings, clock)
    if connect and is_sound("smtp") and settings.smtp.host is not None:
        yield from check_smtp(settings, clock)
    if connect:
        yield from check_ports(settings)


def _tell(findings: Sequence[Finding], effective: dict[str, Any] | None, place: str) -> None:
    """Problems and warnings on stderr; the settings, or else the result, on stdout."""
    problems, away = texts(findings, Level.PROBLEM), texts(findings, Level.AWAY)
    warnings = texts(findings, Level.WARNING)
    for line in (*problems, *away):
        complain(plain(line))
    for line in warnings:
        complain(f"warning: {plain(line)}")
    for line in texts(findings, Level.NOTE):
        complain(f"note: {plain(line)}")
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
        "notes": texts(findings, Level.NOTE),
    }
    return data if effective is None else data | {"settings": effective}
