"""`messenger run`: one consumer process, or several under a supervisor."""

import gc
import threading
from pathlib import Path
from typing import Annotated

import typer

from consumer.adapters.kafka.topics import missing_topics
from consumer.app import App
from consumer.cli.common import ConfigOption, fail
from consumer.cli.settings_checks import refuse_problems
from consumer.cli.stopping import stop_on_signals
from consumer.cli.store_checks import no_topic
from consumer.cli.supervise import stop_when_supervisor_ends, supervise
from consumer.configuration import load_settings
from consumer.domain.errors import DependencyError
from consumer.settings import Kafka
from consumer.telemetry.logs import configure_logs, get_logger
from consumer.wiring import kafka_settings


def run(
    config: ConfigOption = None,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Run this many under a supervisor.")
    ] = 1,
    worker: Annotated[
        str | None,
        typer.Option(help="Name in tracking records; of several processes: NAME-0, NAME-1, …"),
    ] = None,
    supervised: Annotated[
        bool, typer.Option("--supervised", hidden=True, help="Stop when standard input closes.")
    ] = False,
) -> None:
    """Consume alarm-state events and send emails, until SIGTERM or Ctrl-C."""
    settings = load_settings(config)
    refuse_problems(settings)
    configure_logs(settings.telemetry.log_level, human=settings.telemetry.log_format == "console")
    if processes > 1:
        member = settings.kafka.group_instance_id
        port = settings.telemetry.port
        code = supervise(processes, _arguments(config), port=port, member=member, name=worker)
        raise typer.Exit(code)
    _spare_the_collector()
    app = App(settings, worker=worker)
    threading.Thread(
        target=_tell_missing_topics, args=(settings.kafka,), name="topics", daemon=True
    ).start()
    stop_on_signals(app.stop.set)
    if supervised:
        stop_when_supervisor_ends(app.stop.set)
    try:
        finished = app.run()
    except OSError as error:
        raise fail(
            f"cannot listen on {settings.telemetry.host}:{settings.telemetry.port}: "
            f"{error.strerror}; choose another [telemetry] port, or 0 for a free one",
            2,
        ) from error
    raise typer.Exit(0 if finished else 1)


def _spare_the_collector() -> None:
    """Most of what a storm allocates lives until its email is out, and is freed without the cyclic
    collector, which goes through all of it again and again: a fifth of the processor time
    (`messenger bench storm`), for no memory less."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _tell_missing_topics(kafka: Kafka) -> None:
    """A misspelt name looks like a topic on which nothing happens. Nobody waits for this."""
    names = [*kafka.events_topics, kafka.tracking_topic, kafka.dead_letter_topic]
    try:
        missing = missing_topics(kafka_settings(kafka), names)
    except DependencyError:
        return  # told by whoever has to read or write there
    for name, nearest in missing.items():
        get_logger().warning("kafka.no_topic", topic=name, remedy=no_topic(nearest))


def _arguments(config: Path | None) -> list[str]:
    return [] if config is None else ["--config", str(config)]
