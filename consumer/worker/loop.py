"""The poll loop: the only user of the Kafka consumer.

Poll, bring records into their lanes, commit what is done, hold back what storms. Partitions
come and go through the same object, so that all of this is one thread's business.
"""

from collections.abc import Callable, Collection, Mapping
from threading import Event

import msgspec

from consumer.domain.errors import BrokerUnavailable, LedgerUnavailable
from consumer.ports import Clock, Ledger, RecordSource
from consumer.telemetry.metrics import Metrics
from consumer.worker.atoms import Atoms
from consumer.worker.backpressure import ALL, Limits, Load, to_hold
from consumer.worker.intake import Intake
from consumer.worker.lanes import Lanes
from consumer.worker.offsets import Offsets, TopicPartition


class LoopTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds."""

    poll: float = 0.1
    #: While partitions are paused, or something is parked: look again sooner. What waits lasts for
    #: longer than this, and a turn that brings nothing costs a millisecond.
    poll_waiting: float = 0.05
    commit: float = 1.0
    #: How long an atom of which nothing comes is kept before it is given back.
    release: float = 1.0
    #: Between two tries while Kafka is away.
    reconnect: float = 1.0
    #: Between two looks at what came back to wait while stopping.
    drain: float = 0.1


class PollLoop:
    """Runs until `stop` is set; `drain` afterwards."""

    def __init__(
        self,
        *,
        owner: str,
        intake: Intake,
        lanes: Lanes,
        atoms: Atoms,
        offsets: Offsets,
        ledger: Ledger,
        clock: Clock,
        metrics: Metrics,
        limits: Limits,
        on_kafka_away: Callable[[str], None],
        times: LoopTimes | None = None,
    ) -> None:
        """`on_kafka_away` is told why. That a broker answers is for the source to tell: a poll that
        brings nothing, or what was fetched before, is no answer."""
        self._owner = owner
        self._intake = intake
        self._lanes = lanes
        self._atoms = atoms
        self._offsets = offsets
        self._ledger = ledger
        self._clock = clock
        self._metrics = metrics
        self._limits = limits
        self._on_kafka_away = on_kafka_away
        self._times = times or LoopTimes()
        #: Partitions of which nothing is fetched for now, or ALL.
        self._held: frozenset[TopicPartition] | None = frozenset()
        #: Given away before all of their work had ended.
        self._leftover: set[TopicPartition] = set()
        self._commit_at = 0.0
        self._release_at = 0.0
        #: Monotonic seconds of the last turn, for the health check.
        self.turned_at = clock.monotonic()

    def run(self, source: RecordSource, stop: Event) -> None:
        """Turn until asked to stop. What Kafka cannot do now is done at a later turn."""
        while not stop.is_set():
            try:
                self.turn(source)
            except BrokerUnavailable as error:
                self._on_kafka_away(str(error))
                stop.wait(self._times.reconnect)

    def turn(self, source: RecordSource) -> None:
        """One round. Raises BrokerUnavailable."""
        self.turned_at = self._clock.monotonic()
        waiting = self._held or self._held is ALL or self._intake.parked
        records = source.poll(self._times.poll_waiting if waiting else self._times.poll)
        if self._leftover and self.quiet(self._leftover):
            self._leftover.clear()
        self._intake.take(records)
        self._regulate(source)
        self._release_idle()
        self._commit(source)

    def drain(self, source: RecordSource, limit_seconds: float) -> bool:
        """Begin nothing more, finish what is under way, commit; False when time ran out."""
        deadline = self._clock.monotonic() + limit_seconds
        self._intake.drop()
        while not (quiet := self._wait_quiet(self._times.drain)):
            if self._clock.monotonic() >= deadline:
                break
            # A send that was under way may have been deferred.
            self._intake.drop()
        offsets = self._offsets.committable()
        try:
            if source.commit(offsets):
                self._offsets.committed(offsets)
        except BrokerUnavailable as error:
            self._on_kafka_away(str(error))
        return quiet

    # -- partitions come and go (called while the poll thread waits in poll or close) --------

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        self._offsets.forget(partitions)
        self._leftover -= set(partitions)

    def revoking(self, partitions: Collection[TopicPartition]) -> None:
        self._intake.drop(partitions)

    def quiet(self, partitions: Collection[TopicPartition]) -> bool:
        """Whether nothing of them is left; what came back to wait is dropped too."""
        self._intake.drop(partitions)
        return self._wait_quiet(0, partitions)

    def revoked(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        offsets = self._offsets.committable(partitions)
        self._forget(partitions)
        return offsets

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        self.revoking(partitions)
        self._forget(partitions)

    def _wait_quiet(
        self, timeout_seconds: float, partitions: Collection[TopicPartition] | None = None
    ) -> bool:
        """Nothing is left in the lanes, nor on its way into the dead-letter topic."""
        return self._lanes.wait_quiet(timeout_seconds, partitions) and self._intake.wait_told(
            timeout_seconds, partitions
        )

    def _forget(self, partitions: Collection[TopicPartition]) -> None:
        self._offsets.forget(partitions)
        self._leftover |= set(partitions)
        self._release_at = 0.0

    # -- below: parts of a turn ---------------------------------------------------------------

    def _regulate(self, source: RecordSource) -> None:
        loads = {p: Load(*load) for p, load in self._offsets.loads().items()}
        total = Load(
            # Records without an event wait for their dead letter only: nowhere but in the offsets.
            max(self._lanes.events + self._intake.parked, sum(x.events for x in loads.values())),
            # Emails are in the lanes only; what is parked, or could not be read, in the offsets.
            max(self._lanes.bytes, sum(x.size for x in loads.values())),
        )
        stopped = self._intake.stopped or self._intake.waits_for is not None
        hold = ALL if stopped else to_hold(loads, total, self._held, self._limits)
        if hold != self._held:
            source.hold(hold)
            self._held = hold
        self._metrics.paused.set(hold is ALL or len(hold) > 0)
        self._metrics.waiting.set(total.events)
        self._metrics.waiting_bytes.set(total.size)
        self._metrics.parked.set(self._intake.parked)
        self._metrics.in_flight.set(self._lanes.in_flight)
        self._metrics.in_doubt.set(self._lanes.doubts)

    def _release_idle(self) -> None:
        now = self._clock.monotonic()
        if now < self._release_at:
            return
        keep = self._times.release if self._release_at else 0.0
        self._release_at = now + self._times.release
        # Only this thread fills lanes: what was in none before is in none now.
        idle = self._atoms.idle(keep, now, self._lanes.atoms())
        if not idle:
            return
        try:
            self._ledger.release(self._owner, idle)
        except LedgerUnavailable:
            return
        for atom in idle:
            self._atoms.forget(atom)

    def _commit(self, source: RecordSource) -> None:
        now = self._clock.monotonic()
        if now < self._commit_at:
            return
        self._commit_at = now + self._times.commit
        offsets = self._offsets.committable()
        if source.commit(offsets):
            self._offsets.committed(offsets)
