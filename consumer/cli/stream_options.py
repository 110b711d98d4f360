"""What the commands on the stream share: from where to where, which events, which share of them."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from consumer.cli.common import fail
from consumer.cli.moments import parse_moment
from consumer.experiments.filters import Filter, FilterError, Wanted, parse_states
from consumer.experiments.sampling import Sample, parse_sample
from consumer.experiments.span import At, Beginning, Edge, Now, Offsets, Place, Span

TenantOption = Annotated[
    list[str] | None,
    typer.Option("--tenant", help="Only of this tenant; may be repeated.", show_default=False),
]
EntityOption = Annotated[
    list[str] | None,
    typer.Option("--entity", help="Only of this entity id; may be repeated.", show_default=False),
]
AlarmOption = Annotated[
    list[str] | None,
    typer.Option("--alarm", help="Only of this alarm id; may be repeated.", show_default=False),
]
StateOption = Annotated[
    list[str] | None,
    typer.Option("--state", help="Only to this state; may be repeated.", show_default=False),
]
FilterOption = Annotated[
    str | None,
    typer.Option(
        "--filter",
        help="Only where this condition holds, in CEL: "
        '\'state == "CRITICAL" && entity_label.startsWith("web")\'.',
        show_default=False,
    ),
]
SampleOption = Annotated[
    str | None,
    typer.Option("--sample", help="A share of the alarms, the same each time: 5%."),
]

_EDGE_HELP: Final = (
    "write beginning, now, 2h (ago), 2026-01-31T10:00:00Z, "
    "or offsets: PARTITION/OFFSET or TOPIC/PARTITION/OFFSET, separated by commas"
)


def filter_of(
    condition: str | None,
    tenants: Sequence[str] | None,
    entities: Sequence[str] | None,
    alarms: Sequence[str] | None,
    states: Sequence[str] | None,
) -> Filter:
    """What the options say together; ends the command for what they cannot mean."""
    try:
        wanted = Wanted(
            tenants=frozenset(tenants or ()),
            entities=frozenset(entities or ()),
            alarms=frozenset(alarms or ()),
            states=parse_states(states or ()),
        )
    except FilterError as error:
        raise fail(f"--state: {error}", 2) from None
    try:
        return Filter(condition, wanted)
    except FilterError as error:
        raise fail(f"--filter: {error}", 2) from None


def sample_of(text: str | None) -> Sample:
    """The share; ends the command for what is none."""
    try:
        return Sample() if text is None else parse_sample(text)
    except ValueError as error:
        raise fail(f"--sample: {error}", 2) from None


def span_of(from_: str, to: str | None, topics: Sequence[str], now: float) -> Span:
    """From where to where (`now` in epoch seconds); ends the command for what is no span."""
    start = _edge("--from", from_, topics, now)
    end = None if to is None else _edge("--to", to, topics, now)
    if isinstance(start, At) and start.milliseconds > now * 1000:
        raise fail(f"--from {from_} is in the future; leave it out to begin now", 2)
    if isinstance(end, Beginning) or (isinstance(start, Now) and isinstance(end, Now)):
        raise fail(f"nothing lies between --from {from_} and --to {to}", 2)
    if isinstance(start, At) and isinstance(end, At) and start.milliseconds >= end.milliseconds:
        raise fail(f"--from {from_} is not before --to {to}: nothing lies between", 2)
    if isinstance(start, Offsets) and isinstance(end, Offsets) and not _lies_between(start, end):
        raise fail(f"no partition has anything between --from {from_} and --to {to}", 2)
    if isinstance(start, Now) and isinstance(end, At) and end.milliseconds <= now * 1000:
        raise fail(f"--to {to} is over; say with --from where to begin", 2)
    return Span(start=start, end=end)


def _lies_between(start: Offsets, end: Offsets) -> bool:
    first, last = start.by_partition, end.by_partition
    return any(first[place] < last[place] for place in first.keys() & last.keys())


def _edge(option: str, text: str, topics: Sequence[str], now: float) -> Edge:
    match text.strip().lower():
        case "beginning" | "earliest" | "start":
            return Beginning()
        case "now" | "latest" | "end":
            return Now()
    if "/" in text:
        return _offsets(option, text, topics)
    try:
        return At(parse_moment(text, now))
    except ValueError:
        raise fail(f"{option} {text!r}: {_EDGE_HELP}", 2) from None


def _offsets(option: str, text: str, topics: Sequence[str]) -> Offsets:
    found: dict[Place, int] = {}
    for part in text.split(","):
        *topic, partition, offset = ["", *part.strip().split("/")][-3:]
        name = "".join(topic) or None
        if not (_is_number(partition) and _is_number(offset)) or part.count("/") > 2:
            raise fail(f"{option} {part.strip()!r}: {_EDGE_HELP}", 2)
        if name is not None and name not in topics:
            raise fail(f"{option} {part.strip()!r}: {name} is none of {', '.join(topics)}", 2)
        if name is None and len(topics) > 1:
            raise fail(f"{option} {part.strip()!r}: say of which topic: {topics[0]}/{part}", 2)
        if (name, int(partition)) in found:
            raise fail(f"{option}: partition {partition} is named twice", 2)
        found[(name, int(partition))] = int(offset)
    return Offsets(found)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18
