"""Who is told by the group's member: the worker, and those who only want to know."""

from collections.abc import Collection, Mapping
from typing import Protocol

from consumer.adapters.kafka.gaps import TopicPartition, Verdict
from consumer.adapters.kafka.watchdog import Remedy


class Assignment(Protocol):
    """What the worker does when partitions come and go. None of these may block."""

    def assigned(self, partitions: Collection[TopicPartition]) -> None: ...

    def revoking(self, partitions: Collection[TopicPartition]) -> None:
        """Stop beginning work of these partitions."""

    def quiet(self, partitions: Collection[TopicPartition]) -> bool:
        """Whether nothing of them is under way any more."""

    def revoked(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """They are gone after this; returns the last offsets to commit."""

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        """They are somebody else's already: forget them without a commit."""


class Observer(Protocol):
    """Who wants to know (metrics, logs and health)."""

    def answered(self) -> None:
        """A broker has just answered a question of ours: Kafka is there."""

    def joined(self, ok: bool, why: str) -> None:
        """The member has its place in the group, told at each poll; or waits too long for it."""

    def rebalanced(self, what: str, partitions: Collection[TopicPartition]) -> None: ...
    def gap(self, partition: TopicPartition, verdict: Verdict, missing: int) -> None: ...
    def stalled(self, partition: TopicPartition, remedy: Remedy, position: int) -> None: ...
    def lag(self, lags: Mapping[TopicPartition, int]) -> None: ...
