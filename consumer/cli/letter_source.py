"""What the commands about dead letters share: which letters are meant, and how they are read."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Annotated

import typer

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.topics import read_topic
from consumer.adapters.ledger import open_ledger
from consumer.cli.common import complain, fail
from consumer.cli.letters import letter_data, print_line
from consumer.cli.moments import parse_moment
from consumer.cli.plain import plain, print_data
from consumer.dead_letters import (
    REASONS,
    DeadLetters,
    Decode,
    Letter,
    Place,
    Standing,
    Wanted,
    standings,
)
from consumer.domain.errors import DependencyError, SettingsError
from consumer.pipeline.receive import receive
from consumer.ports import LedgerOfAtoms
from consumer.settings import Settings
from consumer.wiring import kafka_settings, pipeline_rules

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


def read_letters(settings: Settings, wanted: Wanted) -> DeadLetters:
    """The letters that are wanted; Kafka is asked when they are iterated over."""
    kafka = settings.kafka
    return DeadLetters(read_topic(kafka_settings(kafka), kafka.dead_letter_topic), wanted)


def decoder(settings: Settings) -> Decode:
    """The events in a record, as `messenger run` would read it."""
    rules = pipeline_rules(settings).receive
    return lambda record: receive([record], rules)[0].events


@contextmanager
def opened_ledger(settings: Settings) -> Iterator[LedgerOfAtoms]:
    """The ledger, for one command. Raises LedgerUnavailable and SettingsError."""
    with closing(open_ledger(settings.ledger.url.get_secret_value(), pool_size=1)) as ledger:
        yield ledger


def ask_standings(
    letters: Sequence[Letter], among: DeadLetters, settings: Settings
) -> list[tuple[Letter, Standing]]:
    """Each letter with how it stands, as far as the ledger answers."""
    try:
        with opened_ledger(settings) as ledger:
            found = standings(letters, among, decoder(settings), ledger)
    except (DependencyError, SettingsError) as error:
        complain(f"warning: {error}; what follows is without it")
        found = standings(letters, among, decoder(settings), None)
    return [(letter, found[letter.place]) for letter in letters]


def print_list(told: Sequence[tuple[Letter, Standing]], *, as_json: bool) -> None:
    """The letters, one below the other."""
    if as_json:
        print_data([letter_data(letter, standing) for letter, standing in told])
        return
    for letter, standing in told:
        print_line(letter, standing)


def asked_for(
    reasons: Sequence[str] | None,
    since: str | None,
    until: str | None,
    offsets: Sequence[str] | None = None,
) -> Wanted:
    """What the options say; ends the command for what they cannot mean."""
    everything = Wanted()
    wanted = Wanted(
        reasons=frozenset(reasons or ()),
        since=everything.since if since is None else _moment("--since", since),
        until=everything.until if until is None else _moment("--until", until),
        places=frozenset(parse_place(text) for text in offsets or ()),
    )
    if wanted.since > wanted.until:
        raise fail(f"--since {since} is later than --until {until}: nothing lies between", 2)
    return wanted


def parse_place(text: str) -> Place:
    """PARTITION/OFFSET; ends the command for anything else."""
    partition, _, offset = text.partition("/")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise fail(f"{text!r} is no position: write PARTITION/OFFSET, as `list` prints it", 2)
    return int(partition), int(offset)


def tell_foreign(letters: DeadLetters, settings: Settings) -> None:
    """Say that something else lies in the topic."""
    if letters.foreign:
        topic = settings.kafka.dead_letter_topic
        complain(f"{letters.foreign} records of {topic} are no dead letters of ours; left out")


def none_found(letters: DeadLetters, wanted: Wanted) -> str:
    """Why nothing was found: what there is instead."""
    unknown = sorted(wanted.reasons - set(REASONS) - letters.reasons.keys())
    no_such = "".join(f"; there is no reason {plain(each)!r}" for each in unknown)
    if unknown:
        no_such += f", the reasons are {', '.join(REASONS)}"
    if not letters.reasons:
        return f"there are no dead letters{no_such}"
    there = ", ".join(f"{plain(reason)} ({n})" for reason, n in letters.reasons.most_common())
    what = "no dead letters" if wanted.everything else "no dead letter fits"
    return f"{what}; there are: {there}{no_such}"


def _moment(option: str, text: str) -> int:
    try:
        return parse_moment(text, SystemClock().now())
    except ValueError as error:
        raise fail(f"{option}: {error}", 2) from None
