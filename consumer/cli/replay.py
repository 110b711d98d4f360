"""`messenger replay`: send from the past what was not sent, or, deliberately, what was."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from consumer.adapters.clock import SystemClock
from consumer.adapters.ledger import SqlLedger, open_ledger
from consumer.cli.common import ConfigOption, JsonOption, fail
from consumer.cli.replay_output import (
    LEFT_TO_PRODUCTION,
    Watching,
    ask_above,
    end_report,
    show_dry,
    tell_unasked,
)
from consumer.cli.replay_records import Records, records_of_file, records_of_topics
from consumer.cli.replay_routes import live_routes
from consumer.cli.settings_checks import refuse_problems
from consumer.cli.stopping import stop_on_signals
from consumer.cli.stream_options import (
    AlarmOption,
    EntityOption,
    FilterOption,
    StateOption,
    TenantOption,
    filter_of,
    span_of,
)
from consumer.configuration import load_settings
from consumer.experiments.replay import Given, Replay
from consumer.experiments.replay_dry import DryRun
from consumer.experiments.replay_selecting import Wish
from consumer.experiments.replay_span import fingerprint
from consumer.pipeline.mail.clean import one_line
from consumer.settings import Settings
from consumer.wiring import open_own_ledger

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,60}")
_REASON: Final = 300
#: Emails of a resend that are sent without a question.
_ASKED_ABOVE: Final = 100


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, once it is known to make sense."""

    name: str
    from_: str | None
    to: str | None
    file: Path | None
    #: All that the selection depends on: a name stands for one selection.
    selection: str
    rate: int


def replay(
    config: ConfigOption = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="2h (ago), 2026-01-31T10:00:00Z, beginning, or PARTITION/OFFSET,…",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Likewise; it is not in.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Events from NDJSON instead of the topic.", show_default=False),
    ] = None,
    tenant: TenantOption = None,
    entity: EntityOption = None,
    alarm: AlarmOption = None,
    state: StateOption = None,
    condition: FilterOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All there is.")] = False,
    missing: Annotated[
        bool, typer.Option("--missing", help="Only what was never accepted: the default.")
    ] = False,
    resend: Annotated[
        bool, typer.Option("--resend", help="Send again what was sent, as new emails.")
    ] = False,
    reason: Annotated[
        str | None,
        typer.Option(help="Why it is resent: recorded in tracking.", show_default=False),
    ] = None,
    out_of_order: Annotated[
        bool,
        typer.Option(
            "--out-of-order",
            help="Also states that are over: a CRITICAL may arrive after the OK that ended it.",
        ),
    ] = False,
    suppressed: Annotated[
        bool,
        typer.Option(
            "--suppressed",
            help="Also what was suppressed then, if the catalog and Mailgun's lists allow it now.",
        ),
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(help="Continue the replay of this name, or begin it.", show_default=False),
    ] = None,
    rate: Annotated[int, typer.Option(min=1, max=1000, help="Emails a second, at most.")] = 50,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be sent; writes nothing.")
    ] = False,
    mails: Annotated[
        Path | None,
        typer.Option(help="With --dry-run: write the mails (.eml) there.", show_default=False),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before more than 100 resent emails.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send from the past what the ledger says was never accepted, each email once.

    Everything else is told as already sent. A state that is over is not sent after the newer one
    that was told, unless --out-of-order says so; age limits do not apply. Production may run
    beside it. Stop it whenever you like: the same --name goes on where it was.
    """
    # One for each look at the events: it counts those that it could not be asked of.
    make_filter = partial(filter_of, condition, tenant, entity, alarm, state)
    make_filter()
    chosen = (tenant, entity, alarm, state, condition)
    if not (from_ or to or file or everything or any(chosen)):
        raise fail("say which events: --from, --to, --file, --tenant, --filter, …; or --all", 2)
    wish = Wish(
        name=_name(name),
        resend=_why(resend, missing, reason),
        suppressed=suppressed,
        out_of_order=out_of_order,
    )
    if mails is not None and not dry_run:
        raise fail("--mails goes with --dry-run: it shows what would be sent", 2)
    if file is not None and (from_ or to):
        raise fail("--from and --to are for the topic; of a file, --filter takes a part", 2)
    settings = load_settings(config)
    refuse_problems(settings)
    selection = fingerprint(from_, to, chosen, msgspec.structs.replace(wish, name=""))
    options = Options(name=wish.name, from_=from_, to=to, file=file, selection=selection, rate=rate)

    def given(records: Records, ledger: SqlLedger) -> Given:
        return Given(
            wish=wish,
            wanted=make_filter(),
            reader=records.reader,
            ends=records.ends,
            commit=records.commit,
            per_second=rate,
            routes=live_routes(settings, ledger),
        )

    if dry_run:
        with _looked_at(settings, options) as (records, ledger):
            what = given(records, ledger)
            show_dry(DryRun(settings, what, ledger), records, mails, as_json=as_json)
        tell_unasked(what.wanted)
        return
    if wish.resend is not None and not yes:
        with _looked_at(settings, options) as (records, ledger):
            ask_above(DryRun(settings, given(records, ledger), ledger), _ASKED_ABOVE)
    _run(settings, options, given, as_json=as_json)


def _name(given: str | None) -> str:
    if given is None:
        return f"{datetime.fromtimestamp(SystemClock().now(), UTC):%Y%m%d-%H%M%S}"
    if not _NAME.fullmatch(given):
        raise fail("--name: letters, digits, dots, dashes and underscores, at most 60", 2)
    return given


def _why(resend: bool, missing: bool, reason: str | None) -> str | None:
    """The reason of a resend; None: it is none."""
    if resend and missing:
        raise fail("--missing or --resend: one of them", 2)
    if not resend:
        if reason is not None:
            raise fail("--reason goes with --resend", 2)
        return None
    told = one_line(reason or "", _REASON)
    if not told:
        raise fail("--resend needs --reason: it is recorded with every email", 2)
    return told


@contextmanager
def _looked_at(settings: Settings, options: Options) -> Iterator[tuple[Records, SqlLedger]]:
    """Records and ledger, both only to be read."""
    url = settings.ledger.url.get_secret_value()
    with closing(open_ledger(url, pool_size=2)) as ledger, _records(settings, options) as records:
        yield records, ledger


@contextmanager
def _records(
    settings: Settings, options: Options, progress: Watching | None = None
) -> Iterator[Records]:
    """With `progress`, what is done is committed, and an earlier run is continued."""
    if options.file is not None:
        with records_of_file(options.file) as records:
            yield records
        return
    topics = settings.kafka.events_topics
    from_ = "beginning" if options.from_ is None else options.from_
    span = span_of(from_, options.to, topics, SystemClock().now())
    name = None if progress is None else options.name
    with records_of_topics(settings, span, options.selection, name, progress) as records:
        yield records


def _run(
    settings: Settings,
    options: Options,
    given: Callable[[Records, SqlLedger], Given],
    *,
    as_json: bool,
) -> None:
    watching = Watching()
    replay = Replay(settings, watching)
    stop_on_signals(replay.stop.set)
    with (
        closing(open_own_ledger(settings)) as ledger,
        _records(settings, options, watching) as records,
    ):
        replay.report.waiting(LEFT_TO_PRODUCTION, records.left_to_production)
        with watching.shown(replay.report, records, options.name):
            what = given(records, ledger)
            finished = replay.run(what, ledger)
    tell_unasked(what.wanted)
    end_report(replay.report.totals, options.name, finished=finished, as_json=as_json)
