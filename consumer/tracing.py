"""All that is known of an event, gathered from the ledger and from the tracking topic.

One reference (an id, a Message-Id, an address) leads to events; each event becomes a `Trace`:
its steps as the tracking topic tells them, and what the ledger says at present. Either of the
two sources may be away: the other one's part is found all the same.
"""

import uuid
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from consumer.domain.alarm import ids_of
from consumer.domain.errors import DependencyError, InvalidMessage
from consumer.domain.identity import normalised_address
from consumer.domain.ledger import DeliveryRow, EventRow
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record
from consumer.domain.tracking import TrackedEvent, TrackingEvent
from consumer.ports import Ledger
from consumer.wire import decode_tracking

#: Reads the tracking topic from end to end, and gives the records that are wanted.
ReadTopic = Callable[[Callable[[Record], bool]], Iterable[Record]]

#: Deliveries of one address that the ledger is asked for; the newest come first.
_MAX_DELIVERIES: Final = 1_000
#: Steps of one attempt before its end, in their order, though all be told in one millisecond.
_ON_THE_WAY: Final = (Kind.FALLBACK, Kind.IN_DOUBT, Kind.DEFERRED)


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has in hand, and what it may be."""

    text: str
    #: Ids of an event (its own, or Rackspace's correlation id), of a notification, or of an alarm
    #: (its own, its entity's or check's, or all of them as one: its atom).
    ids: frozenset[str] = frozenset()
    #: Without brackets.
    message_id: str | None = None
    #: Normalised. Whoever types it need not know the case of its local part.
    address: str | None = None


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """One event: its steps, oldest first, and the ledger's rows about it."""

    event: TrackedEvent
    steps: Sequence[TrackingEvent] = ()
    deliveries: Sequence[DeliveryRow] = ()
    #: The ledger's word that the event has ended; None: it has not, or the row was pruned.
    ended: EventRow | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The traces, oldest first, and what could not be looked at."""

    traces: Sequence[Trace] = ()
    #: Older events that the limit left out.
    left_out: int = 0
    #: The sources that did not answer.
    away: Sequence[DependencyError] = ()


def parse_reference(text: str) -> Reference:
    """What `text` may be: `<…>` and `uuid@domain` are Message-Ids, others with an @ addresses too.

    A UUID is looked for as it is written, and in lower case.
    """
    text = text.strip()
    bare = bare_message_id(text)
    local, at, domain = bare.rpartition("@")
    if not at:
        return Reference(text=text, ids=_spellings(bare))
    if _is_uuid(local):
        uid = local.lower()
        return Reference(text=text, ids=frozenset({uid}), message_id=f"{uid}@{domain.lower()}")
    if text.startswith("<"):
        return Reference(text=text, message_id=bare)
    return Reference(
        text=text, ids=frozenset({bare}), message_id=bare, address=normalised_address(bare)
    )


def find(
    reference: Reference, *, ledger: Ledger | None, read: ReadTopic | None, limit: int = 20
) -> Found:
    """Traces of the newest `limit` events that the reference leads to, and of those that told one
    of them once more.

    A source that is None is not asked. Raises nothing for a source that does not answer: it
    stands in `away`.
    """
    sources = _Sources(ledger, read)
    known = sources.known_events(reference)
    if not known or reference.address is not None:
        for step in sources.steps(lambda step: is_about(step, reference)):
            key = _key(step)
            known[key] = max(known.get(key, 0), step.at)
    # Oldest first, so that on a terminal the newest stands where one looks.
    newest = dict.fromkeys(sorted(known, key=known.__getitem__)[-limit:])
    steps = by_event(sources.steps(lambda step: _leads_to(step, newest))) if newest else {}
    keys = dict.fromkeys((*newest, *steps))
    ended = sources.ended(keys)
    traces = [
        _trace(steps.get(key, ()), sources.deliveries_of(key), ended.get(key)) for key in keys
    ]
    return Found(
        traces=[trace for trace in traces if trace is not None],
        left_out=len(known) - len(newest),
        away=sources.away,
    )


def is_about(step: TrackingEvent, reference: Reference) -> bool:
    """Whether a tracking record is one that the reference means."""
    to, provider = step.notification, step.provider
    event = step.event
    alarm = (event.tenant_id, event.entity_id, event.alarm_id, event.check_id)
    ids = {event.id, event.event_id, None if to is None else to.uid, *alarm[1:]}
    address = to.destination if to is not None else None
    message_id = provider.message_id if provider is not None else None
    return (
        not reference.ids.isdisjoint(ids)
        or ids_of(reference.text) == alarm
        or (address is not None and _same_address(address, reference.address))
        or (message_id is not None and bare_message_id(message_id) == reference.message_id)
    )


def _leads_to(step: TrackingEvent, events: Container[str]) -> bool:
    told_again = step.resent is not None and step.resent.event_id in events
    return _key(step) in events or step.event.event_id in events or told_again


def _same_address(address: str, asked: str | None) -> bool:
    return asked is not None and normalised_address(address).lower() == asked.lower()


def fold(steps: Iterable[TrackingEvent]) -> list[TrackingEvent]:
    """Steps in the order in which they happened. Told twice is one step, at its first time."""
    first: dict[str, TrackingEvent] = {}
    for step in steps:
        before = first.get(step.id)
        if before is None or step.at < before.at:
            first[step.id] = step
    return sorted(
        first.values(),
        key=lambda step: (step.at, step.attempt or 0, _place(step), step.id),
    )


def _place(step: TrackingEvent) -> int:
    """Within one attempt: ends come last, also the end of a doubt that nobody could resolve."""
    if step.kind not in _ON_THE_WAY or step.outcome.reason is Reason.HELD:
        return len(_ON_THE_WAY)
    return _ON_THE_WAY.index(step.kind)


def by_event(steps: Iterable[TrackingEvent]) -> dict[str, list[TrackingEvent]]:
    """Folded steps by event id; a record that gave no id goes by the place it was read at."""
    groups: dict[str, list[TrackingEvent]] = {}
    for step in fold(steps):
        groups.setdefault(_key(step), []).append(step)
    return groups


def bare_message_id(message_id: str) -> str:
    """A Message-Id without its brackets."""
    return message_id.strip().removeprefix("<").removesuffix(">")


class _Sources:
    """The ledger and the topic. One that fails is not asked again, and told in `away`."""

    def __init__(self, ledger: Ledger | None, read: ReadTopic | None) -> None:
        self._ledger = ledger
        self._read = read
        self.away: list[DependencyError] = []

    def known_events(self, reference: Reference) -> dict[str, int]:
        """Events that the ledger finds by the reference, and when each was last touched (ms)."""
        known = {row.event_id: int(row.updated_at * 1000) for row in self._matching(reference)}
        for id_, row in self.ended(reference.ids).items():
            known.setdefault(id_, int(row.closed_at * 1000))
        return known

    def _matching(self, reference: Reference) -> list[DeliveryRow]:
        """Least recently touched first."""
        rows: list[DeliveryRow] = []
        for id_ in reference.ids:
            rows += self._deliveries(uid=id_)
            rows += self._deliveries(event_id=id_)
        if reference.message_id is not None:
            rows += self._deliveries(message_id=reference.message_id)
        if reference.address is not None:
            rows += self._deliveries(destination=reference.address)
        return sorted(rows, key=lambda row: row.updated_at)

    def deliveries_of(self, event_id: str) -> Sequence[DeliveryRow]:
        rows = self._deliveries(event_id=event_id)
        return sorted(rows, key=lambda row: (row.created_at, row.destination))

    def ended(self, ids: Iterable[str]) -> Mapping[str, EventRow]:
        if self._ledger is None:
            return {}
        try:
            return self._ledger.find_events(frozenset(ids))
        except DependencyError as error:
            self._give_up_ledger(error)
            return {}

    def _deliveries(self, **by: str) -> Sequence[DeliveryRow]:
        if self._ledger is None:
            return ()
        try:
            return self._ledger.find_deliveries(
                uid=by.get("uid"),
                event_id=by.get("event_id"),
                message_id=by.get("message_id"),
                destination=by.get("destination"),
                limit=_MAX_DELIVERIES,
            )
        except DependencyError as error:
            self._give_up_ledger(error)
            return ()

    def _give_up_ledger(self, error: DependencyError) -> None:
        self._ledger = None
        self.away.append(error)

    def steps(self, wanted: Callable[[TrackingEvent], bool]) -> Iterator[TrackingEvent]:
        """The tracking records that are wanted; those that cannot be read are passed over."""
        if self._read is None:
            return
        try:
            for record in self._read(lambda record: _wanted(record, wanted)):
                yield decode_tracking(record.value)
        except DependencyError as error:
            self._read = None
            self.away.append(error)


def _wanted(record: Record, wanted: Callable[[TrackingEvent], bool]) -> bool:
    try:
        return wanted(decode_tracking(record.value))
    except InvalidMessage:
        return False


def _trace(
    steps: Sequence[TrackingEvent], deliveries: Sequence[DeliveryRow], ended: EventRow | None
) -> Trace | None:
    """None when neither source still has anything of the event."""
    if steps:
        # A report knows of the event only what the ledger kept.
        event = next((s.event for s in reversed(steps) if not s.is_report), steps[-1].event)
    elif ended is not None:
        event = _event_of(ended.atom, ended.id, ended)
    elif deliveries:
        event = _event_of(deliveries[0].atom, deliveries[0].event_id, None)
    else:
        return None
    return Trace(event=event, steps=steps, deliveries=deliveries, ended=ended)


def _event_of(atom: str, event_id: str, ended: EventRow | None) -> TrackedEvent:
    """What the ledger alone can say of an event."""
    tenant, entity, alarm, check = ids_of(atom) or (None,) * 4
    return TrackedEvent(
        id=event_id,
        tenant_id=tenant,
        entity_id=entity,
        alarm_id=alarm,
        check_id=check,
        state=None if ended is None else ended.state,
        timestamp=None if ended is None else ended.timestamp_ms,
    )


def _key(step: TrackingEvent) -> str:
    return step.event.id or "/".join(str(part) for part in step.source or (step.id,))


def _spellings(text: str) -> frozenset[str]:
    return frozenset({text, text.lower()}) if _is_uuid(text) else frozenset({text})


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
