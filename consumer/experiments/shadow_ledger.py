"""Ledgers in memory, and what they begin with: what another one says, which is only read."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from sqlalchemy import bindparam
from sqlalchemy.types import Double

from consumer.adapters.ledger import SqlLedger, open_ledger
from consumer.domain.alarm import AlarmEvent
from consumer.domain.ledger import AtomState, ClaimRequest, Closing
from consumer.domain.reasons import Kind

#: Instead of the database's own, which is that of today.
_CALLERS_CLOCK: Final = bindparam("now", type_=Double)
#: Who did what was there before; it holds nothing any more.
_BEFORE: Final = "before"


class KnownBefore(Protocol):
    """All that is asked of production's ledger."""

    def find_atoms(self, atoms: Sequence[str]) -> Mapping[str, AtomState]: ...


def memory_ledger() -> SqlLedger:
    """A ledger of one's own, empty, gone when it is closed. Its time is what its callers say."""
    return open_ledger("sqlite://", clock=_CALLERS_CLOCK)


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
    closings = [
        Closing(
            event_id=known.last_event_id,
            atom=known.atom,
            outcome=Kind.ACCEPTED,
            timestamp_ms=known.last_timestamp_ms,
            state=known.last_state,
            advances=True,
            thread_event_id=known.thread_event_id,
        )
        for known in atoms
        if known.last_event_id is not None
        and known.last_state is not None
        and known.last_timestamp_ms is not None
    ]
    if closings:
        into.claim(_BEFORE, [ClaimRequest(closing.atom, ()) for closing in closings], 0.0)
        into.close_events(closings, 0.0)
        into.release_all(_BEFORE)
