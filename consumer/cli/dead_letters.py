"""`messenger dead-letters`: list, show and redrive what could not be processed."""

from heapq import nlargest
from operator import attrgetter
from typing import Annotated

import typer

from consumer.cli.common import ConfigOption, JsonOption, complain, fail
from consumer.cli.letter_source import (
    ReasonOption,
    SinceOption,
    UntilOption,
    ask_standings,
    asked_for,
    none_found,
    parse_place,
    print_list,
    read_letters,
    tell_foreign,
)
from consumer.cli.letters import print_letter, whole_data
from consumer.cli.plain import print_data
from consumer.cli.redrive import redrive
from consumer.configuration import load_settings
from consumer.dead_letters import Wanted
from consumer.redriving import gathered

dead_letters = typer.Typer(
    name="dead-letters", help="What could not be processed, and why.", no_args_is_help=True
)
dead_letters.command("redrive")(redrive)


@dead_letters.command("list")
def list_(
    config: ConfigOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    only_open: Annotated[
        bool, typer.Option("--open", help="Leave out what has been settled since.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="At most this many, the newest.")
    ] = 100,
    as_json: JsonOption = False,
) -> None:
    """List dead letters, oldest first: where, when, why, and how they stand.

    open: nothing has been done about it. redriven: sent to its topic again, not ended yet.
    accepted: its email was accepted since. ended: its event ended otherwise since, as stale for
    example. replaced: a later letter of the same record stands for it.
    """
    wanted = asked_for(reason, since, until)
    settings = load_settings(config)
    letters = read_letters(settings, wanted)
    order = attrgetter("at", "place")
    # Which are open is known only when all notes have been read.
    newest = gathered(letters) if only_open else nlargest(limit, letters, key=order)
    tell_foreign(letters, settings)
    told = ask_standings(sorted(newest, key=order), letters, settings) if newest else []
    shown = [each for each in told if not (only_open and each[1].is_settled)]
    print_list(shown[-limit:], as_json=as_json)
    older = (len(shown) if only_open else letters.found) - len(shown[-limit:])
    if older:
        complain(f"{older} older ones are left out; --limit shows more")
    if only_open and len(told) > len(shown):
        complain(f"{len(told) - len(shown)} settled ones are left out")
    if not newest and not as_json:
        complain(none_found(letters, wanted))


@dead_letters.command("show")
def show(
    position: Annotated[str, typer.Argument(help="PARTITION/OFFSET, as `list` prints it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one dead letter with its headers and its value."""
    wanted = Wanted(places=frozenset({parse_place(position)}))
    settings = load_settings(config)
    letters = read_letters(settings, wanted)
    found = list(letters)
    if not found:
        raise fail(
            f"no dead letter at {position}; `messenger dead-letters list` shows what is there"
        )
    ((letter, standing),) = ask_standings(found, letters, settings)
    if as_json:
        print_data(whole_data(letter, standing))
    else:
        print_letter(letter, standing)
