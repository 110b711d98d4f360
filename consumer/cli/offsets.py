"""`messenger offsets`: where the group of production stands, and putting it elsewhere."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
import typer
from rich.table import Table

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.group_offsets import Committed, GroupOffsets, Member, Partition
from consumer.cli.common import ConfigOption, JsonOption, YesOption, ask, complain, console, fail
from consumer.cli.offsets_plan import Move, Standing, moves, standings, targets
from consumer.cli.plain import plain, print_data
from consumer.configuration import load_settings
from consumer.settings import Settings
from consumer.wiring import kafka_settings

_DAY_SECONDS: Final = 86_400

offsets = typer.Typer(
    name="offsets",
    help="How far production has come in its topics, and putting it elsewhere.",
    no_args_is_help=True,
)


@offsets.command("show")
def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """By partition: what is committed, the end, the lag, and when the last record that is done
    was written; and the group's active members."""
    settings = load_settings(config)
    with GroupOffsets(kafka_settings(settings.kafka)) as group:
        partitions = _partitions(group, settings, None, None)
        stands = [_with_time(group, each) for each in standings(group, partitions)]
        members = group.members()
    if as_json:
        print_data([msgspec.structs.replace(each, members=members) for each in stands])
        return
    table = Table("topic", "partition", "committed", "end", "lag", "last record done")
    for each in stands:
        done = "-" if each.committed is None else str(each.committed)
        table.add_row(
            each.topic,
            str(each.partition),
            done,
            str(each.end),
            str(each.lag),
            _moment(each.committed_time),
        )
    console.print(table)
    console.print(f"group {settings.kafka.group_id}: {_named(members)}", markup=False)


@offsets.command("reset")
def reset(
    to: Annotated[
        str,
        typer.Option(help="earliest, latest, an offset, 2h (ago), or 2026-01-31T10:00:00Z."),
    ],
    config: ConfigOption = None,
    topic: Annotated[str | None, typer.Option(help="Only of this topic.")] = None,
    partition: Annotated[
        int | None, typer.Option(min=0, help="Only this partition.", show_default=False)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Have production go on elsewhere. Refused while it runs.

    Records that are read again are not sent again: the ledger knows them. Records that are
    skipped are never mailed; `messenger replay` can send them later.
    """
    settings = load_settings(config)
    with GroupOffsets(kafka_settings(settings.kafka)) as group:
        members = group.members()
        stands = standings(group, _partitions(group, settings, topic, partition))
        if to.strip().isdecimal() and len(stands) > 1:
            raise fail("--to OFFSET needs --partition: each has offsets of its own", 2)
        changes = moves(stands, targets(group, to, stands, SystemClock().now()))
        _tell(changes, as_json=as_json)
        _warn_of_forgotten(group, changes, settings)
        if dry_run:
            complain("nothing was changed" + (f"; {_named(members)}" if members else ""))
            return
        if members:
            raise fail(f"the group is at work ({_named(members)}): stop `messenger run` first")
        if not changes:
            return
        if not yes:
            _ask(changes)
        # Refused by the broker too, if somebody has joined since.
        group.commit({(move.topic, move.partition): Committed(move.will_be) for move in changes})
    complain(f"{len(changes)} partitions were reset")


def _partitions(
    group: GroupOffsets, settings: Settings, topic: str | None, partition: int | None
) -> list[Partition]:
    topics = settings.kafka.events_topics
    if topic is not None and topic not in topics:
        raise fail(f"--topic {plain(topic)!r}: the settings consume {', '.join(topics)}", 2)
    found = group.partitions(topics if topic is None else [topic])
    if not found:
        raise fail(f"no such topic: {', '.join(topics)}; run `messenger topics create`")
    meant = [each for each in found if partition in (None, each[1])]
    if not meant:
        raise fail(f"--partition {partition}: there is none; there are 0 to {found[-1][1]}", 2)
    return meant


def _with_time(group: GroupOffsets, each: Standing) -> Standing:
    if each.committed is None or not each.first < each.committed <= each.end:
        return each
    time = group.time_of((each.topic, each.partition), each.committed - 1)
    return msgspec.structs.replace(each, committed_time=time)


def _tell(changes: Sequence[Move], *, as_json: bool) -> None:
    if as_json:
        print_data(
            [
                msgspec.to_builtins(move) | {"again": move.again, "skipped": move.skipped}
                for move in changes
            ]
        )
        return
    for move in changes:
        what = (
            f"{move.skipped} records would never be mailed"
            if move.skipped
            else f"{move.again} records would be read again"
        )
        where = f"{move.topic} {move.partition}: {move.was} to {move.will_be}"
        console.print(f"{where}, {what}", markup=False)
    if not changes:
        console.print("all partitions stand there already")


def _warn_of_forgotten(group: GroupOffsets, changes: Sequence[Move], settings: Settings) -> None:
    """What the ledger has forgotten is no duplicate: it would be sent again."""
    days = settings.ledger.retention_days
    oldest = (SystemClock().now() - days * _DAY_SECONDS) * 1000
    back = [move for move in changes if move.again]
    times = [group.time_of((move.topic, move.partition), move.will_be) for move in back]
    if any(time is not None and time < oldest for time in times):
        complain(
            f"warning: some of these records are older than the ledger remembers ({days} days): "
            "their emails would be sent again"
        )


def _ask(changes: Sequence[Move]) -> None:
    skipped, again = sum(each.skipped for each in changes), sum(each.again for each in changes)
    what = f"{again} records would be read again, {skipped} would never be mailed"
    ask(
        f"{what}. Reset?",
        unasked=f"{what}: say --yes, or --dry-run to see",
        refused="nothing was changed",
    )


def _named(members: Sequence[Member]) -> str:
    if not members:
        return "no active members"
    told = [f"{each.client_id}@{each.host.lstrip('/')}" for each in members if each.client_id]
    names = f": {plain(', '.join(told))}" if told else ""
    return f"{len(members)} active{names}"


def _moment(milliseconds: int | None) -> str:
    if milliseconds is None or not 0 < milliseconds < 32_503_680_000_000:
        return "-"
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"
