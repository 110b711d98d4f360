"""From records to lanes: decode, prepare, park what has to wait. Only the poll thread calls it.

Events wait here, in the order they were read, for a lock that another consumer holds, for a
lookup, or for a dependency that is away. An event never overtakes an earlier one of its atom.
"""

from collections import Counter
from collections.abc import Collection, Sequence

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import CatalogUnavailable, DependencyError, LedgerUnavailable
from consumer.domain.lasting import ids_of
from consumer.domain.record import Record
from consumer.domain.recovery import RememberProblems, concerns_recovery
from consumer.pipeline.pipeline import Incoming, NotYet, Pipeline, Prepared
from consumer.pipeline.recall import recall
from consumer.ports import Clock
from consumer.wire import left_undelivered
from consumer.worker.atoms import Atoms
from consumer.worker.dead_letter_limit import DeadLetterLimit
from consumer.worker.lanes import Lanes
from consumer.worker.offsets import Offsets, Ticket, TopicPartition
from consumer.worker.tracker import Tracker
from consumer.worker.work import Broken, Work

#: Seconds between two tries of what waits, and of a dependency that is away.
_TRY_AGAIN = 0.5
#: Events prepared in one go. The ledger's statements are made for so many; one alarm of a quiet
#: partition waits for as many at the most.
_BATCH = 100


class Arrival(msgspec.Struct, frozen=True):
    """One event of one record, before it has its lane."""

    incoming: Incoming
    record: Record
    ticket: Ticket
    atom: str

    @property
    def partition(self) -> TopicPartition:
        return (self.record.topic, self.record.partition)

    def about(self, event: AlarmEvent) -> "Arrival":
        """The same, once it is known whose event it is."""
        return _arrival(event, self.incoming.first_seen, self.record, self.ticket)


class Intake:
    """The way of an event from its record to its lane."""

    def __init__(
        self,
        *,
        worker: str,
        pipeline: Pipeline,
        atoms: Atoms,
        lanes: Lanes,
        offsets: Offsets,
        tracker: Tracker,
        clock: Clock,
        limit: DeadLetterLimit | None = None,
        remember: RememberProblems | None = None,
    ) -> None:
        """Without `remember`, recoveries that name only their problem are given up."""
        self._worker = worker
        self._pipeline = pipeline
        self._atoms = atoms
        self._lanes = lanes
        self._offsets = offsets
        self._tracker = tracker
        self._clock = clock
        self._limit = limit
        self._remember = remember
        self._parked: list[Arrival] = []
        #: Records that could not be read, until their dead letters are written.
        self._broken: list[Broken] = []
        self._try_at = 0.0
        #: Why nothing at all can be prepared at the moment, if so.
        self.waits_for: DependencyError | None = None

    @property
    def parked(self) -> int:
        return len(self._parked)

    @property
    def stopped(self) -> bool:
        """There were too many dead letters: nothing more goes into the lanes."""
        return self._limit is not None and self._limit.tripped is not None

    def take(self, records: Sequence[Record]) -> None:
        """Bring records, and what waited long enough, into their lanes or park them."""
        arrivals = self._decode(_quiet_first(records))
        given_back = self._given_back()
        if given_back:
            # They had their lanes already, so they are older than whatever is parked.
            self._parked[:0] = given_back
            self._try_at = 0.0
        if self._parked and self._clock.monotonic() >= self._try_at:
            arrivals, self._parked = [*self._parked, *arrivals], []
        if self.waits_for is None or not self._parked:
            arrivals = self._recalled(arrivals)
        waiting = {arrival.atom for arrival in self._parked}
        ready = []
        for arrival in arrivals:
            if self._parked and (self.waits_for is not None or arrival.atom in waiting):
                self._parked.append(arrival)
            else:
                ready.append(arrival)
        for start in range(0, len(ready), _BATCH):
            self._prepare(ready[start : start + _BATCH])

    def drop(self, partitions: Collection[TopicPartition] | None = None) -> None:
        """Forget what waits, parked or in lanes (of some partitions, or all)."""
        self._parked = (
            [] if partitions is None else [a for a in self._parked if a.partition not in partitions]
        )
        if not self._parked:
            # Nothing is left to find out with whether it is back.
            self.waits_for = None
        self._rewind(self._lanes.drop_waiting(partitions))

    def wait_told(
        self, timeout_seconds: float, partitions: Collection[TopicPartition] | None = None
    ) -> bool:
        """Wait until the dead letters of unreadable records (of these partitions) are written;
        False when time ran out. Who reads such a record again writes a second one."""
        deadline = self._clock.monotonic() + timeout_seconds
        return all(
            each.told.wait(max(0.0, deadline - self._clock.monotonic()))
            for each in self._broken
            if partitions is None or each.partition in partitions
        )

    def _decode(self, records: Sequence[Record]) -> list[Arrival]:
        self._broken = [each for each in self._broken if not each.told.is_set()]
        arrivals: list[Arrival] = []
        now = self._clock.now()
        for received in self._pipeline.receive(records):
            record = received.record
            partition = (record.topic, record.partition)
            ticket = self._offsets.begin(partition, record.offset, received.parts, record.size)
            if received.invalid is not None:
                self._count(received.invalid.reason)
                broken = Broken(record, received.invalid, received.salvaged, ticket)
                self._broken.append(broken)
                self._tracker.put(broken)
            if not received.parts:
                ticket.done()
            arrivals.extend(_arrival(event, now, record, ticket) for event in received.events)
        return arrivals

    def _recalled(self, arrivals: list[Arrival]) -> list[Arrival]:
        """Recoveries by the names of their alarms; all are parked while the ledger is away."""
        events = [arrival.incoming.event for arrival in arrivals]
        if self._remember is None or not any(map(concerns_recovery, events)):
            return arrivals
        try:
            recalled = recall(events, self._remember)
        except LedgerUnavailable as error:
            self.waits_for = error
            self._park(arrivals)
            return []
        return [arrivals[place].about(event) for place, event in recalled]

    def _given_back(self) -> list[Arrival]:
        """Events whose lock was lost, or an earlier event: locked anew, in their order."""
        works = self._lanes.returned()
        self._rewind(works)
        now = self._clock.now()
        return [_arrival(work.event, now, work.record, work.ticket) for work in works]

    def _rewind(self, taken_out: Sequence[Work]) -> None:
        """Whatever was decided after these events counts no longer."""
        for atom in {work.atom for work in taken_out}:
            last = self._lanes.last(atom)
            counts = last is not None and not last.prepared.dead_letter
            self._atoms.rewind(atom, last.prepared.locked if last and counts else None)

    def _prepare(self, batch: Sequence[Arrival]) -> None:
        """One batch through the pipeline. What has to wait keeps its place in the order."""
        blocked = {arrival.atom for arrival in self._parked}
        if self.stopped or (self.waits_for is not None and self._parked):
            self._park(batch)
            return
        going = [arrival for arrival in batch if arrival.atom not in blocked]
        atoms = {arrival.atom for arrival in going}
        self._atoms.asked(atoms, self._clock.monotonic())
        try:
            answers = self._pipeline.prepare(
                [arrival.incoming for arrival in going],
                self._atoms.progress(atoms),
                self._lanes.on_their_way(atoms),
            )
        except (LedgerUnavailable, CatalogUnavailable) as error:
            self.waits_for = error
            self._park(batch)
            return
        self.waits_for = None
        self._park([arrival for arrival in batch if arrival.atom in blocked])
        self._enter(going, answers)

    def _enter(self, going: Sequence[Arrival], answers: Sequence[Prepared | NotYet]) -> None:
        now = self._clock.monotonic()
        works: list[Work] = []
        waiting: list[Arrival] = []
        for arrival, answer in zip(going, answers, strict=True):
            if isinstance(answer, NotYet):
                waiting.append(arrival)
                continue
            if answer.dead_letter:
                # Nobody was told, and the redriven record is to be as good as new.
                self._count(answer.endings[-1].reason)
            else:
                self._atoms.entered(answer.locked, now)
            first_seen = arrival.incoming.first_seen
            works.append(Work(answer, arrival.record, arrival.ticket, self._worker, first_seen))
        self._park(waiting)
        self._lanes.add(works)

    def _count(self, reason: str) -> None:
        if self._limit is not None:
            self._limit.count(reason)

    def _park(self, arrivals: Sequence[Arrival]) -> None:
        """The time of the next try stands while others wait already: new ones do not delay it."""
        if arrivals and not self._parked:
            self._try_at = self._clock.monotonic() + _TRY_AGAIN
        self._parked.extend(arrivals)


def _arrival(event: AlarmEvent, first_seen: float, record: Record, ticket: Ticket) -> Arrival:
    left = [each for id_ in ids_of(event) for each in left_undelivered(record, id_)]
    incoming = Incoming(event, first_seen, left)
    return Arrival(incoming, record, ticket, event.atom)


def _quiet_first(records: Sequence[Record]) -> Sequence[Record]:
    """What came of each partition, in its order; the partition with the fewest comes first."""
    came = Counter((record.topic, record.partition) for record in records)
    if len(came) < 2:
        return records
    return sorted(records, key=lambda record: came[record.topic, record.partition])
