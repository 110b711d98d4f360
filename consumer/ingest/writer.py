"""Events to Kafka: what `write` has returned of is acknowledged by all in-sync replicas."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from consumer import wire
from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import BrokerUnavailable, InvalidMessage
from consumer.ports import OnAck, RecordSink

#: Seconds for Kafka to acknowledge. A sender waits longer than this: Alertmanager at least 10 s.
_PATIENCE: Final = 8.0
UNHEARD: Final = "Kafka was not heard of yet"


class Entry(msgspec.Struct, frozen=True):
    """A record on its way to the topic."""

    key: bytes | None
    value: bytes


def entry_of(event: AlarmEvent, now_ms: int) -> Entry:
    """The event in our own format, keyed by its atom. It was written to the stream now
    (milliseconds), unless its producer says when."""
    if event.produced_at is None:
        event = msgspec.structs.replace(event, produced_at=now_ms)
    return Entry(event.atom.encode(), wire.encode_event(event))


class Writer:
    """Safe for many threads. While Kafka is away nothing is tried, until `back` is called: each
    try would hold a thread for seconds."""

    def __init__(
        self,
        sink: RecordSink,
        topic: str,
        *,
        on_state: Callable[[bool, str], None] = lambda _ok, _why: None,
        patience_seconds: float = _PATIENCE,
    ) -> None:
        self._sink = sink
        self._topic = topic
        self._on_state = on_state
        self._patience = patience_seconds
        #: The client opens its connection with the first record, and not twice.
        self._sending = threading.Lock()
        #: Why Kafka is away; None: it is there.
        self._away: str | None = UNHEARD

    @property
    def is_away(self) -> bool:
        return self._away is not None

    def away(self, why: str) -> None:
        """Kafka does not answer."""
        self._away = why
        self._on_state(False, why)

    def back(self) -> None:
        """Kafka answers."""
        self._away = None
        self._on_state(True, "")

    def write(self, entries: Sequence[Entry]) -> Sequence[InvalidMessage | None]:
        """Have all of them acknowledged; for each, None or why Kafka will never take it.

        Raises BrokerUnavailable; some may be on the topic then, or come there yet, and the same
        events again are duplicates of them.
        """
        acks = _Acks(len(entries))
        with self._sending:
            for place, entry in enumerate(entries):
                self._ensure_there()
                if acks.failed is not None:
                    break
                self._sink.send(self._topic, entry.key, entry.value, (), acks.noting(place))
        failed = acks.wait(self._patience)
        if failed is not None:
            self.away(failed)
            raise BrokerUnavailable(failed)
        return acks.refused()

    def close(self, timeout_seconds: float) -> None:
        self._sink.close(timeout_seconds)

    def _ensure_there(self) -> None:
        if self._away is not None:
            raise BrokerUnavailable(self._away)


class _Acks:
    """What became of some records; told by the client's thread."""

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        self._answers: list[InvalidMessage | None] = [None] * count
        self._left = count
        #: All are answered, or one has failed.
        self._settled = threading.Event()
        if not count:
            self._settled.set()
        #: The first reason why one was not taken that could be taken later.
        self.failed: str | None = None

    def noting(self, place: int) -> OnAck:
        def note(error: Exception | None) -> None:
            with self._lock:
                self._left -= 1
                if isinstance(error, InvalidMessage):
                    self._answers[place] = error
                elif error is not None:
                    self.failed = self.failed or f"Kafka did not take it: {error}"
                if self.failed is not None or not self._left:
                    self._settled.set()

        return note

    def wait(self, timeout_seconds: float) -> str | None:
        """Why not all are answered for good; None: they are."""
        if not self._settled.wait(timeout_seconds):
            return f"no acknowledgement from Kafka within {timeout_seconds:.0f} s"
        return self.failed

    def refused(self) -> Sequence[InvalidMessage | None]:
        return self._answers
