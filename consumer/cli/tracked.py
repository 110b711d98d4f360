"""What commands share that count what is on the tracking topic: from when to when, and of what."""

from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from consumer.adapters.clock import SystemClock
from consumer.cli.common import complain, fail
from consumer.cli.moments import parse_moment
from consumer.domain.errors import InvalidMessage
from consumer.domain.record import Record
from consumer.domain.tracking import TrackingEvent
from consumer.wire import decode_tracking

FromOption = Annotated[
    str, typer.Option("--from", help="From when on: 2h, 7d, or 2026-01-31T10:00:00Z.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", help="Until when; default: now.", show_default=False)
]


def between(from_: str, to: str | None) -> tuple[int, int]:
    """Epoch milliseconds, the second not in it; ends the command for what is no such time."""
    now = SystemClock().now()
    begin = _moment("--from", from_, now)
    end = int(now * 1000) if to is None else _moment("--to", to, now)
    if begin >= end:
        raise fail("--from is not before --to", 2)
    return begin, end


def steps(records: Iterable[Record], topic: str) -> Iterator[TrackingEvent]:
    """What the records of the topic tell; in the end, how many tell nothing."""
    unreadable = 0
    for record in records:
        try:
            yield decode_tracking(record.value)
        except InvalidMessage:
            unreadable += 1
    if unreadable:
        complain(f"warning: {unreadable} records of {topic} are none of ours")


def with_rate(number: int, rate: float | None) -> str:
    """A cell of a table: a count, and its share of the whole where there is one."""
    return str(number) if rate is None else f"{number} ({rate:.1%})"


def _moment(option: str, text: str, now: float) -> int:
    try:
        return parse_moment(text, now)
    except ValueError as error:
        raise fail(f"{option}: {error}", 2) from None
