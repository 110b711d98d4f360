"""What goes out to Kafka: tracking records and dead letters, kept until they are acknowledged."""

import threading
from collections import deque

import msgspec

from consumer import wire
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.record import DeadLetter
from consumer.domain.tracking import TrackingEvent
from consumer.ports import RecordSink


class _Outgoing(msgspec.Struct, frozen=True):
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Outbox:
    """Filled and delivered by the tracker's thread; acknowledgements come from the client's."""

    def __init__(self, sink: RecordSink, tracking_topic: str, dead_letter_topic: str) -> None:
        self._sink = sink
        self._tracking_topic = tracking_topic
        self._dead_letter_topic = dead_letter_topic
        self._unacknowledged: deque[_Outgoing] = deque()

    def track(self, record: TrackingEvent, atom: str | None) -> None:
        """Keyed by the atom, as events are; without a key where the event could not be read."""
        key = None if atom is None else atom.encode()
        self._unacknowledged.append(
            _Outgoing(self._tracking_topic, key, wire.encode_tracking(record))
        )

    def dead_letter(self, letter: DeadLetter) -> None:
        record = letter.record
        self._unacknowledged.append(
            _Outgoing(
                self._dead_letter_topic,
                record.key,
                record.value,
                tuple(wire.dead_letter_headers(letter)),
            )
        )

    def deliver(self, timeout_seconds: float = 30.0) -> None:
        """Produce everything and wait; raises BrokerUnavailable and keeps what was not taken."""
        batch = list(self._unacknowledged)
        acknowledged = [False] * len(batch)
        left = threading.Semaphore(0)
        errors: list[Exception] = []

        def take_note(place: int, error: Exception | None) -> None:
            if error is None:
                acknowledged[place] = True
            else:
                errors.append(error)
            left.release()

        for place, out in enumerate(batch):
            self._sink.send(
                out.topic,
                out.key,
                out.value,
                out.headers,
                lambda error, place=place: take_note(place, error),  # type: ignore[misc]  # mypy cannot infer a default bound in a loop
            )
        self._sink.flush(timeout_seconds)
        in_time = all(left.acquire(timeout=timeout_seconds) for _ in batch)
        # What failed is produced again: its id is the same, readers fold it.
        self._unacknowledged = deque(
            out for place, out in enumerate(batch) if not acknowledged[place]
        )
        if errors or not in_time:
            why = errors[0] if errors else f"no acknowledgement within {timeout_seconds:.0f} s"
            raise BrokerUnavailable(
                f"Kafka did not take {len(self._unacknowledged)} records: {why}"
            )
