"""The worker: all threads between records and tracking records, put together and ended in order.

It knows the ports only. `consumer/app.py` gives it the adapters.
"""

from collections.abc import Callable, Mapping
from threading import Event
from typing import Protocol

import msgspec

from consumer.domain.alarm import State
from consumer.domain.errors import DependencyError, LedgerUnavailable
from consumer.domain.record import DeadLetter
from consumer.domain.recovery import RememberProblems
from consumer.pipeline.pipeline import Pipeline
from consumer.ports import Clock, Ledger, Lookup, RecordSink, RecordSource, Transport
from consumer.telemetry.metrics import Metrics
from consumer.worker.atoms import Atoms
from consumer.worker.backpressure import Limits
from consumer.worker.calling import Caller
from consumer.worker.dead_letter_limit import DeadLetterLimit
from consumer.worker.gates import Gates
from consumer.worker.housekeeping import Housekeeping
from consumer.worker.intake import Intake
from consumer.worker.lanes import Lanes
from consumer.worker.lease import Lease
from consumer.worker.loop import PollLoop
from consumer.worker.marking import Marking
from consumer.worker.offsets import Offsets
from consumer.worker.outbox import Outbox
from consumer.worker.resolver import Resolver
from consumer.worker.senders import Senders
from consumer.worker.settling import Settling
from consumer.worker.summaries import Summaries
from consumer.worker.tracker import Tracker
from consumer.worker.ways import Ways
from consumer.worker.whole_story import WholeStory
from consumer.worker.work import Landed

#: Lookups at the same time. Few: the provider limits them too, and each may hang.
_RESOLVERS = 4
#: Seconds between two tries of a ledger that is away at the start.
_TRY_AGAIN = 2.0


class WorkerRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator chose. Times in seconds."""

    tracking_topic: str
    dead_letter_topic: str
    dead_letters_per_minute: int
    senders: int
    limits: Limits
    max_age: Mapping[State, float]
    doubt_budgets: Mapping[State, float]
    #: A send in doubt that is not found waits for a person.
    hold_doubts: bool
    #: Transports whose provider reports by itself what it has accepted.
    reporting: frozenset[str] = frozenset()
    breaker_failures: int
    breaker_probe: float
    fallback: str | None
    fallback_after: float
    lease: float
    retention: float
    shutdown: float
    #: What was tried in vain is not sent once a newer state of its alarm waits behind it.
    supersedes: bool = True


class Observer(Protocol):
    """Who is told what happens. Every method is quick and thread-safe."""

    def dependency(self, name: str, ok: bool, why: str = "") -> None: ...
    def landed(self, landed: Landed, now: float) -> None: ...
    def transport(self, name: str, ok: bool, why: str) -> None: ...
    def looked_up(self, name: str, ok: bool, why: str) -> None: ...
    def dead_letter(self, letter: DeadLetter) -> None: ...
    def gate(self, name: str, account: str, seconds: float, waiting: int) -> None: ...
    def intake_stopped(self, why: str) -> None: ...


class Worker:
    """One consumer process's core. `serve` blocks until `stop` is set and everything has ended."""

    def __init__(
        self,
        *,
        owner: str,
        name: str,
        rules: WorkerRules,
        pipeline: Pipeline,
        ledger: Ledger,
        transports: Mapping[str, Transport],
        lookups: Mapping[str, Lookup],
        accounts: Mapping[str, str],
        sink: RecordSink,
        clock: Clock,
        metrics: Metrics,
        observer: Observer,
        remember: RememberProblems | None = None,
        summaries: Summaries | None = None,
    ) -> None:
        """`accounts`: by transport, what its provider's limits count by. `remember`: problems, for
        recoveries that name nothing else. `summaries`: what is owed to recipients, written as long
        as the worker runs."""
        self._owner = owner
        self._rules = rules
        self._ledger = ledger
        self._lookups = lookups
        self._sink = sink
        self._clock = clock
        self._observer = observer
        self._lease = Lease(
            ledger,
            owner,
            clock,
            rules.lease,
            lambda ok, why: observer.dependency("lease", ok, why),
        )
        self._ways = Ways(
            transports,
            clock=clock,
            failures=rules.breaker_failures,
            probe_seconds=rules.breaker_probe,
            fallback=rules.fallback,
            fallback_after_seconds=rules.fallback_after,
            on_state=observer.transport,
            on_throttled=lambda name, until: self._gates.throttled(name, until),
        )
        self._gates = Gates(
            ledger,
            self._ways,
            clock,
            accounts,
            lambda name, account, seconds: observer.gate(
                name, account, seconds, self.lanes.waiting
            ),
        )
        self._settling = Settling(ledger, owner, clock)
        self._limit = DeadLetterLimit(rules.dead_letters_per_minute, clock, observer.intake_stopped)
        self._tracker = Tracker(
            owner=owner,
            worker=name,
            ledger=ledger,
            outbox=Outbox(
                sink, rules.tracking_topic, rules.dead_letter_topic, observer.dead_letter
            ),
            ways=self._ways,
            clock=clock,
            metrics=metrics,
            limit=self._limit,
            on_result=observer.landed,
            on_broker=lambda ok, why: observer.dependency("kafka_producer", ok, why),
        )
        make_lanes = Lanes if rules.supersedes else WholeStory
        self.lanes = make_lanes(clock, self._tracker.put, company=self._ways)
        self._ways.on_change = self._wake
        self._senders = Senders(
            count=rules.senders,
            lanes=self.lanes,
            ways=self._ways,
            marking=Marking(ledger, owner, self._lease, clock),
            caller=Caller(self._ways, self._lease, clock, metrics, self._tracker.put),
            settling=self._settling,
            clock=clock,
            max_age_seconds=rules.max_age,
            to_tracker=self._tracker.put,
        )
        self._resolver = Resolver(
            count=_RESOLVERS,
            lanes=self.lanes,
            ledger=ledger,
            lookups=lookups,
            settling=self._settling,
            ways=self._ways,
            clock=clock,
            metrics=metrics,
            budgets=rules.doubt_budgets,
            hold=rules.hold_doubts,
            reporting=rules.reporting,
            to_tracker=self._tracker.put,
            on_lookup=observer.looked_up,
        )
        self._housekeeping = Housekeeping(ledger, clock, rules.retention)
        self._summaries = summaries
        self.loop = self._poll_loop(name, pipeline, metrics, remember)

    def _wake(self, works: bool) -> None:
        """A transport works again, or another one carries its emails."""
        self.lanes.wake()
        if works:
            self.lanes.wake_doubts()

    def _poll_loop(
        self, name: str, pipeline: Pipeline, metrics: Metrics, remember: RememberProblems | None
    ) -> PollLoop:
        atoms, offsets = Atoms(), Offsets()
        intake = Intake(
            worker=name,
            pipeline=pipeline,
            atoms=atoms,
            lanes=self.lanes,
            offsets=offsets,
            tracker=self._tracker,
            clock=self._clock,
            limit=self._limit,
            remember=remember,
        )
        return PollLoop(
            owner=self._owner,
            intake=intake,
            lanes=self.lanes,
            atoms=atoms,
            offsets=offsets,
            ledger=self._ledger,
            clock=self._clock,
            metrics=metrics,
            limits=self._rules.limits,
            on_kafka_away=lambda why: self._observer.dependency("kafka", False, why),
        )

    @property
    def doubts(self) -> int:
        """Sends in doubt that wait to be looked up, or are being."""
        return self._resolver.doubts

    def serve(self, source: RecordSource, stop: Event, on_started: Callable[[], None]) -> bool:
        """Work until `stop` is set; True when everything under way was finished in time.

        Raises SettingsError when the group has no place for us.
        """
        self._wait_for_lease(stop)
        self._tracker.start(self.lanes)
        self._senders.start()
        self._resolver.start()
        self._gates.start()
        self._housekeeping.start()
        if self._summaries is not None:
            self._summaries.start()
        on_started()
        try:
            self.loop.run(source, stop)
        finally:
            # Also when the group has thrown us out: what is under way is finished.
            finished = self._shut_down(source)
        return finished

    def _wait_for_lease(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                self._lease.start()
            except LedgerUnavailable as error:
                self._observer.dependency("ledger", False, str(error))
                self._clock.wait(_TRY_AGAIN)
            else:
                return

    def _shut_down(self, source: RecordSource) -> bool:
        """Intake has stopped. Finish, flush, commit, leave; each step with a limit."""
        finished = self.loop.drain(source, self._rules.shutdown)
        self.lanes.close()
        self._settling.stop()
        self._senders.stop(1.0 if finished else 0.0)
        self._resolver.stop(1.0 if finished else 0.0)
        finished = self._tracker.stop(5.0) and finished
        source.close()
        if self._summaries is not None:
            self._summaries.stop()
        self._gates.stop()
        self._housekeeping.stop()
        self._lease.stop()
        if finished:
            # Otherwise the lease runs out by itself, and what is under way stays ours till then.
            try:
                self._ledger.release_all(self._owner)
            except DependencyError as error:
                self._observer.dependency("ledger", False, str(error))
        self._sink.close(2.0)
        self._ways.close()
        for lookup in self._lookups.values():
            lookup.close()
        return finished
