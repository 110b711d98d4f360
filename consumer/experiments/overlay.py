"""A ledger that is only read: what would be claimed or opened is remembered here, nowhere else."""

# ruff: noqa: ARG002  # the port names all that a writer needs

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NoReturn

import msgspec

from consumer.domain.ledger import (
    AtomState,
    ClaimRequest,
    Claims,
    Closing,
    DeliveryRow,
    DeliveryState,
    EventRow,
    SendingMark,
    Settlement,
)
from consumer.domain.reasons import Reason
from consumer.experiments.replay_selecting import Memory

#: Of an alarm that nobody has worked on yet.
_NO_FENCE: Final = 0
_GIVEN_UP: Final = frozenset({DeliveryState.EXPIRED, DeliveryState.FAILED})


class ReadOnlyLedger:
    """`ports.Ledger` over another one, of which only the reading half is called.

    Every alarm is won: who works on it now says nothing about what would be sent. Whatever is
    written to a ledger for an email that goes out raises NotImplementedError.
    """

    def __init__(self, beneath: Memory) -> None:
        self._beneath = beneath
        self._opened: set[str] = set()

    def claim(self, owner: str, requests: Sequence[ClaimRequest], now: float) -> Claims:
        """As the ledger would answer, if it were asked in earnest."""
        atoms = sorted({request.atom for request in requests})
        ids = sorted({id_ for request in requests for id_ in request.event_ids})
        known = self._beneath.find_atoms(atoms)
        ended = self.find_events(ids)
        return Claims(
            won={a: known.get(a) or AtomState(atom=a, fence=_NO_FENCE) for a in atoms},
            held={},
            events=ended,
            deliveries=self.deliveries_of([id_ for id_ in ids if id_ not in ended]),
        )

    def reopen(self, event_ids: Collection[str], now: float) -> Collection[str]:
        """From now on these count as open, for whoever asks here."""
        opened = [id_ for id_ in event_ids if id_ in self.find_events(event_ids)]
        self._opened.update(opened)
        return opened

    # -- questions ------------------------------------------------------------------------------

    def find_events(self, ids: Collection[str]) -> Mapping[str, EventRow]:
        return self._beneath.find_events([id_ for id_ in ids if id_ not in self._opened])

    def deliveries_of(self, event_ids: Sequence[str]) -> Mapping[str, DeliveryRow]:
        found = self._beneath.deliveries_of(event_ids)
        return {uid: self._as_opened(row) for uid, row in found.items()}

    def newest_told(self, atoms: Sequence[str], since: float) -> Mapping[str, EventRow]:
        return self._beneath.newest_told(atoms, since)

    def find_atoms(self, atoms: Collection[str]) -> Mapping[str, AtomState]:
        return self._beneath.find_atoms(atoms)

    def find_deliveries(
        self,
        *,
        uid: str | None = None,
        event_id: str | None = None,
        message_id: str | None = None,
        destination: str | None = None,
        states: Collection[DeliveryState] = (),
        limit: int = 100,
    ) -> Sequence[DeliveryRow]:
        return self._beneath.find_deliveries(
            uid=uid,
            event_id=event_id,
            message_id=message_id,
            destination=destination,
            states=states,
            limit=limit,
        )

    def gates(self) -> Mapping[str, float]:
        return self._beneath.gates()

    def counts(self) -> Mapping[str, int]:
        return self._beneath.counts()

    def ping(self) -> None:
        self._beneath.ping()

    def close(self) -> None:
        self._beneath.close()

    def _as_opened(self, row: DeliveryRow) -> DeliveryRow:
        """As `reopen` of a real ledger leaves it."""
        if row.event_id not in self._opened:
            return row
        if row.state in _GIVEN_UP:
            return msgspec.structs.replace(row, state=DeliveryState.DEFERRED)
        if row.state is DeliveryState.IN_DOUBT and row.reason == Reason.HELD:
            return msgspec.structs.replace(row, reason=None)
        return row

    # -- what would be written ------------------------------------------------------------------

    def heartbeat(self, owner: str, now: float, lease_seconds: float) -> float:
        _refuse()

    def mark_sending(self, owner: str, marks: Sequence[SendingMark], now: float) -> Collection[str]:
        _refuse()

    def settle(self, owner: str, settlements: Sequence[Settlement], now: float) -> Collection[str]:
        _refuse()

    def close_events(self, closings: Sequence[Closing], now: float) -> None:
        _refuse()

    def release(self, owner: str, atoms: Collection[str]) -> None:
        _refuse()

    def release_all(self, owner: str) -> None:
        _refuse()

    def prune(self, before: float, limit: int) -> int:
        _refuse()

    def close_gate(self, name: str, seconds: float) -> None:
        _refuse()


def _refuse() -> NoReturn:
    raise NotImplementedError("this ledger is only read")
