"""The ledger's rules in memory, for tests of what stands around it."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from consumer.domain.errors import LedgerUnavailable
from consumer.domain.ledger import (
    AtomState,
    ClaimRequest,
    Claims,
    Closing,
    DeliveryRow,
    DeliveryState,
    EventRow,
    Held,
    SendingMark,
    Settlement,
)
from consumer.domain.reasons import Reason


class MemoryLedger:
    """The port's rules in dictionaries. `away` makes every call fail; `calls` is what was asked."""

    def __init__(self) -> None:
        self.away = False
        self.lock = threading.RLock()
        self.calls: list[str] = []
        self.owners: dict[str, float] = {}
        self.atoms: dict[str, dict[str, Any]] = {}
        self.deliveries: dict[str, DeliveryRow] = {}
        self.events: dict[str, EventRow] = {}
        self.closed_gates: dict[str, float] = {}
        #: Called before each call with its name.
        self.before: Callable[[str], None] = lambda _: None

    def _called(self, name: str) -> None:
        self.before(name)
        self.calls.append(name)
        if self.away:
            raise LedgerUnavailable("the ledger is away")

    def heartbeat(self, owner: str, now: float, lease_seconds: float) -> float:
        with self.lock:
            self._called("heartbeat")
            self.owners[owner] = now + lease_seconds
            return self.owners[owner]

    def claim(self, owner: str, requests: Sequence[ClaimRequest], now: float) -> Claims:
        with self.lock:
            self._called("claim")
            won, held = {}, {}
            for asked in requests:
                atom = self.atoms.setdefault(asked.atom, {"owner": None, "fence": 0, "last": None})
                holder = atom["owner"]
                if holder != owner and (holder is None or self.owners.get(holder, 0.0) < now):
                    atom |= {"owner": owner, "fence": atom["fence"] + 1}
                if atom["owner"] == owner:
                    won[asked.atom] = _atom_state(asked.atom, atom)
                else:
                    held[asked.atom] = Held(
                        atom=asked.atom, owner=holder, lease_until=self.owners[holder]
                    )
            ids = {id_ for asked in requests for id_ in asked.event_ids}
            return Claims(
                won=won,
                held=held,
                events={id_: self.events[id_] for id_ in ids if id_ in self.events},
                deliveries={
                    uid: row
                    for uid, row in self.deliveries.items()
                    if row.event_id in ids and row.event_id not in self.events
                },
            )

    def mark_sending(self, owner: str, marks: Sequence[SendingMark], now: float) -> Collection[str]:
        with self.lock:
            self._called("mark_sending")
            return [mark.uid for mark in marks if not self._marked(owner, mark, now)]

    def _marked(self, owner: str, mark: SendingMark, now: float) -> bool:
        row = self.deliveries.get(mark.uid)
        ours = row is not None and (row.owner, row.fence) == (owner, mark.fence)
        if not self.holds(owner, mark.atom, mark.fence) or not (
            row is None
            or row.state is DeliveryState.DEFERRED
            or (row.state is DeliveryState.SENDING and ours)
        ):
            return False
        told = msgspec.structs.asdict(mark)
        told |= {"message_id": mark.message_id.strip("<>"), "route": mark.route or None}
        self.deliveries[mark.uid] = DeliveryRow(
            **told,
            owner=owner,
            state=DeliveryState.SENDING,
            updated_at=now,
            created_at=now if row is None else row.created_at,
            possible_duplicate=row is not None and row.possible_duplicate,
        )
        return True

    def settle(self, owner: str, settlements: Sequence[Settlement], now: float) -> Collection[str]:
        with self.lock:
            self._called("settle")
            for told in settlements:
                row = self.deliveries.get(told.uid)
                if row is not None:
                    self.deliveries[told.uid] = _settled(row, told, owner, now)
            return [
                t.uid
                for t in settlements
                if not self.holds(owner, t.atom, t.fence) or self._overrules(t)
            ]

    def _overrules(self, told: Settlement) -> bool:
        """It is accepted, whatever the settlement says."""
        row = self.deliveries.get(told.uid)
        weaker = told.state not in (DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT)
        return weaker and row is not None and row.state is DeliveryState.ACCEPTED

    def close_events(self, closings: Sequence[Closing], now: float) -> None:
        with self.lock:
            self._called("close_events")
            for told in closings:
                row = EventRow(
                    id=told.event_id,
                    atom=told.atom,
                    outcome=told.outcome,
                    timestamp_ms=told.timestamp_ms,
                    state=told.state,
                    closed_at=now,
                )
                new = told.event_id not in self.events
                self.events.setdefault(told.event_id, row)
                if told.atom in self.atoms:
                    _move_on(self.atoms[told.atom], told, new=new)

    def reopen(self, event_ids: Collection[str], now: float) -> Collection[str]:
        with self.lock:
            self._called("reopen")
            opened = [id_ for id_ in event_ids if self.events.pop(id_, None) is not None]
            for uid, row in self.deliveries.items():
                if row.event_id in opened:
                    self.deliveries[uid] = _opened(row, now)
            return opened

    def release(self, owner: str, atoms: Collection[str]) -> None:
        with self.lock:
            self._called("release")
            for name in atoms:
                if name in self.atoms and self.atoms[name]["owner"] == owner:
                    self.atoms[name]["owner"] = None

    def holds(self, owner: str, atom: str, fence: int) -> bool:
        row = self.atoms.get(atom)
        return row is not None and (row["owner"], row["fence"]) == (owner, fence)

    def take(self, owner: str, *atoms: str) -> None:
        """Hold atoms without further ado, with the next fence."""
        self.owners.setdefault(owner, float("inf"))
        for name in atoms:
            row = self.atoms.setdefault(name, {"owner": None, "fence": 0, "last": None})
            row |= {"owner": owner, "fence": row["fence"] + 1}

    def held_by(self, owner: str) -> set[str]:
        return {name for name, row in self.atoms.items() if row["owner"] == owner}

    def close_gate(self, name: str, seconds: float) -> None:
        with self.lock:
            self._called("close_gate")
            self.closed_gates[name] = max(seconds, self.closed_gates.get(name, 0.0))

    def gates(self) -> Mapping[str, float]:
        with self.lock:
            self._called("gates")
            return dict(self.closed_gates)

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
        with self.lock:
            self._called("find_deliveries")
            return [
                row
                for row in self.deliveries.values()
                if uid in (None, row.uid) and event_id in (None, row.event_id)
            ]

    def find_events(self, ids: Collection[str]) -> Mapping[str, EventRow]:
        with self.lock:
            self._called("find_events")
            return {id_: self.events[id_] for id_ in ids if id_ in self.events}

    def find_atoms(self, atoms: Collection[str]) -> Mapping[str, AtomState]:
        with self.lock:
            self._called("find_atoms")
            return {
                name: _atom_state(name, self.atoms[name]) for name in atoms if name in self.atoms
            }

    def release_all(self, owner: str) -> None:
        with self.lock:
            self._called("release_all")
            self.owners.pop(owner, None)
            for row in self.atoms.values():
                row["owner"] = None if row["owner"] == owner else row["owner"]

    # What the worker never asks for.
    def prune(self, before: float, limit: int) -> int:
        raise NotImplementedError

    def counts(self) -> Mapping[str, int]:
        return {"owners": len(self.owners)}

    def ping(self) -> None: ...

    def close(self) -> None: ...


def _settled(row: DeliveryRow, told: Settlement, owner: str, now: float) -> DeliveryRow:
    """ACCEPTED is final, and a fact whoever says it. All else yields to a newer fence."""
    newer = row.fence > told.fence
    if row.state is DeliveryState.ACCEPTED or (newer and told.state is not DeliveryState.ACCEPTED):
        return row
    return msgspec.structs.replace(
        row,
        state=told.state,
        transport=told.transport,
        provider_id=told.provider_id,
        reason=told.reason,
        message=told.message,
        code=told.code,
        possible_duplicate=row.possible_duplicate or told.possible_duplicate,
        owner=row.owner if newer else owner,
        fence=row.fence if newer else told.fence,
        updated_at=row.updated_at if told.state is DeliveryState.IN_DOUBT else now,
    )


def _move_on(atom: dict[str, Any], told: Closing, *, new: bool) -> None:
    """Never back: not to an older event, nor at the same time to one that had ended before."""
    last: Closing | None = atom["last"]
    atom["thread"] = atom.get("thread") or told.thread_event_id
    if not told.advances or (last is not None and told.timestamp_ms < last.timestamp_ms):
        return
    if last is None or new or told.timestamp_ms > last.timestamp_ms:
        atom["last"] = told


def _opened(row: DeliveryRow, now: float) -> DeliveryRow:
    if row.state in (DeliveryState.EXPIRED, DeliveryState.FAILED):
        return msgspec.structs.replace(row, state=DeliveryState.DEFERRED, updated_at=now)
    if row.state is DeliveryState.IN_DOUBT and row.reason == Reason.HELD:
        return msgspec.structs.replace(row, reason=None)
    return row


def _atom_state(name: str, row: Mapping[str, Any]) -> AtomState:
    last: Closing | None = row["last"]
    if last is None:
        return AtomState(atom=name, fence=row["fence"], thread_event_id=row.get("thread"))
    return AtomState(
        atom=name,
        fence=row["fence"],
        last_event_id=last.last_event_id or last.event_id,
        last_state=last.state,
        last_timestamp_ms=last.timestamp_ms,
        thread_event_id=row.get("thread"),
    )


def states(ledger: MemoryLedger) -> dict[str, DeliveryState]:
    return {uid: row.state for uid, row in ledger.deliveries.items()}
