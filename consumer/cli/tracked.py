"""What commands share that count what is on the tracking topic: from when to when, and of what."""

from collections.abc import Iterable, Iterator

from consumer.adapters.clock import SystemClock
from consumer.cli.common import complain, fail
from consumer.cli.moments import parse_moment
from consumer.domain.errors import InvalidMessage
from consumer.domain.record import Record
from consumer.domain.tracking import TrackingEvent
from consumer.wire import decode_tracking


def between(from_: str, to: str | None) -> tuple[int, int]:
    """Epoch milliseconds, the second not in it; ends the command for what is no such time."""
    now = SystemClock().now()
    try:
        begin = parse_moment(from_, now)
        end = int(now * 1000) if to is None else parse_moment(to, now)
    except ValueError as error:
        raise fail(str(error), 2) from None
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
