"""What goes out to Kafka: tracking records and dead letters, kept until they are acknowledged."""

import threading
from collections import deque
from collections.abc import Sequence

import msgspec

from consumer import wire
from consumer.domain.errors import BrokerUnavailable, InvalidMessage
from consumer.domain.record import DeadLetter
from consumer.domain.tracking import TrackingEvent
from consumer.ports import OnAck, RecordSink


class _Outgoing(msgspec.Struct, frozen=True):
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    #: What to produce instead where Kafka takes no record of this size.
    smaller: "_Outgoing | None" = None


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
        """As read; without its key and value where it is too large, the headers say where it is."""
        topic, record = self._dead_letter_topic, letter.record
        headers = tuple(wire.dead_letter_headers(letter))
        ours = tuple(header for header in headers if header[0] in wire.DEAD_LETTER_HEADERS)
        self._unacknowledged.append(
            _Outgoing(topic, record.key, record.value, headers, _Outgoing(topic, None, b"", ours))
        )

    def deliver(self, timeout_seconds: float = 30.0) -> None:
        """Produce everything and wait; raises BrokerUnavailable and keeps what was not taken."""
        round_ = _Round(list(self._unacknowledged), self._sink)
        try:
            round_.produce(timeout_seconds)
        finally:
            # What failed is produced again: its id is the same, readers fold it.
            self._unacknowledged = deque(round_.left())


class _Round:
    """One try to have some records acknowledged."""

    def __init__(self, batch: Sequence[_Outgoing], sink: RecordSink) -> None:
        self._batch = batch
        self._sink = sink
        self._answered = threading.Semaphore(0)
        #: By place in the batch; what is not in here was not answered.
        self._answers: dict[int, Exception | None] = {}
        #: The first reason why something was not taken.
        self._error: Exception | None = None

    def produce(self, timeout_seconds: float) -> None:
        sent = 0
        for place, out in enumerate(self._batch):
            if self._error is not None:
                # The next call may take the client's whole time-out only to say the same.
                break
            self._sink.send(out.topic, out.key, out.value, out.headers, self._noting(place))
            sent += 1
        self._sink.flush(timeout_seconds)
        in_time = all(self._answered.acquire(timeout=timeout_seconds) for _ in range(sent))
        if self._error is not None or not in_time:
            why = self._error or f"no acknowledgement within {timeout_seconds:.0f} s"
            raise BrokerUnavailable(f"Kafka did not take {len(self.left())} records: {why}")

    def left(self) -> list[_Outgoing]:
        """What has to be produced again, smaller where its size was the reason."""
        answers = dict(self._answers)
        return [
            out.smaller if isinstance(answers.get(place), InvalidMessage) and out.smaller else out
            for place, out in enumerate(self._batch)
            if place not in answers or answers[place] is not None
        ]

    def _noting(self, place: int) -> OnAck:
        def note(error: Exception | None) -> None:
            self._answers[place] = error
            self._error = self._error or error
            self._answered.release()

        return note
