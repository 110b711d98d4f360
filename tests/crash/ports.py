"""The ports of one process: they pass through it, so that it can stand still, and end."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from consumer.domain.errors import BrokerUnavailable
from consumer.domain.record import DeadLetter, Record
from consumer.domain.tracking import TrackingEvent
from consumer.ports import OnAck
from consumer.wire import decode_tracking
from consumer.worker.offsets import TopicPartition
from tests.support.worker_fakes import FakeSource

#: Seconds that a poll without records takes.
_POLL = 0.002


class Passing:
    """A port whose every call passes through `through(port, name, make, args)`."""

    def __init__(self, port: Any, name: str, through: Callable[..., Any]) -> None:
        self._port = port
        self._name = name
        self._through = through

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*args: Any, **named: Any) -> Any:
            make = partial(found, *args, **named)
            return self._through(self._port, f"{self._name}.{name}", make, args)

        return call


class Source(FakeSource):
    """One member's view of the partition; offsets are the group's."""

    def __init__(self, committed: dict[TopicPartition, int]) -> None:
        super().__init__()
        self.committed = committed

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        records = super().poll(timeout_seconds)
        if not records:
            threading.Event().wait(_POLL)
        return records


class Sink:
    """Writes at once, acknowledges when flushed. A broker that is away loses what comes after."""

    def __init__(self, topic: list[TrackingEvent]) -> None:
        self._topic = topic
        self._pending: list[tuple[TrackingEvent, OnAck]] = []
        self.away = False

    @property
    def unacknowledged(self) -> list[TrackingEvent]:
        return [record for record, _ in self._pending]

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
        on_ack: OnAck,
    ) -> None:
        assert topic == "tracked", "nothing here is a dead letter"
        record = decode_tracking(value)
        if not self.away:
            self._topic.append(record)
        self._pending.append((record, on_ack))

    def flush(self, timeout_seconds: float) -> None:
        pending, self._pending = self._pending, []
        for _, on_ack in pending:
            on_ack(BrokerUnavailable("Kafka is away") if self.away else None)

    def close(self, timeout_seconds: float) -> None: ...


class Watching:
    """Hears which dependencies are away."""

    def __init__(self) -> None:
        self.away: set[str] = set()

    def dependency(self, name: str, ok: bool, why: str = "") -> None:
        (self.away.discard if ok else self.away.add)(name)

    def landed(self, landed: object, now: float) -> None: ...
    def transport(self, name: str, ok: bool, why: str) -> None: ...
    def looked_up(self, name: str, ok: bool, why: str) -> None: ...
    def dead_letter(self, letter: DeadLetter) -> None: ...
    def gate(self, name: str, account: str, seconds: float, waiting: int) -> None: ...
    def intake_stopped(self, why: str) -> None: ...
