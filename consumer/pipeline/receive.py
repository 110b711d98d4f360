"""Stage `receive`: in come records as Kafka gave them, out come their events.

Here a record can end as invalid: it is then on its way to the dead-letter topic. Pure; a record
is read the same way each time it is read.
"""

from collections.abc import Mapping, Sequence

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import InvalidMessage, SettingsError
from consumer.domain.lasting import written
from consumer.domain.reasons import Reason
from consumer.domain.record import Record
from consumer.domain.tracking import TrackedEvent
from consumer.formats import (
    DEFAULTS,
    FORMATS,
    FormatMapping,
    Mappings,
    overlaid,
    read,
    repeating_sources,
    salvage,
)
from consumer.formats.reading import MAX_BYTES
from consumer.wire import unreadable, written_at


class ReceiveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator chose. Raises SettingsError for a format that does not exist."""

    #: Format by topic; on other topics each record's own is detected.
    formats: Mapping[str, str] = {}
    #: Of all formats, the defaults included.
    mappings: Mappings = DEFAULTS
    #: By topic, for all formats that are read on it: what is set there wins.
    topic_mappings: Mapping[str, FormatMapping] = {}
    #: Bytes of one event without its snapshots.
    max_bytes: int = MAX_BYTES

    def __post_init__(self) -> None:
        known = ", ".join(FORMATS)
        problems = [
            f"format {name!r} of topic {topic!r} is not one of {known}"
            for topic, name in self.formats.items()
            if name not in FORMATS
        ]
        problems += [
            f"format {name!r} of type {word!r} is not one of {known}"
            for mapping in (*self.mappings.values(), *self.topic_mappings.values())
            for word, name in (mapping.types or {}).items()
            if name not in FORMATS
        ]
        if problems:
            raise SettingsError(problems)

    def mappings_on(self, topic: str) -> Mappings:
        """The mappings of all formats for the records of one topic."""
        given = self.topic_mappings.get(topic)
        if given is None:
            return self.mappings
        return overlaid(self.mappings, dict.fromkeys(FORMATS, given))

    def repeating_sources(self) -> frozenset[str]:
        """Names of sources that repeat a state while it lasts, as far as formats say it."""
        found = repeating_sources(self.mappings)
        for topic in self.topic_mappings:
            mappings = self.mappings_on(topic)
            fixed = self.formats.get(topic)
            if fixed is not None:
                mappings = {fixed: mappings[fixed]}
            found |= repeating_sources(mappings)
        return found


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One record and what was in it: events, or `invalid` with the reason.

    Both where a record holds many events and not all of them are broken.
    """

    record: Record
    events: tuple[AlarmEvent, ...] = ()
    #: The format it was read as.
    format: str | None = None
    invalid: InvalidMessage | None = None
    #: The ids that could be read from an invalid record, for its tracking record.
    salvaged: TrackedEvent | None = None
    #: Alarms that the sender knew of and did not put in.
    left_out: int = 0

    @property
    def parts(self) -> int:
        """How many things have to be done before the record is."""
        return len(self.events) + (self.invalid is not None)


def receive(records: Sequence[Record], settings: ReceiveSettings) -> list[Received]:
    """One answer for each record, in the same order; raises nothing."""
    mappings = {topic: settings.mappings_on(topic) for topic in {each.topic for each in records}}
    return [_received(record, settings, mappings[record.topic]) for record in records]


def _received(record: Record, settings: ReceiveSettings, mappings: Mappings) -> Received:
    fixed = settings.formats.get(record.topic)
    why = unreadable(record)
    if why is not None:
        lost = InvalidMessage(Reason.EMPTY, f"record: cannot be read from Kafka: {why}")
        return Received(record=record, invalid=lost, salvaged=salvage(None))
    try:
        decoded = read(record.value, record.headers, fixed, settings.max_bytes, mappings)
    except InvalidMessage as invalid:
        return Received(record=record, invalid=invalid, salvaged=salvage(record.value))
    at_ms = written_at(record)
    return Received(
        record=record,
        events=tuple(written(event, at_ms) for event in decoded.events),
        format=decoded.format.name,
        invalid=decoded.refused,
        left_out=decoded.left_out,
    )
