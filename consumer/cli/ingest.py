"""`messenger ingest`: alerts and events by HTTP, into the events topic."""

from typing import Annotated

import typer

from consumer.cli.common import ConfigOption, fail
from consumer.cli.findings import Level, texts
from consumer.cli.ingest_checks import check_ingest, topic_of
from consumer.cli.stopping import stop_on_signals
from consumer.configuration import load_settings
from consumer.telemetry.logs import configure_logs


def ingest(
    config: ConfigOption = None,
    worker: Annotated[str | None, typer.Option(help="Name of this process in logs.")] = None,
) -> None:
    """Take Alertmanager's and Grafana's webhooks and our own events by POST.

    Each alert becomes an event on the events topic, keyed by its alarm, and is answered when Kafka
    has acknowledged it. Runs until SIGTERM or Ctrl-C; any number of processes may run.
    """
    settings = load_settings(config)
    topic = topic_of(settings)
    problems = texts(check_ingest(settings), Level.PROBLEM)
    if problems or topic is None:
        raise fail("; ".join(problems), 2)
    try:
        from consumer.ingest.process import IngestProcess
    except ImportError:
        raise fail("pip install 'alarm-messenger[web]' to receive by HTTP", 2) from None
    configure_logs(settings.telemetry.log_level, human=settings.telemetry.log_format == "console")
    process = IngestProcess(settings, topic, worker=worker)
    stop_on_signals(process.stop.set)
    raise typer.Exit(0 if process.run() else 1)
