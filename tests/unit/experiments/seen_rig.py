"""Seen events for tests of what is done with them."""

from collections.abc import Sequence
from typing import Any

from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.domain.record import Record
from consumer.domain.tracking import TrackedEvent
from consumer.experiments.seen import Seen
from tests.support.factories import make_event


def make_record(offset: int = 0, **changes: Any) -> Record:
    values: dict[str, Any] = {
        "topic": "alarm-events",
        "partition": 0,
        "offset": offset,
        "key": b"key",
        "value": b"{}",
        "timestamp": 1_392_138_733_900,
    }
    return Record(**(values | changes))


def make_seen(offset: int = 0, **changes: Any) -> Seen:
    """An event at an offset; changes are the event's."""
    return Seen(record=make_record(offset), event=make_event(**changes), format="alarm-state-event")


def make_unreadable(offset: int = 0, *, value: bytes = b"{", **known: Any) -> Seen:
    """A record that is no event, of which this much is known."""
    return Seen(
        record=make_record(offset, value=value),
        problem=InvalidMessage(Reason.NOT_JSON, "message: \x1b[2Jtruncated"),
        known=TrackedEvent(id=None, **known),
    )


class ListSink:
    """Takes all, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.taken: list[Seen] = []
        self.error = error
        self.flushed = 0
        self.closed = False
        self.dropped = 0

    @property
    def written(self) -> int:
        return len(self.taken)

    @property
    def offsets(self) -> Sequence[int]:
        return [seen.record.offset for seen in self.taken]

    def put(self, seen: Seen) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(seen)

    def flush(self) -> None:
        self.flushed += 1

    def close(self) -> None:
        self.closed = True
