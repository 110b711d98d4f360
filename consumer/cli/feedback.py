"""`messenger feedback`: what became of the emails, by webhooks and from Mailgun's events."""

from typing import Annotated

import typer

from consumer.cli.common import ConfigOption, fail
from consumer.cli.stopping import stop_on_signals
from consumer.configuration import load_settings
from consumer.feedback.process import FeedbackProcess
from consumer.feedback.service import missing
from consumer.telemetry.logs import configure_logs


def feedback(
    config: ConfigOption = None,
    no_webhooks: Annotated[
        bool, typer.Option("--no-webhooks", help="Receive nothing; read Mailgun's events only.")
    ] = False,
    no_poll: Annotated[
        bool, typer.Option("--no-poll", help="Read no events; receive webhooks only.")
    ] = False,
    worker: Annotated[
        str | None, typer.Option(help="Name of this process in tracking records.")
    ] = None,
) -> None:
    """Write to tracking what Mailgun reports of emails: delivered, bounced, opened.

    Receives webhooks and reads Mailgun's events, until SIGTERM or Ctrl-C. What both bring is one
    record.
    """
    settings = load_settings(config)
    given = settings.feedback
    webhooks, poll = given.webhooks and not no_webhooks, given.poll and not no_poll
    if not (webhooks or poll):
        raise fail("nothing is left to do: webhooks and poll are both switched off", 2)
    problems = missing(settings, webhooks=webhooks, poll=poll)
    if problems:
        raise fail("; ".join(problems), 2)
    configure_logs(settings.telemetry.log_level, human=settings.telemetry.log_format == "console")
    process = FeedbackProcess(settings, webhooks=webhooks, poll=poll, worker=worker)
    stop_on_signals(process.stop.set)
    try:
        finished = process.run()
    except OSError as error:
        raise fail(
            f"cannot listen on {settings.telemetry.host}:{given.telemetry_port}: "
            f"{error.strerror}; choose another [feedback] telemetry_port, or 0 for a free one",
            2,
        ) from error
    raise typer.Exit(0 if finished else 1)
