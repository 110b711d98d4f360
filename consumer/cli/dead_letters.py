"""`messenger dead-letters`: list, show and redrive what could not be processed."""

import sys
from collections import Counter
from collections.abc import Sequence
from heapq import nlargest
from operator import attrgetter
from typing import Annotated

import typer

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.client_quirks import ensure_reachable
from consumer.adapters.kafka.sink import KafkaSink
from consumer.adapters.kafka.topics import read_topic
from consumer.adapters.ledger import open_ledger
from consumer.cli.common import ConfigOption, JsonOption, complain, console, fail
from consumer.cli.letters import Ends, letter_data, print_letter, print_line, whole_data
from consumer.cli.moments import parse_moment
from consumer.cli.plain import plain, print_data
from consumer.configuration import load_settings
from consumer.dead_letters import DeadLetters, Decode, Letter, Place, Wanted, ends
from consumer.domain.errors import DependencyError, SettingsError
from consumer.pipeline.receive import receive
from consumer.redriving import Redriving, Selection, select
from consumer.settings import Settings
from consumer.wiring import kafka_settings, pipeline_rules

dead_letters = typer.Typer(
    name="dead-letters", help="What could not be processed, and why.", no_args_is_help=True
)

#: More than so many are not redriven without a question.
_ASK_ABOVE = 100

ReasonOption = Annotated[
    list[str] | None,
    typer.Option("--reason", help="Only with this reason; may be repeated.", show_default=False),
]
SinceOption = Annotated[
    str | None,
    typer.Option(help="Dead since then: 2h, 30m, 7d (ago), or ISO 8601.", show_default=False),
]
UntilOption = Annotated[
    str | None, typer.Option(help="Dead until then, likewise.", show_default=False)
]


@dead_letters.command("list")
def list_(
    config: ConfigOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="At most this many, the newest.")
    ] = 100,
    as_json: JsonOption = False,
) -> None:
    """List dead letters, oldest first: where, when, why, and how their events stand now."""
    wanted = _wanted(reason, since, until)
    settings = load_settings(config)
    letters = _letters(settings, wanted)
    newest = nlargest(limit, letters, key=attrgetter("at", "place"))[::-1]
    _tell_about(letters, settings)
    _print_list(newest, settings, as_json=as_json)
    if letters.found > len(newest):
        complain(f"{letters.found - len(newest)} older ones are left out; --limit shows more")
    if not newest and not as_json:
        complain(_none(letters, wanted))


@dead_letters.command("show")
def show(
    position: Annotated[str, typer.Argument(help="PARTITION/OFFSET, as `list` prints it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one dead letter with its headers and its value."""
    wanted = Wanted(places=frozenset({_place(position)}))
    settings = load_settings(config)
    letters = _letters(settings, wanted)
    letter = next(iter(letters), None)
    if letter is None:
        raise fail(
            f"no dead letter at {position}; `messenger dead-letters list` shows what is there"
        )
    stands = _ends([letter], settings)[0]
    if as_json:
        print_data(whole_data(letter, stands))
    else:
        print_letter(letter, stands)


@dead_letters.command("redrive")
def redrive(
    config: ConfigOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    offset: Annotated[
        list[str] | None,
        typer.Option("--offset", help="PARTITION/OFFSET; may be repeated.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    rate: Annotated[
        int | None, typer.Option(min=1, help="At most this many a second.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send dead letters to their topic again, under the same identities.

    What was sent before is not sent again. An event that is older than the newest one of its
    alarm is stale, as always: no email about a state that is over.
    """
    wanted = _wanted(reason, since, until, offset)
    if wanted.everything and not everything:
        raise fail("say which: --reason, --since, --until or --offset; or --all", 2)
    settings = load_settings(config)
    selection = _selection(settings, wanted)
    if dry_run:
        _print_list([each.letter for each in selection.chosen], settings, as_json=as_json)
        complain(_report("would be redriven", len(selection.chosen), selection.left_out))
        return
    number = len(selection.chosen)
    if number > _ASK_ABOVE and not yes:
        _ask(number)
    _redrive(settings, selection, rate)
    if as_json:
        print_data({"redriven": number, "left_out": dict(selection.left_out)})
    else:
        console.print(_report("redriven", number, selection.left_out))


def _selection(settings: Settings, wanted: Wanted) -> Selection:
    letters = _letters(settings, wanted)
    ledger = open_ledger(settings.ledger.url.get_secret_value(), pool_size=1)
    try:
        selection = select(letters, settings.kafka.events_topics, _decode(settings), ledger)
    finally:
        ledger.close()
    _tell_about(letters, settings)
    if not letters.found:
        raise fail(_none(letters, wanted))
    return selection


def _redrive(settings: Settings, selection: Selection, rate: int | None) -> None:
    """All of them, or an exit that says how far it came."""
    done = 0

    def noting(number: int) -> None:
        nonlocal done
        done = number

    kafka = kafka_settings(settings.kafka)
    ensure_reachable(kafka)
    ledger = open_ledger(settings.ledger.url.get_secret_value(), pool_size=1)
    sink = KafkaSink(kafka)
    try:
        Redriving(ledger, sink, SystemClock(), rate).redrive(selection.chosen, noting)
    except DependencyError as error:
        left = f"{done} of {len(selection.chosen)} were redriven, the same command does the rest"
        raise fail(f"{error}; {left}", 3) from error
    finally:
        sink.close(5.0)
        ledger.close()


def _ask(number: int) -> None:
    if not sys.stdin.isatty():
        raise fail(f"{number} dead letters would be redriven: say --yes, or --dry-run to see", 2)
    if not typer.confirm(f"Redrive {number} dead letters?", err=True):
        raise fail("nothing was redriven")


def _letters(settings: Settings, wanted: Wanted) -> DeadLetters:
    kafka = settings.kafka
    return DeadLetters(read_topic(kafka_settings(kafka), kafka.dead_letter_topic), wanted)


def _decode(settings: Settings) -> Decode:
    rules = pipeline_rules(settings).receive
    return lambda record: receive([record], rules)[0].events


def _ends(letters: Sequence[Letter], settings: Settings) -> list[Ends]:
    """How their events stand; None for each when the ledger cannot say."""
    try:
        ledger = open_ledger(settings.ledger.url.get_secret_value(), pool_size=1)
        try:
            found = ends(letters, _decode(settings), ledger)
        finally:
            ledger.close()
    except (DependencyError, SettingsError) as error:
        complain(f"warning: {error}; what follows is without it")
        return [None] * len(letters)
    return [found[letter.place] for letter in letters]


def _print_list(letters: Sequence[Letter], settings: Settings, *, as_json: bool) -> None:
    told = list(zip(letters, _ends(letters, settings) if letters else (), strict=True))
    if as_json:
        print_data([letter_data(letter, stands) for letter, stands in told])
        return
    for letter, stands in told:
        print_line(letter, stands)


def _wanted(
    reasons: Sequence[str] | None,
    since: str | None,
    until: str | None,
    offsets: Sequence[str] | None = None,
) -> Wanted:
    everything = Wanted()
    return Wanted(
        reasons=frozenset(reasons or ()),
        since=everything.since if since is None else _moment("--since", since),
        until=everything.until if until is None else _moment("--until", until),
        places=frozenset(_place(text) for text in offsets or ()),
    )


def _moment(option: str, text: str) -> int:
    try:
        return parse_moment(text, SystemClock().now())
    except ValueError as error:
        raise fail(f"{option}: {error}", 2) from None


def _place(text: str) -> Place:
    partition, _, offset = text.partition("/")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise fail(f"{text!r} is no position: write PARTITION/OFFSET, as `list` prints it", 2)
    return int(partition), int(offset)


def _tell_about(letters: DeadLetters, settings: Settings) -> None:
    if letters.foreign:
        topic = settings.kafka.dead_letter_topic
        complain(f"{letters.foreign} records of {topic} are no dead letters of ours; left out")


def _none(letters: DeadLetters, wanted: Wanted) -> str:
    if not letters.reasons:
        return "there are no dead letters"
    there = ", ".join(f"{plain(reason)} ({n})" for reason, n in letters.reasons.most_common())
    what = "no dead letters" if wanted.everything else "no dead letter fits"
    return f"{what}; there are: {there}"


def _report(what: str, number: int, left_out: Counter[str]) -> str:
    rest = "".join(f"; left out: {n} {why}" for why, n in sorted(left_out.items()))
    return f"{number} {what}{rest}"
