"""`messenger shadow`: a candidate beside production on the same events, and what would differ."""

import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import typer

from consumer import __version__
from consumer.cli.common import ConfigOption, JsonOption, complain, fail
from consumer.cli.moments import parse_seconds
from consumer.cli.plain import plain
from consumer.cli.shadow_output import check_place, show, write_report
from consumer.cli.shadow_sides import Compared, Send, Sides, open_sides, other_installation
from consumer.cli.shadow_stream import Stream, open_stream, stream_of
from consumer.cli.stream_options import (
    AlarmOption,
    EntityOption,
    FilterOption,
    SampleOption,
    StateOption,
    TenantOption,
    filter_of,
    sample_of,
)
from consumer.configuration import load_settings
from consumer.experiments.filters import Filter
from consumer.experiments.sampling import Sample
from consumer.experiments.shadow import Shadow
from consumer.experiments.shadow_process import emit_decisions
from consumer.experiments.shadow_report import Report, verdict
from consumer.experiments.shadow_side import open_side
from consumer.experiments.shadow_source import Choosing
from consumer.experiments.shadow_tally import Limit, Tally, parse_limit
from consumer.wiring import pipeline_rules

#: So many different ones are told.
_TEMPLATE_ERRORS: Final = 5
_LEDGERS: Final = {
    False: "of no alarm anything is known before its first event",
    True: "alarms begin where production's ledger has them",
}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """All that was asked for, once it is known to make sense."""

    compared: Compared
    stream: Stream
    wanted: Filter
    sample: Sample
    limit: Limit | None
    examples: int
    timing: bool


def shadow(
    config: ConfigOption = None,
    candidate: Annotated[
        Path | None,
        typer.Option(help="The candidate's settings file (TOML).", show_default=False),
    ] = None,
    candidate_python: Annotated[
        Path | None,
        typer.Option(
            help="Python of another installation, which decides for the candidate.",
            show_default=False,
        ),
    ] = None,
    candidate_command: Annotated[
        str | None,
        typer.Option(
            help="Likewise: its messenger command; arguments are added to it.", show_default=False
        ),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="2h (ago), 2026-01-31T10:00:00Z, beginning, or PARTITION/OFFSET,…",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Likewise; default: now.", show_default=False)
    ] = None,
    follow: Annotated[
        str | None,
        typer.Option(
            help="The live stream from now on: so long (10m), or so many records (500).",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="Events from NDJSON instead of the topic.", show_default=False),
    ] = None,
    tenant: TenantOption = None,
    entity: EntityOption = None,
    alarm: AlarmOption = None,
    state: StateOption = None,
    condition: FilterOption = None,
    sample: SampleOption = None,
    at_most: Annotated[
        int, typer.Option(min=1, help="Records, at most: a past interval is held in memory.")
    ] = 100_000,
    lag: Annotated[
        str, typer.Option(help="How long after an event came it is decided: 5s, 10m.")
    ] = "1s",
    ledger: Annotated[
        Literal["empty", "copy"],
        typer.Option(
            help="copy: alarms begin where production's ledger has them. It is only read."
        ),
    ] = "empty",
    report: Annotated[
        Path | None, typer.Option(help="Write the report (HTML) there.", show_default=False)
    ] = None,
    examples: Annotated[
        int, typer.Option(min=0, max=1_000, help="Differing events that are shown in full.")
    ] = 50,
    max_differences: Annotated[
        str | None,
        typer.Option(
            help="Exit with 1 if more events differ: a number, or a share such as 1%.",
            show_default=False,
        ),
    ] = None,
    timing: Annotated[
        bool, typer.Option(help="Tell the time per event, the one thing no two runs share.")
    ] = True,
    send: Annotated[
        Send,
        typer.Option(
            help="The candidate's emails: to nobody, to a fake Mailgun, or to Mailgun in its "
            "test mode, which delivers nothing."
        ),
    ] = "nothing",
    sandbox_url: Annotated[
        str | None,
        typer.Option(
            help="The fake's address; default: the candidate's [mailgun] base_url.",
            show_default=False,
        ),
    ] = None,
    emit: Annotated[
        bool,
        typer.Option(
            "--emit-decisions", help="Be another installation's candidate, on stdin and stdout."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare what a candidate would do with the same events: who is told, why not, and how.

    Commits nothing, writes no ledger, and sends to nobody. Exits with 1 when more events differ
    than --max-differences allows, and with 3 when a catalog was away meanwhile.
    """
    lag_seconds = _lag(lag)
    if emit:
        _emit(config, lag_seconds)
        return
    other = other_installation(candidate_python, candidate_command)
    if candidate is None and not other:
        raise fail("what is compared? Give --candidate new.toml, or --candidate-python", 2)
    if sandbox_url is not None and send != "sandbox":
        raise fail("--sandbox-url goes with --send sandbox", 2)
    check_place(report)
    wish = Wish(
        compared=Compared(
            config=config,
            candidate=candidate,
            command=other,
            lag_seconds=lag_seconds,
            copy_ledger=ledger == "copy",
            send=send,
            sandbox_url=sandbox_url,
        ),
        stream=stream_of(from_, to, follow, file, at_most),
        wanted=filter_of(condition, tenant, entity, alarm, state),
        sample=sample_of(sample),
        limit=_limit(max_differences),
        examples=examples,
        timing=timing,
    )
    found = _compare(wish)
    wrong = None if report is None else write_report(found, report)
    show(found, None if wrong else report, as_json=as_json)
    for note in found.notes:
        complain(f"note: {plain(note)}")
    if wrong is not None:
        raise fail(f"--report {report}: {wrong}")
    if any(found.counts.undecided):
        raise fail("not all was compared: a catalog was away; run it again", 3)
    if found.limit_passed:
        raise typer.Exit(1)


def _emit(config: Path | None, lag_seconds: float) -> None:
    with open_side(load_settings(config), lag_seconds=lag_seconds) as side:
        try:
            emit_decisions(side, __version__, sys.stdin.buffer, sys.stdout.buffer)
        except msgspec.MsgspecError as error:
            raise fail(f"standard input: no question of `messenger shadow`: {error}", 2) from None


def _compare(wish: Wish) -> Report:
    settings = load_settings(wish.compared.config)
    rules = pipeline_rules(settings).receive
    choosing = Choosing(rules, wish.wanted, wish.sample)
    with (
        open_sides(settings, wish.compared) as sides,
        open_stream(settings, wish.stream, choosing) as records,
    ):
        running = Shadow(
            sides.production,
            sides.candidate,
            rules,
            beginnings=sides.beginnings,
            on_answer=sides.sending or (lambda _answer: None),
        )
        return _report(wish, sides, running.run(records))


def _report(wish: Wish, sides: Sides, tally: Tally) -> Report:
    counts = tally.counts()
    limit, passed = verdict(counts, wish.limit)
    return Report(
        production=sides.production_name,
        candidate=sides.candidate_name,
        stream=wish.stream.words,
        lag_seconds=wish.compared.lag_seconds,
        ledger=_LEDGERS[wish.compared.copy_ledger],
        counts=counts,
        limit=limit,
        limit_passed=passed,
        sorts=tally.sorts(wish.examples),
        settings=sides.settings,
        times=tally.times() if wish.timing else None,
        notes=[*sides.notes, *_notes(wish, tally)],
        sent=None if sides.sending is None else sides.sending.sent,
    )


def _notes(wish: Wish, tally: Tally) -> list[str]:
    counts, notes = tally.counts(), []
    if not counts.events:
        notes.append("Nothing was compared: no event was meant.")
    if any(counts.undecided):
        notes.append("A catalog was away: events it was needed for are undecided.")
    notes += [
        f"A mail template of the candidate's does not work ({number:,} emails): {what}"
        for what, number in list(counts.template_errors.items())[:_TEMPLATE_ERRORS]
    ]
    if wish.wanted.failures:
        notes.append(
            f"{wish.wanted.failures} events could not be asked by --filter, and are left out; "
            f"the first: {wish.wanted.first_failure}"
        )
    return notes


def _limit(text: str | None) -> Limit | None:
    try:
        return None if text is None else parse_limit(text)
    except ValueError as error:
        raise fail(f"--max-differences: {error}", 2) from None


def _lag(text: str) -> float:
    try:
        return parse_seconds(text)
    except ValueError as error:
        raise fail(f"--lag {error}", 2) from None
