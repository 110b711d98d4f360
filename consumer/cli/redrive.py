"""`messenger dead-letters redrive`: once the cause is mended, send the records again."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import typer

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.client_quirks import ensure_reachable
from consumer.adapters.kafka.sink import KafkaSink
from consumer.cli.common import ConfigOption, JsonOption, YesOption, ask, complain, console, fail
from consumer.cli.letter_source import (
    ReasonOption,
    SinceOption,
    UntilOption,
    asked_for,
    decoder,
    none_found,
    opened_ledger,
    print_list,
    read_letters,
    tell_foreign,
)
from consumer.cli.letters import standing_text
from consumer.cli.plain import print_data
from consumer.configuration import load_settings
from consumer.dead_letters import Letter, Standing, Wanted
from consumer.domain.errors import DependencyError
from consumer.redriving import Candidate, Redriving, Selection, Why, select
from consumer.settings import Settings
from consumer.wiring import kafka_settings

_STALE: Final = "will be stale: the alarm has moved on since, no email will be sent"


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
    again: Annotated[
        bool, typer.Option("--again", help="Also what was redriven, sent or ended since.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    yes: YesOption = False,
    rate: Annotated[
        int | None, typer.Option(min=1, help="At most this many a second.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send dead letters to their topic again, under the same identities.

    Asks before it sends. What was sent before is not sent again, and a letter that was redriven
    before is left out: the same command may be run twice. An event that is older than the newest
    one of its alarm is stale, as always: no email about a state that is over.
    """
    wanted = asked_for(reason, since, until, offset)
    if wanted.everything and not everything:
        raise fail("say which: --reason, --since, --until or --offset; or --all", 2)
    settings = load_settings(config)
    selection = _selection(settings, wanted, again=again)
    _foretell(selection.chosen)
    if dry_run:
        print_list([(each.letter, each.standing) for each in selection.chosen], as_json=as_json)
        complain(_summary("would be redriven", len(selection.chosen), _reasons(selection)))
        return
    if selection.chosen and not yes:
        _ask(len(selection.chosen))
    report = _Report(selection, as_json=as_json)
    if selection.chosen:
        _redrive(settings, selection, report, rate)
    report.end()


class _Report:
    """A line for each letter as it is done, and a summary."""

    def __init__(self, selection: Selection, *, as_json: bool) -> None:
        self._as_json = as_json
        self._letters: list[dict[str, Any]] = []
        self.redriven = 0
        self.left_out = Counter(_reasons(selection))
        for each in selection.left_out:
            self._add(each.letter, each.why, each.standing)

    def done(self, candidate: Candidate, sent: bool) -> None:
        """One candidate was sent, or not: another command did it in between."""
        if sent:
            self.redriven += 1
            self._add(candidate.letter, "redriven")
        else:
            self.left_out[Why.ALREADY_REDRIVEN] += 1
            self._add(candidate.letter, f"{Why.ALREADY_REDRIVEN}, just now")

    def _add(self, letter: Letter, result: str, standing: Standing | None = None) -> None:
        self._letters.append({"position": letter.name, "result": result})
        if not self._as_json:
            more = "" if standing is None else standing_text(standing)
            console.print(f"{letter.name:<8} {result}{more}", markup=False)

    def end(self) -> None:
        if self._as_json:
            data = {"redriven": self.redriven, "left_out": dict(self.left_out)}
            print_data(data | {"letters": self._letters})
        else:
            console.print(_summary("redriven", self.redriven, self.left_out.elements()))


def _selection(settings: Settings, wanted: Wanted, *, again: bool) -> Selection:
    letters = read_letters(settings, wanted)
    topics = settings.kafka.events_topics
    with opened_ledger(settings) as ledger:
        selection = select(letters, topics, decoder(settings), ledger, again=again)
    tell_foreign(letters, settings)
    if not letters.found:
        raise fail(none_found(letters, wanted))
    return selection


def _redrive(settings: Settings, selection: Selection, report: _Report, rate: int | None) -> None:
    """All of them, or an exit that says how far it came."""
    kafka, topic = kafka_settings(settings.kafka), settings.kafka.dead_letter_topic
    ensure_reachable(kafka)
    with opened_ledger(settings) as ledger:
        sink = KafkaSink(kafka)
        try:
            redriving = Redriving(ledger, sink, SystemClock(), topic, rate)
            redriving.redrive(selection.chosen, report.done)
        except DependencyError as error:
            done = f"{report.redriven} of {len(selection.chosen)} were redriven"
            raise fail(f"{error}; {done}, the same command does the rest", 3) from error
        finally:
            sink.close(5.0)


def _foretell(chosen: Sequence[Candidate]) -> None:
    """What will not come to an email, while one may still think better of it."""
    for each in chosen:
        if each.is_stale:
            complain(f"{each.letter.name} {_STALE}")


def _ask(number: int) -> None:
    ask(
        f"Redrive {number} dead letters?",
        unasked=f"{number} dead letters would be redriven: say --yes, or --dry-run to see",
        refused="nothing was redriven",
    )


def _reasons(selection: Selection) -> Iterable[Why]:
    return [each.why for each in selection.left_out]


def _summary(what: str, number: int, left_out: Iterable[Why]) -> str:
    counts = sorted(Counter(left_out).items())
    rest = ", ".join(f"{n} {why}" for why, n in counts)
    return f"{number} {what}; left out: {rest}" if rest else f"{number} {what}"
