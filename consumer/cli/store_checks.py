"""What is wrong with the catalog, the ledger and the mail templates that the settings name."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from consumer.adapters.catalog import check_references, open_catalog
from consumer.adapters.catalog.opening import directory_of
from consumer.adapters.kafka.topics import missing_topics
from consumer.adapters.ledger import current_revision, open_ledger
from consumer.adapters.ledger.engine import is_memory, parse_url
from consumer.cli.drafting import draft, sample_context, sample_event
from consumer.cli.findings import Finding, Level, problem, problems_of, warning
from consumer.domain.alarm import State
from consumer.domain.catalog import Account
from consumer.domain.errors import DependencyError, SettingsError
from consumer.pipeline.mail.renderer import Renderer
from consumer.ports import Clock
from consumer.settings import Kafka, Settings
from consumer.wiring import kafka_settings, make_renderer

_SAMPLE_ADDRESS: Final = "sample@example.com"
_STATES: Final = (State.CRITICAL, State.WARNING, State.OK)


def check_catalog(
    settings: Settings, clock: Clock, *, connect: bool
) -> tuple[list[Finding], list[Account]]:
    """What is wrong with the catalog, and its accounts as far as they can be read.

    A database that is not a file of this machine is only asked with `connect`.
    """
    url = settings.catalog.url.get_secret_value()
    try:
        catalog = open_catalog(url, clock=clock)
    except SettingsError as error:
        if url.startswith("file:") and directory_of(url).is_dir():
            return _as_problems(check_references(directory_of(url))), []
        if url.startswith("file:"):
            return [problem("[catalog] url", line) for line in error.problems], []
        return list(problems_of(error)), []
    if not connect and not url.startswith(("file:", "sqlite:")):
        return [warning("[catalog] url", "its content is not checked; --connect does it")], []
    try:
        rows, _ = catalog.read_all()
        problems = check_references(catalog)
        ignored = [line for line in catalog.problems() if line not in problems]
    except DependencyError as error:
        level = Level.AWAY if connect else Level.PROBLEM
        return [Finding(level, str(error))], []
    finally:
        catalog.close()
    warnings = [warning("catalog", line) for line in ignored]
    accounts = [row.value for row in rows if isinstance(row.value, Account)]
    return [*_as_problems(problems), *warnings], accounts


def _as_problems(lines: Iterable[str]) -> list[Finding]:
    return [problem("catalog", line) for line in lines]


def check_ledger(settings: Settings, *, connect: bool) -> Iterator[Finding]:
    """Whether the ledger can be used; a local file is looked at, a server only with `connect`."""
    url = settings.ledger.url.get_secret_value()
    try:
        parsed = parse_url(url)
        if is_memory(parsed):
            yield problem(
                "[ledger] url",
                "a ledger in memory forgets what was sent; write sqlite:///messenger.db",
            )
        elif parsed.drivername == "sqlite":
            # `messenger run` makes and upgrades this one; a newer revision is for it to refuse.
            yield from _no_place_for(parsed)
            current_revision(url)
        elif connect:
            with_pool = open_ledger(url, pool_size=1)
            try:
                with_pool.ping()
            finally:
                with_pool.close()
    except SettingsError as error:
        yield from problems_of(error)
    except DependencyError as error:
        yield Finding(Level.AWAY if connect else Level.PROBLEM, str(error))


def _no_place_for(url: URL) -> Iterator[Finding]:
    """What keeps SQLite from making its file, and the files that it needs beside it."""
    if "uri" in url.query:
        return  # its name is not a plain path, and it may be meant to be only read
    file = Path(url.database or "")
    if not file.parent.is_dir():
        yield problem("[ledger] url", f"directory {file.parent} does not exist")
        return
    for what, path in (("directory", file.parent), ("file", file)):
        if path.exists() and not os.access(path, os.W_OK):
            yield problem("[ledger] url", f"{what} {path} is not writable")


def check_kafka(kafka: Kafka) -> Iterator[Finding]:
    """Whether Kafka answers, and has the topics."""
    names = [*kafka.events_topics, kafka.tracking_topic, kafka.dead_letter_topic]
    try:
        missing = missing_topics(kafka_settings(kafka), names)
    except DependencyError as error:
        yield Finding(Level.AWAY, str(error))
        return
    for name, nearest in missing.items():
        yield problem(f"topic {name}", no_topic(nearest))


def no_topic(nearest: str | None) -> str:
    """What to do about a topic that is not there; `nearest`: one that is, with a like name."""
    correct = "" if nearest is None else f", or correct the name in [kafka]: there is {nearest}"
    return f"does not exist; run `messenger topics create`{correct}"


def check_templates(
    settings: Settings, accounts: Iterable[Account], now_ms: int
) -> Iterator[Finding]:
    """Each template that an account names or that has a folder is rendered, for each state."""
    used: dict[str, list[str]] = {}
    for account in accounts:
        if account.template is not None and account.deleted_at is None:
            used.setdefault(account.template, []).append(account.id)
    directory = settings.delivery.template_directory
    if directory is None:
        for name, ids in used.items():
            yield warning(
                f"account {', '.join(ids)}",
                f"template {name!r} is not used: [delivery] template_directory is not set",
            )
        return
    try:
        folders = _folders(directory)
    except OSError as error:
        yield problem("[delivery] template_directory", f"{directory}: {error.strerror}")
        return
    renderer = make_renderer(settings)
    yield from _broken_templates(renderer, directory, {name: [] for name in folders} | used, now_ms)


def _folders(directory: Path) -> list[str]:
    entries = sorted(directory.iterdir())
    return [each.name for each in entries if each.is_dir() and not each.name.startswith(".")]


def _broken_templates(
    renderer: Renderer, directory: Path, templates: Mapping[str, list[str]], now_ms: int
) -> Iterator[Finding]:
    for name, ids in templates.items():
        for state in _STATES:
            context = sample_context(_SAMPLE_ADDRESS, template=name)
            event = sample_event("check-config", state, now_ms)
            (email,) = draft(event, context, renderer, now_ms).emails
            if email.template_error is not None:
                whose = f", of account {', '.join(ids)}" if ids else ""
                what = f"{email.template_error}; {state} emails would be the built-in ones"
                yield problem(f"template in {directory}{whose}", what)
                break
