"""The group's member with a client by hand, and the worker that it tells."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.kafka.gaps import TopicPartition, Verdict
from consumer.adapters.kafka.source import KafkaSource
from consumer.adapters.kafka.watchdog import Remedy
from tests.support.clock import ManualClock
from tests.unit.adapters.kafka.fakes import FakeConsumer, P, Q

PLAIN_P, PLAIN_Q = ("alarm-events", 0), ("alarm-events", 1)
REVOKE_LIMIT, STALL, SESSION = 10.0, 30.0, 10.0


class Worker:
    """The worker's side of an assignment, and the observer, in one log."""

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []
        self.work_left = 0
        self.offsets: dict[TopicPartition, int] = {}
        self.lags: dict[TopicPartition, int] = {}
        #: What was told of the place in the group, without repetitions.
        self.places: list[tuple[bool, str]] = []
        #: How often it was told that a broker has answered.
        self.answers = 0

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        self.log.append(("assigned", *partitions))

    def revoking(self, partitions: Collection[TopicPartition]) -> None:
        self.log.append(("revoking", *partitions))

    def quiet(self, partitions: Collection[TopicPartition]) -> bool:
        self.work_left -= 1
        return self.work_left < 0

    def revoked(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        self.log.append(("revoked", *partitions))
        return {p: o for p, o in self.offsets.items() if p in partitions}

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        self.log.append(("lost", *partitions))

    def answered(self) -> None:
        self.answers += 1

    def joined(self, ok: bool, why: str) -> None:
        if (ok, why) not in self.places[-1:]:
            self.places.append((ok, why))

    def rebalanced(self, what: str, partitions: Collection[TopicPartition]) -> None:
        self.log.append(("told", what, *partitions))

    def gap(self, partition: TopicPartition, verdict: Verdict, missing: int) -> None:
        self.log.append(("gap", partition, verdict, missing))

    def stalled(self, partition: TopicPartition, remedy: Remedy, position: int) -> None:
        self.log.append(("stalled", partition, remedy, position))

    def lag(self, lags: Mapping[TopicPartition, int]) -> None:
        self.lags = dict(lags)

    def of(self, *names: str) -> list[tuple[Any, ...]]:
        return [entry for entry in self.log if entry[0] in names]


class Rig:
    """The source and the clients that it made; a test polls it and moves the clock."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.worker = Worker()
        self.consumers: list[FakeConsumer] = []
        self.open_error: Exception | None = None
        self.source = KafkaSource(
            KafkaSettings(
                bootstrap_servers="kafka:9092",
                sasl_password="hush-hush",
                session_timeout_seconds=SESSION,
            ),
            ["alarm-events"],
            assignment=self.worker,
            observer=self.worker,
            clock=self.clock,
            revoke_limit_seconds=REVOKE_LIMIT,
            stall_seconds=STALL,
            make_consumer=self._make,
            probe=lambda _: None,
        )

    def _make(self, **config: Any) -> FakeConsumer:
        if self.open_error is not None:
            raise self.open_error
        self.consumers.append(FakeConsumer(**config))
        return self.consumers[-1]

    @property
    def client(self) -> FakeConsumer:
        return self.consumers[-1]

    def poll(self, after: float = 0.0) -> list[tuple[int, int]]:
        self.clock.advance(after)
        return [(r.partition, r.offset) for r in self.source.poll(0.1)]

    def begin(self, **logs: Iterable[int]) -> FakeConsumer:
        """Joined, with partition P (and Q)."""
        self.poll()
        self.client.logs |= {{"p": P, "q": Q}[name]: list(log) for name, log in logs.items()}
        self.client.assign_now([{"p": P, "q": Q}[name] for name in logs])
        return self.client
