"""`messenger trace`: all that happened to an event, a notification, a message id or an address."""

from functools import partial
from typing import Annotated, Any

import typer

from consumer.adapters.kafka.topics import read_topic
from consumer.adapters.ledger import open_ledger
from consumer.cli.common import ConfigOption, JsonOption, complain, fail
from consumer.cli.plain import print_data
from consumer.cli.timeline import print_trace
from consumer.configuration import load_settings
from consumer.domain.errors import BrokerUnavailable, DependencyError, MessengerError, SettingsError
from consumer.ports import Ledger
from consumer.settings import Settings
from consumer.tracing import Found, Reference, Trace, find, parse_reference
from consumer.wire import history_record
from consumer.wiring import kafka_settings


def trace(
    reference: Annotated[
        str,
        typer.Argument(
            help="An event id, a notification uid, a Message-Id, an email address, or the id of an "
            "alarm, entity or check (Alertmanager: fingerprint, instance).",
            show_default=False,
        ),
    ],
    config: ConfigOption = None,
    no_topic: Annotated[
        bool, typer.Option("--no-topic", help="Ask the ledger only; quick, and without history.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=1_000, help="At most this many events, the newest.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show what happened to an event, step by step, and why an email was not sent.

    Reads the ledger and the whole tracking topic, and changes neither.
    """
    if not reference.strip():
        raise fail("give an event id, a notification uid, a Message-Id, an address or an alarm", 2)
    settings = load_settings(config)
    asked = parse_reference(reference)
    found, problems = _find(asked, settings, no_topic=no_topic, limit=limit)
    for problem in problems:
        complain(f"warning: {problem}; what follows is without it")
    if as_json:
        print_data({"events": [_as_data(trace) for trace in found.traces]})
    else:
        for each in found.traces:
            print_trace(each)
    if found.left_out:
        complain(f"{found.left_out} older events are left out; --limit shows more")
    if not found.traces:
        where = _looked_at(settings, problems, no_topic=no_topic)
        raise fail(_unknown(asked, where, settings.ledger.retention_days))


def _find(
    asked: Reference, settings: Settings, *, no_topic: bool, limit: int
) -> tuple[Found, list[MessengerError]]:
    """What was found, and why a source could not help. Raises when none could."""
    kafka = settings.kafka
    read = None if no_topic else partial(read_topic, kafka_settings(kafka), kafka.tracking_topic)
    ledger, problems = _open(settings)
    try:
        found = find(asked, ledger=ledger, read=read, limit=limit)
    finally:
        if ledger is not None:
            ledger.close()
    problems += found.away
    if len(problems) == (1 if no_topic else 2):
        raise _all_away(problems)
    return found, problems


def _open(settings: Settings) -> tuple[Ledger | None, list[MessengerError]]:
    try:
        return open_ledger(settings.ledger.url.get_secret_value(), pool_size=1), []
    except (SettingsError, DependencyError) as error:
        return None, [error]


def _all_away(problems: list[MessengerError]) -> MessengerError:
    """One error for all: an absent system is told by its exit code, unless it is our mistake."""
    absent = [problem for problem in problems if isinstance(problem, DependencyError)]
    if not absent:
        return problems[0]
    return DependencyError("; ".join(str(problem) for problem in problems))


def _looked_at(settings: Settings, problems: list[MessengerError], *, no_topic: bool) -> str:
    topic_away = no_topic or any(isinstance(each, BrokerUnavailable) for each in problems)
    ledger_away = any(not isinstance(each, BrokerUnavailable) for each in problems)
    places = ((ledger_away, "the ledger"), (topic_away, f"topic {settings.kafka.tracking_topic}"))
    return " and ".join(name for away, name in places if not away)


def _unknown(asked: Reference, where: str, days: float) -> str:
    if asked.address is not None:
        what = "no email to this address, and no message id like it"
    elif asked.message_id is not None:
        what = "no email with this Message-Id"
    else:
        what = "no event and no notification with this id"
    return (
        f"{what} in {where}: check the spelling and --config (an alarm has ids too, which its "
        f"emails end with; names will not do); rows older than {days:g} days are pruned, and an "
        "event that still waits in Kafka is not known yet"
    )


def _as_data(trace: Trace) -> dict[str, Any]:
    return {
        "event": trace.event,
        # Rackspace's notification history needs a step to be made of.
        "history": history_record(trace.steps) if trace.steps else None,
        "steps": trace.steps,
        "ledger": trace.deliveries,
        "ended": trace.ended,
    }
