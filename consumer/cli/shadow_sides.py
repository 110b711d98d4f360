"""Both sides of `messenger shadow`, opened as they were asked for."""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from consumer.adapters.clock import SystemClock
from consumer.adapters.ledger import SqlLedger, open_ledger
from consumer.adapters.mailgun.address import checked_base_url
from consumer.cli.common import fail
from consumer.configuration import load_settings, shown
from consumer.domain.errors import SettingsError
from consumer.experiments.shadow_asking import Asked
from consumer.experiments.shadow_ledger import Beginnings
from consumer.experiments.shadow_process import ProcessSide
from consumer.experiments.shadow_sending import Sending, refuse_real, require_fake
from consumer.experiments.shadow_side import open_side
from consumer.ports import not_logged
from consumer.settings import Settings
from consumer.wiring import make_mailgun, suppressed_by

Send = Literal["nothing", "sandbox", "testmode"]

_SUPPRESSED: Final = "Lists of suppressed addresses are left out: the other installation has none."


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared with production, and how."""

    config: Path | None
    #: Settings of the candidate; None: production's.
    candidate: Path | None
    #: Another installation that decides for the candidate.
    command: tuple[str, ...] = ()
    lag_seconds: float = 0.0
    #: Whether alarms begin where production's ledger has them.
    copy_ledger: bool = False
    send: Send = "nothing"
    sandbox_url: str | None = None


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked."""

    production: Asked
    candidate: Asked
    beginnings: Beginnings | None = None
    sending: Sending | None = None
    notes: tuple[str, ...] = ()
    #: What is compared, in names.
    production_name: str
    candidate_name: str
    #: Settings that differ.
    settings: Mapping[str, tuple[str, str]] = {}


def other_installation(python: Path | None, command: str | None) -> tuple[str, ...]:
    """The command of another installation; empty: there is none."""
    if python is not None and command is not None:
        raise fail("--candidate-python and --candidate-command: give one of them", 2)
    if python is not None:
        return (str(python), "-m", "consumer")
    try:
        words = tuple(shlex.split(command or ""))
    except ValueError as error:
        raise fail(f"--candidate-command: {error}", 2) from None
    if command is not None and not words:
        raise fail("--candidate-command is empty; write /opt/new/bin/messenger", 2)
    return words


@contextmanager
def open_sides(given: Settings, asked: Compared) -> Iterator[Sides]:
    """Raises SettingsError and DependencyError."""
    # What another installation reads may have settings that this one does not know.
    other = (
        given
        if asked.command and asked.send == "nothing"
        else load_settings(asked.candidate or asked.config)
    )
    with ExitStack() as opened:
        sending = _sending(opened, given, other, asked)
        ledger = opened.enter_context(closing(_ledger(given))) if asked.copy_ledger else None
        held = None if asked.command else ledger
        with _naming(asked.config):
            production = opened.enter_context(_side(given, held, asked))
        candidate: Asked
        if asked.command:
            process = ProcessSide((*asked.command, *_arguments(asked)))
            candidate = opened.enter_context(process)
            name = f"messenger {process.hello.version} of {asked.command[0]}"
        else:
            with _naming(asked.candidate):
                candidate = opened.enter_context(_side(other, held, asked))
            name = ""
        yield Sides(
            production=production,
            candidate=candidate,
            beginnings=None if ledger is None else Beginnings(ledger),
            sending=sending,
            notes=(_SUPPRESSED,) if ledger is not None and asked.command else (),
            production_name=str(asked.config or "environment"),
            candidate_name=", ".join(filter(None, (str(asked.candidate or ""), name))),
            settings={} if asked.command else settings_that_differ(given, other),
        )


@contextmanager
def _naming(config: Path | None) -> Iterator[None]:
    """What is wrong with a side's settings is told with whose they are."""
    try:
        yield
    except SettingsError as error:
        whose = config or "environment"
        raise SettingsError([f"{whose}: {line}" for line in error.problems]) from None


def settings_that_differ(given: Settings, other: Settings) -> dict[str, tuple[str, str]]:
    """By key, what both say, secrets hidden."""
    before, after = dict(_flat("", shown(given))), dict(_flat("", shown(other)))
    return {
        key: (before.get(key, ""), after.get(key, ""))
        for key in dict.fromkeys([*before, *after])
        if before.get(key, "") != after.get(key, "")
    }


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), each)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for number, each in enumerate(value, 1):
            yield from _flat(f"{prefix}[{number}]", each)
    elif isinstance(value, list | tuple | set | frozenset):
        yield prefix, ", ".join(map(str, value))
    else:
        yield prefix, "" if value is None else str(value)


def _side(given: Settings, ledger: SqlLedger | None, asked: Compared) -> Any:
    held = None if ledger is None else suppressed_by(given, ledger)
    return open_side(given, find_suppressed=held, lag_seconds=asked.lag_seconds)


def _ledger(given: Settings) -> SqlLedger:
    return open_ledger(given.ledger.url.get_secret_value(), pool_size=1)


def _arguments(asked: Compared) -> tuple[str, ...]:
    config = asked.candidate or asked.config
    told = () if config is None else ("--config", str(config))
    return ("shadow", "--emit-decisions", "--lag", f"{asked.lag_seconds}s", *told)


def _sending(
    opened: ExitStack, production: Settings, candidate: Settings, asked: Compared
) -> Sending | None:
    if asked.send == "nothing":
        return None
    if asked.send == "testmode":
        transport = make_mailgun(candidate, SystemClock(), not_logged)
        return Sending(opened.enter_context(closing(transport)), test_mode=True)
    base_url = checked_base_url(asked.sandbox_url or candidate.mailgun.base_url)
    refuse_real(base_url, production.mailgun.base_url)
    require_fake(base_url)
    mailgun = candidate.mailgun.model_copy(update={"base_url": base_url})
    transport = make_mailgun(
        candidate.model_copy(update={"mailgun": mailgun}), SystemClock(), not_logged
    )
    return Sending(opened.enter_context(closing(transport)), test_mode=False)
