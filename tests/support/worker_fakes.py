"""Stand-ins around the worker: a sink, a source, a pipeline and a transport."""

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import BrokerUnavailable, CatalogUnavailable, InvalidMessage
from consumer.domain.ledger import ClaimRequest, Claims, DeliveryState
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record, Undelivered
from consumer.domain.tracking import TrackingEvent
from consumer.pipeline.lock import Locked, Progress
from consumer.pipeline.pipeline import Incoming, NotYet, Prepared
from consumer.pipeline.receive import Received
from consumer.pipeline.resume import Known, LeftInDoubt
from consumer.ports import OnAck, Transport
from consumer.wire import decode_tracking
from consumer.worker.offsets import TopicPartition
from consumer.worker.ways import Ways
from tests.support.clock import ManualClock
from tests.support.worker import OWNER, ending, result, send
from tests.support.worker_ledger import MemoryLedger


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
        #: Of which nothing is handed out; None: of any.
        self.held: Collection[TopicPartition] | None = ()
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

    @property
    def paused(self) -> bool:
        """Of any partition; of which else, is in `held`."""
        return self.held is None

    def hold(self, partitions: Collection[TopicPartition] | None) -> None:
        self.held = partitions

    def close(self) -> None: ...


class FakePipeline:
    """Locks as the real one does, in short: seen before, older than the last, else one email."""

    def __init__(self, ledger: MemoryLedger, clock: ManualClock, owner: str = OWNER) -> None:
        self._ledger = ledger
        self._clock = clock
        self._owner = owner
        #: Events that the catalog does not know yet.
        self.unknown: set[str] = set()
        #: Events that it will never know.
        self.dead: set[str] = set()
        self.catalog_away = False
        self.batches: list[list[str]] = []
        #: Whom events could not be told the last time, by event.
        self.undelivered: dict[str, Sequence[Undelivered]] = {}

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
        self.undelivered |= {each.event.id: each.undelivered for each in incoming}
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
            if each.id in self.dead:
                answers.append(_dead(each, claims))
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
        if row.state in (DeliveryState.SENDING, DeliveryState.IN_DOUBT):
            doubt = LeftInDoubt(row.updated_at, row.created_at, row.transport, row.message_id)
            again = msgspec.structs.replace(send(of, attempt=row.attempt), doubt=doubt)
            return Prepared(locked=decided, sends=[again])
        state = row.state
        known_result = Known(
            notification=send(of).notification,
            result=result(Kind(state.value)),
            attempt=row.attempt,
        )
        return Prepared(locked=decided, known=[known_result])


def _dead(of: AlarmEvent, claims: Claims) -> Prepared:
    end = ending(Kind.LOOKUP_FAILED, Reason.NOT_IN_CATALOG)
    locked = _decided(of, Progress.of(claims.won[of.atom]))
    return Prepared(locked=locked, endings=[end], dead_letter=True)


def _decided(of: AlarmEvent, progress: Progress, *, advances: bool = False) -> Locked:
    return Locked(
        event=of,
        progress=progress,
        previous_state=of.previous_state,
        thread_event_id=of.id,
        advances=advances,
    )


class FakeTransport:
    """Answers what `answer` says; `sent` are the uids of the emails it was given."""

    name = "mailgun"

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.answer: Callable[[Email], SendResult] = lambda _: result()
        #: Seconds for which it is not to be called.
        self.closed_for = 0.0

    def send(self, email: Email, options: SendOptions) -> SendResult:
        self.sent.append(email.uid)
        return self.answer(email)

    def opens_in(self) -> float:
        return self.closed_for

    def close(self) -> None: ...


def one_way(clock: ManualClock, transport: Transport | None = None, failures: int = 1000) -> Ways:
    """Mailgun alone, whose breaker stays closed for long."""
    transports = {"mailgun": transport or FakeTransport()}
    return Ways(transports, clock=clock, failures=failures, probe_seconds=1.0)
