"""Stand-ins around the worker: values with little text, a ledger in memory, a sink, a source."""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.errors import (
    BrokerUnavailable,
    CatalogUnavailable,
    InvalidMessage,
    LedgerUnavailable,
)
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
from consumer.domain.notification import Email, Ending, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record
from consumer.domain.tracking import TrackingEvent
from consumer.pipeline.lock import Locked, Progress
from consumer.pipeline.pipeline import Incoming, NotYet, Prepared, Send
from consumer.pipeline.receive import Received
from consumer.pipeline.resume import Known
from consumer.ports import OnAck
from consumer.wire import decode_tracking
from consumer.worker.offsets import Offsets, Ticket, TopicPartition
from consumer.worker.work import Work
from tests.support.clock import ManualClock
from tests.support.factories import make_email, make_event, make_notification

TOPIC = "alarm-events"
FIRST: TopicPartition = (TOPIC, 0)
SECOND: TopicPartition = (TOPIC, 1)
OWNER = "one"
#: Seconds in which whatever a test waits for has long happened.
SOON = 5.0


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for what other threads do."""
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline, f"did not happen: {what}"
        threading.Event().wait(0.002)


# -- values -------------------------------------------------------------------------------------


def event(id_: str, alarm: str = "a", **changes: Any) -> AlarmEvent:
    """One event; its alarm is its atom."""
    return make_event(**({"id": id_, "alarm_id": alarm} | changes))


def send(of: AlarmEvent, number: int = 0, attempt: int = 1) -> Send:
    uid = f"{of.id}/{number}"
    return Send(
        notification=make_notification(uid=uid, event=of, destination=f"{number}@example.com"),
        email=make_email(uid=uid),
        options=SendOptions(),
        attempt=attempt,
    )


def locked(of: AlarmEvent, *, fence: int = 1, advances: bool = True) -> Locked:
    return Locked(
        event=of,
        progress=Progress(fence=fence, last_event_id=of.id, last_state=of.state),
        previous_state=of.previous_state,
        thread_event_id=of.id,
        advances=advances,
    )


def work(
    id_: str,
    alarm: str = "a",
    *,
    sends: int = 1,
    attempt: int = 1,
    advances: bool = True,
    at: tuple[TopicPartition, int] = (FIRST, 0),
    ticket: Ticket | None = None,
    prepared: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Work:
    """An event on its way to a number of destinations."""
    of = event(id_, alarm, **changes)
    (topic, partition), offset = at
    values: dict[str, Any] = {
        "locked": locked(of, advances=advances),
        "sends": [send(of, number, attempt) for number in range(sends)],
    }
    return Work(
        Prepared(**(values | dict(prepared or {}))),
        Record(topic, partition, offset, of.atom.encode(), b"{}", timestamp=of.timestamp),
        ticket or Offsets().begin((topic, partition), offset),
        "worker-1",
    )


def result(kind: Kind = Kind.ACCEPTED, **changes: Any) -> SendResult:
    values: dict[str, Any] = {
        "kind": kind,
        "reason": Reason.QUEUED if kind is Kind.ACCEPTED else Reason.UNREACHABLE,
        "message": "as told",
        "transport": "mailgun",
    }
    return SendResult(**(values | changes))


# -- the ledger ---------------------------------------------------------------------------------


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
                deliveries={u: r for u, r in self.deliveries.items() if r.event_id in ids},
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
        self.deliveries[mark.uid] = DeliveryRow(
            **msgspec.structs.asdict(mark), owner=owner, state=DeliveryState.SENDING, updated_at=now
        )
        return True

    def settle(self, owner: str, settlements: Sequence[Settlement], now: float) -> Collection[str]:
        with self.lock:
            self._called("settle")
            for told in settlements:
                row = self.deliveries.get(told.uid)
                if row is not None and row.state is not DeliveryState.ACCEPTED:
                    self.deliveries[told.uid] = msgspec.structs.replace(row, state=told.state)
            return [t.uid for t in settlements if not self.holds(owner, t.atom, t.fence)]

    def close_events(self, owner: str, closings: Sequence[Closing], now: float) -> None:
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
                self.events.setdefault(told.event_id, row)
                if told.advances and self.holds(owner, told.atom, told.fence):
                    self.atoms[told.atom]["last"] = told

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

    # What the worker never asks for.
    def release_all(self, owner: str) -> None:
        raise NotImplementedError

    def prune(self, before: float, limit: int) -> int:
        raise NotImplementedError

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
        raise NotImplementedError

    def find_events(self, ids: Collection[str]) -> Mapping[str, EventRow]:
        raise NotImplementedError

    def counts(self) -> Mapping[str, int]:
        raise NotImplementedError

    def ping(self) -> None: ...

    def close(self) -> None: ...


def _atom_state(name: str, row: Mapping[str, Any]) -> AtomState:
    last: Closing | None = row["last"]
    if last is None:
        return AtomState(atom=name, fence=row["fence"])
    return AtomState(
        atom=name,
        fence=row["fence"],
        last_event_id=last.event_id,
        last_state=last.state,
        last_timestamp_ms=last.timestamp_ms,
    )


# -- Kafka --------------------------------------------------------------------------------------


class FakeSink:
    """Acknowledges at once, unless `refuse` has an error for a record."""

    def __init__(self, log: list[str] | None = None) -> None:
        self.records: list[tuple[str, bytes | None, bytes | None, dict[str, bytes]]] = []
        self.refuse: Callable[[bytes | None], Exception | None] = lambda _: None
        self._log = log if log is not None else []

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
        on_ack: OnAck,
    ) -> None:
        error = self.refuse(value)
        self._log.append(f"produce {topic}")
        if error is None:
            self.records.append((topic, key, value, dict(headers)))
        on_ack(error)

    def flush(self, timeout_seconds: float) -> None: ...

    def close(self, timeout_seconds: float) -> None: ...

    @property
    def tracked(self) -> list[TrackingEvent]:
        return [decode_tracking(value) for topic, _, value, _ in self.records if topic == "tracked"]

    @property
    def dead(self) -> list[tuple[bytes | None, dict[str, bytes]]]:
        return [(value, headers) for topic, _, value, headers in self.records if topic == "dead"]


class FakeSource:
    """Hands out what was put in; remembers commits and pauses."""

    def __init__(self) -> None:
        self.batches: list[list[Record]] = []
        self.committed: dict[TopicPartition, int] = {}
        self.commits = 0
        self.paused = False
        self.away = False
        self.rebalancing = False
        #: Called inside `poll`, as the client calls the listener.
        self.on_poll: Callable[[], None] = lambda: None

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        if self.away:
            raise BrokerUnavailable("Kafka is away")
        self.on_poll()
        return self.batches.pop(0) if self.batches and not self.paused else []

    def commit(self, offsets: Mapping[TopicPartition, int]) -> bool:
        if self.away:
            raise BrokerUnavailable("Kafka is away")
        if not offsets or self.rebalancing:
            return False
        self.commits += 1
        self.committed |= offsets
        return True

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def close(self) -> None: ...


# -- the pipeline -------------------------------------------------------------------------------


def record(
    offset: int, *events: AlarmEvent, partition: int = 0, value: bytes | None = None
) -> Record:
    """A record of some events; with a value of its own it cannot be read."""
    encoded = msgspec.json.encode(events) if value is None else value
    return Record(TOPIC, partition, offset, b"key", encoded)


class FakePipeline:
    """Locks as the real one does, in short: seen before, older than the last, else one email."""

    def __init__(self, ledger: MemoryLedger, clock: ManualClock, owner: str = OWNER) -> None:
        self._ledger = ledger
        self._clock = clock
        self._owner = owner
        #: Events that the catalog does not know yet.
        self.unknown: set[str] = set()
        self.catalog_away = False
        self.batches: list[list[str]] = []

    def receive(self, records: Sequence[Record]) -> list[Received]:
        return [self._received(each) for each in records]

    def _received(self, of: Record) -> Received:
        try:
            events = msgspec.json.decode(of.value or b"", type=list[AlarmEvent])
        except msgspec.DecodeError:
            broken = InvalidMessage(Reason.NOT_JSON, "no JSON")
            return Received(record=of, invalid=broken)
        return Received(record=of, events=tuple(events), format="fake")

    def prepare(
        self,
        incoming: Sequence[Incoming],
        progress: Mapping[str, Progress],
        on_their_way: Mapping[str, frozenset[str]],
    ) -> list[Prepared | NotYet]:
        events = [each.event for each in incoming]
        self.batches.append([each.id for each in events])
        requests = [ClaimRequest(each.atom, [each.id]) for each in events]
        claims = self._ledger.claim(self._owner, requests, self._clock.now())
        if self.catalog_away:
            raise CatalogUnavailable("the catalog is away")
        waiting: set[str] = set()
        moved = dict(progress)
        seen = {id_ for ids in on_their_way.values() for id_ in ids} | claims.events.keys()
        answers: list[Prepared | NotYet] = []
        for each in events:
            if each.atom in claims.held or each.id in self.unknown or each.atom in waiting:
                waiting.add(each.atom)
                answers.append(NotYet("has to wait"))
                continue
            answer = self._prepared(each, claims, moved.get(each.atom), each.id in seen)
            moved[each.atom] = answer.locked.progress
            seen.add(each.id)
            answers.append(answer)
        return answers

    def _prepared(
        self, of: AlarmEvent, claims: Claims, own: Progress | None, known: bool
    ) -> Prepared:
        won = claims.won[of.atom]
        now = own if own is not None and own.fence == won.fence else Progress.of(won)
        if known or of.timestamp < (now.last_timestamp_ms or 0):
            kind, reason = (
                (Kind.DUPLICATE, Reason.SEEN_BEFORE)
                if known
                else (Kind.STALE, Reason.OLDER_THAN_LAST)
            )
            return Prepared(locked=_decided(of, now), endings=[ending(kind, reason)])
        moved = msgspec.structs.replace(
            now, last_event_id=of.id, last_state=of.state, last_timestamp_ms=of.timestamp
        )
        decided = _decided(of, moved, advances=True)
        row = claims.deliveries.get(send(of).notification.uid)
        if row is None or row.state is DeliveryState.DEFERRED:
            attempt = 1 if row is None else row.attempt + 1
            return Prepared(locked=decided, sends=[send(of, attempt=attempt)])
        state = DeliveryState.IN_DOUBT if row.state is DeliveryState.SENDING else row.state
        known_result = Known(
            notification=send(of).notification,
            result=result(Kind(state.value)),
            attempt=row.attempt,
        )
        return Prepared(locked=decided, known=[known_result])


def _decided(of: AlarmEvent, progress: Progress, *, advances: bool = False) -> Locked:
    return Locked(
        event=of,
        progress=progress,
        previous_state=of.previous_state,
        thread_event_id=of.id,
        advances=advances,
    )


def ending(kind: Kind = Kind.UNCHANGED, reason: Reason = Reason.SAME_STATE) -> Ending:
    return Ending(kind=kind, reason=reason, message="as told")


class FakeTransport:
    """Answers what `answer` says; `sent` are the uids of the emails it was given."""

    name = "mailgun"

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.answer: Callable[[Email], SendResult] = lambda _: result()

    def send(self, email: Email, options: SendOptions) -> SendResult:
        self.sent.append(email.uid)
        return self.answer(email)

    def close(self) -> None: ...


def states(ledger: MemoryLedger) -> dict[str, DeliveryState]:
    return {uid: row.state for uid, row in ledger.deliveries.items()}


CRITICAL, OK, WARNING = State.CRITICAL, State.OK, State.WARNING
