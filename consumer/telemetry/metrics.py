"""Every metric: name, help, labels. All label values exist from the start: rates begin at 0."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from consumer.domain.reasons import Kind, Reason

STAGES: Final = ("receive", "lock", "lookup", "plan", "create_email", "deliver", "track")
STAGE_OUTCOMES: Final = ("passed", "ended", "held", "failed")
LEDGER_OPERATIONS: Final = (
    "heartbeat",
    "claim",
    "mark_sending",
    "settle",
    "close_events",
    "release",
    "prune",
    "gates",
)
TRANSPORTS: Final = ("mailgun", "smtp")
TRANSPORT_OUTCOMES: Final = (Kind.ACCEPTED, Kind.DEFERRED, Kind.FAILED, Kind.IN_DOUBT)
DEPENDENCIES: Final = (
    "kafka",
    "kafka_producer",
    "ledger",
    "catalog",
    "mailgun",
    "smtp",
    "mailgun_lookup",
    "mailgun_events",
    "intake",
)
LOOKUP_OUTCOMES: Final = ("found", "not_found", "unanswered")
#: Seconds; from one row in a local file to a provider's time-out.
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """All metrics of one process, on a registry of its own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._stages()
        self._outcomes()
        self._dependencies()
        self._flow()

    def _stages(self) -> None:
        self.stage_items = self._counter(
            "messenger_stage_items",
            "Items a stage was given, by what came of them.",
            stage=STAGES,
            outcome=STAGE_OUTCOMES,
        )
        self.stage_seconds = self._histogram(
            "messenger_stage_seconds", "Seconds a stage took for one batch.", stage=STAGES
        )
        # The labels are few and known: a child is looked up once, not with each item.
        self._items_of = cache(self.stage_items.labels)
        self._seconds_of = cache(self.stage_seconds.labels)
        self.alarms_left_out = Counter(
            "messenger_alarms_left_out",
            "Alarms that senders knew of and did not put into their messages.",
            registry=self.registry,
        )

    def _outcomes(self) -> None:
        self.tracked = self._counter(
            "messenger_tracking_records", "Tracking records by kind.", kind=tuple(Kind)
        )
        self.reasons = self._counter(
            "messenger_tracking_reasons",
            "Tracking records by reason.",
            reason=tuple(Reason),
        )
        self.dead_letters = Counter(
            "messenger_dead_letters",
            "Records written to the dead-letter topic.",
            registry=self.registry,
        )
        self.acceptance_seconds = self._histogram(
            "messenger_event_to_acceptance_seconds",
            "Seconds from the record's timestamp to the provider's acceptance.",
        )
        self.template_errors = Counter(
            "messenger_template_errors",
            "Emails made from the built-in template because the account's own failed.",
            registry=self.registry,
        )

    def _dependencies(self) -> None:
        self.transport_calls = self._counter(
            "messenger_transport_calls",
            "Calls to a provider, by outcome.",
            transport=TRANSPORTS,
            outcome=TRANSPORT_OUTCOMES,
        )
        self.transport_seconds = self._histogram(
            "messenger_transport_seconds",
            "Seconds of one call to a provider.",
            transport=TRANSPORTS,
        )
        self._calls_of = cache(self.transport_calls.labels)
        self._call_seconds_of = cache(self.transport_seconds.labels)
        self.lookups = self._counter(
            "messenger_doubt_lookups",
            "Lookups of sends in doubt, by what came of them.",
            outcome=LOOKUP_OUTCOMES,
        )
        self.breaker_open = Gauge(
            "messenger_breaker_open",
            "1: the transport failed again and again and is left alone but for probes.",
            ["transport"],
            registry=self.registry,
        )
        for transport in TRANSPORTS:
            self.breaker_open.labels(transport).set(0)
        self.ledger_seconds = self._histogram(
            "messenger_ledger_seconds",
            "Seconds of one ledger transaction.",
            operation=LEDGER_OPERATIONS,
        )
        self.catalog_seconds = self._histogram(
            "messenger_catalog_seconds", "Seconds of one batch of lookups."
        )
        self.dependency_up = Gauge(
            "messenger_dependency_up",
            "1: the dependency answered last time it was asked.",
            ["dependency"],
            registry=self.registry,
        )
        for dependency in DEPENDENCIES:
            self.dependency_up.labels(dependency).set(1)

    def _flow(self) -> None:
        self.waiting = Gauge(
            "messenger_events_waiting", "Events in lanes or parked.", registry=self.registry
        )
        self.waiting_bytes = Gauge(
            "messenger_bytes_waiting", "Bytes of what was read and waits.", registry=self.registry
        )
        self.parked = Gauge(
            "messenger_events_parked",
            "Events waiting for a lock or a lookup.",
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "messenger_sends_in_flight", "Sends under way.", registry=self.registry
        )
        self.in_doubt = Gauge(
            "messenger_sends_in_doubt",
            "Sends whose answer was lost and that wait to be looked up.",
            registry=self.registry,
        )
        self.paused = Gauge(
            "messenger_paused",
            "1: partitions are paused because enough waits.",
            registry=self.registry,
        )
        self.lag = Gauge(
            "messenger_consumer_lag",
            "Records between our position and the end.",
            ["topic", "partition"],
            registry=self.registry,
        )
        self.rebalances = self._counter(
            "messenger_rebalances",
            "Partitions assigned, revoked and lost.",
            what=("assigned", "revoked", "lost"),
        )
        self.gaps = self._counter(
            "messenger_offset_gaps",
            "Jumps in a partition's offsets after reading them again.",
            verdict=("believed", "healed"),
        )
        self.stalls = self._counter(
            "messenger_stalls",
            "Partitions that stood still while their end moved, by remedy.",
            remedy=("seek", "rejoin"),
        )

    @contextmanager
    def timed_stage(self, stage: str) -> Iterator[None]:
        """Time one batch through one stage."""
        started = perf_counter()
        try:
            yield
        finally:
            self._seconds_of(stage).observe(perf_counter() - started)

    def count_stage(self, stage: str, **outcomes: int) -> None:
        """Count what a stage did: `count_stage("lock", passed=3, ended=1)`."""
        for outcome, number in outcomes.items():
            if number:
                self._items_of(stage, outcome).inc(number)

    def count_call(self, transport: str, outcome: Kind, seconds: float) -> None:
        """Count one call that sent something, and what it took."""
        self._calls_of(transport, outcome).inc()
        self._call_seconds_of(transport).observe(seconds)

    def _counter(self, name: str, text: str, **labels: tuple[str, ...]) -> Counter:
        counter = Counter(name, text, list(labels), registry=self.registry)
        for combination in _product(tuple(labels.values())):
            counter.labels(*combination)
        return counter

    def _histogram(self, name: str, text: str, **labels: tuple[str, ...]) -> Histogram:
        histogram = Histogram(name, text, list(labels), registry=self.registry, buckets=_BUCKETS)
        for combination in _product(tuple(labels.values())):
            if combination:
                histogram.labels(*combination)
        return histogram


def _product(values: tuple[tuple[str, ...], ...]) -> list[tuple[str, ...]]:
    combinations: list[tuple[str, ...]] = [()]
    for column in values:
        combinations = [(*head, value) for head in combinations for value in column]
    return combinations
