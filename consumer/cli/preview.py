"""`messenger preview`: the emails that an event would lead to, without sending them."""

import sys
import tempfile
import webbrowser
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from consumer.adapters.catalog import open_catalog
from consumer.adapters.clock import SystemClock
from consumer.cli.common import ConfigOption, complain, console, fail
from consumer.cli.drafting import Drafted, draft
from consumer.cli.event_file import BadEventFile, read_event
from consumer.cli.plain import plain, plain_text
from consumer.cli.preview_files import write_preview
from consumer.cli.stand_in import PREVIEW_ADDRESS, StandInCatalog, with_snapshots
from consumer.configuration import load_settings
from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.errors import InvalidMessage, SettingsError
from consumer.domain.notification import Context, Ending, SendOptions
from consumer.domain.reasons import Kind, Reason
from consumer.formats import decode
from consumer.pipeline.deliver import choose_options
from consumer.pipeline.lookup import Missing, lookup
from consumer.pipeline.mail.renderer import Renderer
from consumer.ports import Catalog
from consumer.settings import Kafka, Mailgun, Settings
from consumer.wiring import make_renderer, pipeline_rules, receive_settings

#: What renders emails where nothing is configured. Nothing is sent with it.
_WITHOUT_SETTINGS: Final = Settings(
    mailgun=Mailgun.model_validate(
        {
            "domain": "alerts.example.com",
            "api_key": "none",
            "from_address": "Alarms <alarms@alerts.example.com>",
        }
    )
)


def preview(
    event: Annotated[
        str,
        typer.Argument(
            help="A file with one event, or NDJSON; - for stdin.",
            metavar="EVENT.json",
            show_default=False,
        ),
    ],
    config: ConfigOption = None,
    line: Annotated[
        int | None,
        typer.Option(min=1, help="Line of an NDJSON file; default: the first.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write subject, text, HTML and .eml here.", show_default=False),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the HTML in the browser.")] = False,
) -> None:
    """Show the emails that an event would lead to, or why there would be none.

    Looks the event up in the configured catalog. Without settings its own snapshots are used, and
    the emails go to preview@example.com. It is taken as if it had come when it happened. Nothing
    is sent, and neither Kafka nor the ledger is asked: whether the event is a duplicate, stale or
    unchanged is not judged.
    """
    settings = _settings(config)
    events = _events(event, line, (settings or _WITHOUT_SETTINGS).kafka)
    if open_ and out is None:
        out = Path(tempfile.mkdtemp(prefix="messenger-preview-"))
    for each, drafted in _drafted(events, settings):
        _show(each, drafted, settings or _WITHOUT_SETTINGS, out, open_=open_)


def _events(file: str, line: int | None, kafka: Kafka) -> list[AlarmEvent]:
    """As they would be read from the first topic of events, but for its format: any will do."""
    name = "standard input" if file == "-" else file
    mappings = receive_settings(kafka).mappings_on(kafka.events_topics[0])
    try:
        value = read_event(sys.stdin.buffer if file == "-" else Path(file), line)
        return decode(value, mappings=mappings)
    except BadEventFile as error:
        raise fail(f"{name}: {error}", 2) from error
    except InvalidMessage as error:
        raise fail(f"{name}: {plain(error)}") from error


def _settings(config: Path | None) -> Settings | None:
    """None: nothing at all is configured, neither by a file nor by the environment."""
    try:
        return load_settings(config)
    except SettingsError as error:
        if config is None and error.problems == _problems_of_nothing():
            return None
        raise


def _problems_of_nothing() -> tuple[str, ...]:
    try:
        load_settings(None, {})
    except SettingsError as error:
        return error.problems
    return ()


def _drafted(
    events: list[AlarmEvent], settings: Settings | None
) -> list[tuple[AlarmEvent, Drafted]]:
    """Each event and what it leads to, as if it had come at once when it happened."""
    given = settings or _WITHOUT_SETTINGS
    renderer = make_renderer(given)
    unknown_as = pipeline_rules(given).lock.unknown_as
    catalog: Catalog = StandInCatalog()
    if settings is None:
        complain(f"note: no settings, so no catalog; everything goes to {PREVIEW_ADDRESS}")
        events = [with_snapshots(event) for event in events]
    else:
        catalog = open_catalog(settings.catalog.url.get_secret_value(), clock=SystemClock())
    with closing(catalog):
        return [(event, _draft(event, catalog, renderer, unknown_as)) for event in events]


def _draft(
    event: AlarmEvent, catalog: Catalog, renderer: Renderer, unknown_as: State | None
) -> Drafted:
    (context,) = lookup([event], catalog, event.timestamp, unknown_as)
    ending = _end_before_the_plan(event, context, unknown_as)
    if ending is not None:
        return Drafted(endings=[ending])
    assert isinstance(context, Context)  # the ending of what is missing was told
    if isinstance(catalog, StandInCatalog):
        # That there is no catalog is no news here, and nothing that the mail should tell.
        context = msgspec.structs.replace(context, degraded=False)
    elif context.degraded:
        complain("note: not all is in the catalog; the event's own snapshots stand in")
    return draft(event, context, renderer, event.timestamp)


def _end_before_the_plan(
    event: AlarmEvent, context: Context | Missing, unknown_as: State | None
) -> Ending | None:
    if event.state is State.UNKNOWN and unknown_as is None and not event.test:
        return Ending(
            kind=Kind.IGNORED,
            reason=Reason.UNKNOWN_STATE,
            message="The state UNKNOWN is not notified; [delivery] unknown_as would change that",
        )
    if isinstance(context, Missing):
        return Ending(kind=Kind.LOOKUP_FAILED, reason=Reason.NOT_IN_CATALOG, message=context.what)
    return None


def _show(
    event: AlarmEvent, drafted: Drafted, given: Settings, out: Path | None, *, open_: bool
) -> None:
    rules = pipeline_rules(given)
    options = choose_options(event, rules.routes, rules.default_options)
    for email in drafted.emails:
        if email.template_error is not None:
            complain(f"the account's own template was not used: {plain(email.template_error)}")
        _print(f"to: {email.to} ({_how(options)})")
        _print(f"subject: {email.subject}")
        if out is None:
            _print("")
            _print(plain_text(email.text))
            _print("")
            continue
        try:
            files = write_preview(email, out)
        except OSError as error:
            raise fail(f"{out}: cannot be written: {error.strerror}", 2) from error
        for file in files:
            _print(str(file))
        if open_:
            webbrowser.open(next(f for f in files if f.suffix == ".html").resolve().as_uri())
    for ending in drafted.endings:
        whom = "no email" if ending.target_id is None else f"no email to {_name(ending)}"
        _print(f"{whom}: {plain(ending.message)} ({ending.kind}, {ending.reason})")


def _name(ending: Ending) -> str:
    return plain(ending.destination or ending.target_id)


def _how(options: SendOptions) -> str:
    return f"by {options.transport}{', in test mode: not delivered' if options.test_mode else ''}"


def _print(line: str) -> None:
    console.print(line, markup=False)
