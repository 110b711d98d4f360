"""What was seen in a record: its events, a tracking record, or why it cannot be read."""

from collections.abc import Sequence

import msgspec

from consumer.domain.alarm import AlarmEvent, atom_of
from consumer.domain.errors import InvalidMessage
from consumer.domain.record import Record
from consumer.domain.tracking import TrackedEvent, TrackingEvent
from consumer.pipeline.receive import ReceiveSettings, receive
from consumer.wire import decode_tracking

_NOTHING_KNOWN = TrackedEvent(id=None)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One event of one record, or a record that is none, with what could be read of it."""

    record: Record
    #: None: the record cannot be read as an event.
    event: AlarmEvent | None = None
    #: The format it was read as.
    format: str | None = None
    #: Where the record is a step of an event, and not the event.
    tracking: TrackingEvent | None = None
    #: Why the record cannot be read: a reason, and what is wrong.
    problem: InvalidMessage | None = None
    #: The ids that are known all the same.
    known: TrackedEvent = _NOTHING_KNOWN

    @property
    def readable(self) -> bool:
        return self.problem is None

    @property
    def atom(self) -> str | None:
        """The alarm it belongs to; None where that cannot be read."""
        if self.event is not None:
            return self.event.atom
        known = self.known
        ids = (known.tenant_id, known.entity_id, known.alarm_id, known.check_id)
        return None if None in ids else atom_of(*(each or "" for each in ids))

    @property
    def stream(self) -> str:
        """What names its story where it has no atom: the key, or else its place."""
        if (atom := self.atom) is not None:
            return atom
        record = self.record
        if record.key is not None:
            return record.key.decode(errors="backslashreplace")
        return f"{record.topic}/{record.partition}/{record.offset}"


def see_events(records: Sequence[Record], rules: ReceiveSettings) -> list[Seen]:
    """The events of the records, in order, as production would read them."""
    seen: list[Seen] = []
    for received in receive(records, rules):
        record = received.record
        if received.invalid is not None:
            known = received.salvaged or _NOTHING_KNOWN
            seen.append(Seen(record=record, problem=received.invalid, known=known))
        seen += [
            Seen(record=record, event=event, format=received.format) for event in received.events
        ]
    return seen


def see_tracking(records: Sequence[Record]) -> list[Seen]:
    """The same for a topic of tracking records."""
    return [_see_step(record) for record in records]


def _see_step(record: Record) -> Seen:
    try:
        step = decode_tracking(record.value)
    except InvalidMessage as problem:
        return Seen(record=record, problem=problem)
    return Seen(record=record, tracking=step, format=step.schema, known=step.event)
