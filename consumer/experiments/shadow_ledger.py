"""A ledger in memory that starts with what another one says, which is only read."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from consumer.adapters.ledger import SqlLedger, open_ledger
from consumer.domain.alarm import AlarmEvent
from consumer.domain.ledger import (
    AtomState,
    ClaimRequest,
    Closing,
    DeliveryRow,
    DeliveryState,
    EventRow,
    SendingMark,
    Settlement,
)
from consumer.domain.reasons import Kind

#: Who did what was there before; it holds nothing any more.
_BEFORE = "before"
#: Deliveries of one event that are copied: more than any plan has.
_MOST = 1_000


class KnownBefore(Protocol):
    """The reading half of a ledger."""

    def find_atoms(self, atoms: Sequence[str]) -> Mapping[str, AtomState]: ...
    def find_events(self, ids: Sequence[str]) -> Mapping[str, EventRow]: ...
    def find_deliveries(self, *, event_id: str, limit: int) -> Sequence[DeliveryRow]: ...


def memory_ledger() -> SqlLedger:
    """A ledger of one's own, empty, gone when it is closed."""
    return open_ledger("sqlite://")


def copy_known(source: KnownBefore, into: SqlLedger, events: Sequence[AlarmEvent]) -> None:
    """All that `source` says of these events and their alarms, as it is now.

    An event that ended ends as a duplicate again; one whose emails were begun goes on from there.
    Raises LedgerUnavailable.
    """
    atoms = sorted({event.atom for event in events})
    ids = sorted({event.id for event in events})
    closed = source.find_events(ids)
    # First the alarms: an event that has ended before moves its alarm nowhere.
    _copy_atoms(source, into, list(source.find_atoms(atoms).values()))
    _copy_events(into, closed)
    for id_ in ids:
        if id_ not in closed:
            _copy_deliveries(into, source.find_deliveries(event_id=id_, limit=_MOST))


class Beginnings:
    """Where the alarms stood before the first event of each, as far as that is known.

    An alarm that `source` has seen move on since begins as if nothing were known of it.
    """

    def __init__(self, source: KnownBefore) -> None:
        self._source = source
        self._asked: set[str] = set()

    def of(self, events: Sequence[AlarmEvent]) -> list[AtomState]:
        """Of those alarms that come for the first time. Raises LedgerUnavailable."""
        first = {event.atom: event for event in reversed(events) if event.atom not in self._asked}
        self._asked |= first.keys()
        found = self._source.find_atoms(sorted(first)) if first else {}
        return [
            known
            for atom, known in found.items()
            if known.last_event_id not in (None, first[atom].id)
            and known.last_timestamp_ms is not None
            and known.last_timestamp_ms <= first[atom].timestamp
        ]


def put_atoms(into: SqlLedger, atoms: Sequence[AtomState]) -> None:
    """Have these alarms stand where they are said to stand."""
    if atoms:
        _close_last(into, atoms, {})


def _copy_atoms(source: KnownBefore, into: SqlLedger, atoms: Sequence[AtomState]) -> None:
    last = {known.last_event_id for known in atoms}
    _close_last(into, atoms, source.find_events(sorted(id_ for id_ in last if id_ is not None)))


def _close_last(into: SqlLedger, atoms: Sequence[AtomState], ends: Mapping[str, EventRow]) -> None:
    closings = [
        Closing(
            event_id=known.last_event_id,
            atom=known.atom,
            outcome=Kind.ACCEPTED if row is None else row.outcome,
            timestamp_ms=known.last_timestamp_ms,
            state=known.last_state,
            advances=True,
            thread_event_id=known.thread_event_id,
        )
        for known in atoms
        if known.last_event_id is not None
        and known.last_state is not None
        and known.last_timestamp_ms is not None
        for row in [ends.get(known.last_event_id)]
    ]
    into.claim(_BEFORE, [ClaimRequest(closing.atom, ()) for closing in closings], 0.0)
    into.close_events(closings, 0.0)
    into.release_all(_BEFORE)


def _copy_events(into: SqlLedger, events: Mapping[str, EventRow]) -> None:
    closings = [
        Closing(
            event_id=row.id,
            atom=row.atom,
            outcome=row.outcome,
            timestamp_ms=row.timestamp_ms,
            state=row.state,
            advances=False,
        )
        for row in events.values()
    ]
    into.close_events(closings, 0.0)


def _copy_deliveries(into: SqlLedger, rows: Sequence[DeliveryRow]) -> None:
    for row in rows:
        claims = into.claim(_BEFORE, [ClaimRequest(row.atom, ())], row.created_at)
        fence = claims.won[row.atom].fence
        mark = SendingMark(
            uid=row.uid,
            event_id=row.event_id,
            atom=row.atom,
            fence=fence,
            target_id=row.target_id,
            type=row.type,
            destination=row.destination,
            message_id=row.message_id,
            transport=row.transport,
            attempt=row.attempt,
        )
        into.mark_sending(_BEFORE, [mark], row.created_at)
        if row.state is not DeliveryState.SENDING:
            into.settle(_BEFORE, [_settlement(row, fence)], row.updated_at)
    into.release_all(_BEFORE)


def _settlement(row: DeliveryRow, fence: int) -> Settlement:
    return Settlement(
        uid=row.uid,
        atom=row.atom,
        fence=fence,
        state=row.state,
        transport=row.transport,
        provider_id=row.provider_id,
        reason=row.reason,
        message=row.message,
        code=row.code,
        possible_duplicate=row.possible_duplicate,
    )
