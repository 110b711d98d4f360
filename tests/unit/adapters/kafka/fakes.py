"""kafka-python's consumer and producer as far as the adapter uses them, one loop turn at a time."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any

from kafka.consumer.fetcher import ConsumerRecord
from kafka.structs import (
    ConsumerGroupMetadata,
    MemberState,
    OffsetAndMetadata,
    TopicPartition,
)

P, Q = TopicPartition("alarm-events", 0), TopicPartition("alarm-events", 1)


def raw(partition: TopicPartition, offset: int, **changes: Any) -> Any:
    """A record as the client gives it."""
    values = dict.fromkeys(ConsumerRecord._fields) | {
        "topic": partition.topic,
        "partition": partition.partition,
        "offset": offset,
        "timestamp": 1000,
        "key": b"k",
        "value": b"v",
        "headers": [],
    }
    return ConsumerRecord(**(values | changes))


class Sleeps:
    """What `await sleep()` gives to the loop; each one lets a piece of time go by."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then

    def sleep(self, seconds: float) -> "Sleeps":
        return self

    def __await__(self) -> Any:
        self._then()
        yield


def run(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Drive a listener's coroutine to its end, as the client's loop does."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        return


class FakeConsumer:
    """A log per partition. `silent` partitions hand out nothing, `skip` jumps ahead once."""

    def __init__(self, **config: Any) -> None:
        self.config = config
        self.listener: Any = None
        self.logs: dict[TopicPartition, list[int]] = {}
        self.positions: dict[TopicPartition, int] = {}
        self.paused_: set[TopicPartition] = set()
        self.silent: set[TopicPartition] = set()
        self.skip: dict[TopicPartition, int] = {}
        self.committed: list[dict[TopicPartition, OffsetAndMetadata]] = []
        self.seeks: list[tuple[TopicPartition, int]] = []
        self.closed = False
        self.state = MemberState.REBALANCING
        #: Errors by the name of the call that raises them.
        self.errors: dict[str, Exception] = {}
        #: Records of one poll; the first partition's come first.
        self.most = 1_000_000
        #: Called inside `poll`, as the client calls the listener.
        self.on_poll: Callable[[], None] = lambda: None
        #: Called when the loop sleeps.
        self.on_sleep: Callable[[], None] = lambda: None
        self._net = Sleeps(lambda: self.on_sleep())

    def _fail(self, call: str) -> None:
        if call in self.errors:
            raise self.errors[call]

    def subscribe(self, topics: Sequence[str], listener: Any) -> None:
        self._fail("subscribe")
        self.listener = listener

    def assign_now(self, partitions: Collection[TopicPartition], at: int = 0) -> None:
        for partition in partitions:
            self.logs.setdefault(partition, [])
            self.positions[partition] = at
        self.state = MemberState.STABLE
        run(self.listener.on_partitions_assigned(set(partitions)))

    def revoke_now(self, partitions: Collection[TopicPartition]) -> None:
        for partition in partitions:
            self.positions.pop(partition, None)
            self.paused_.discard(partition)
        run(self.listener.on_partitions_revoked(set(partitions)))

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        self._fail("poll")
        self.on_poll()
        batches = {}
        room = self.most
        for partition in sorted(self.assignment() - self.paused_ - self.silent):
            position = self.positions[partition]
            there = [o for o in self.logs[partition] if o >= position]
            there = there[self.skip.pop(partition, 0) :][:room]
            if there:
                room -= len(there)
                self.positions[partition] = there[-1] + 1
                batches[partition] = [raw(partition, offset) for offset in there]
        return batches

    def group_metadata(self) -> ConsumerGroupMetadata:
        return ConsumerGroupMetadata("messenger", state=self.state)

    def assignment(self) -> set[TopicPartition]:
        return set(self.positions)

    def position(self, partition: TopicPartition, timeout_ms: int) -> int | None:
        self._fail("position")
        return self.positions[partition]

    def end_offsets(
        self, partitions: Collection[TopicPartition], timeout_ms: int
    ) -> dict[TopicPartition, int]:
        self._fail("end_offsets")
        return {p: max(self.logs.get(p, ()), default=-1) + 1 for p in partitions}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        if partition not in self.positions:
            raise ValueError("Unassigned partition")
        self.seeks.append((partition, offset))
        self.positions[partition] = offset

    def pause(self, *partitions: TopicPartition) -> None:
        assert set(partitions) <= self.assignment()
        self.paused_ |= set(partitions)

    def paused(self) -> set[TopicPartition]:
        return set(self.paused_)

    def resume(self, *partitions: TopicPartition) -> None:
        self.paused_ -= set(partitions)

    def commit(self, offsets: Mapping[Any, Any], timeout_ms: int) -> None:
        self._fail("commit")
        self.committed.append(dict(offsets))

    async def commit_async(self, offsets: Mapping[Any, Any]) -> None:
        self._fail("commit_async")
        self.committed.append(dict(offsets))

    def close(self, autocommit: bool, timeout_ms: int) -> None:
        assert autocommit is False
        self.closed = True
        if self.positions:
            self.revoke_now(self.assignment())
        self._fail("close")


class FakeFuture:
    """The client's future, done at once."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def add_callback(self, f: Callable[[Any], None]) -> None:
        if self._error is None:
            f(object())

    def add_errback(self, f: Callable[[Exception], None]) -> None:
        if self._error is not None:
            f(self._error)


class FakeProducer:
    """Refuses a record without key and value, as the client does; `acks` and `raises` come next."""

    def __init__(self, **config: Any) -> None:
        self.config = config
        self.sent: list[tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]]] = []
        self.acks: list[Exception | None] = []
        self.raises: list[Exception] = []
        self.closed: list[float] = []
        self.flush_error: Exception | None = None

    def send(self, topic: str, key: Any, value: Any, headers: Any) -> FakeFuture:
        if value is None and key is None:
            raise ValueError("Need at least one: key or value")
        if self.raises:
            raise self.raises.pop(0)
        error = self.acks.pop(0) if self.acks else None
        if error is None:
            self.sent.append((topic, key, value, headers))
        return FakeFuture(error)

    def flush(self, timeout: float) -> None:
        if self.flush_error is not None:
            raise self.flush_error

    def close(self, timeout: float) -> None:
        self.closed.append(timeout)
