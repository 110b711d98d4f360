"""What goes out to Kafka: tracking records and dead letters, kept until they are acknowledged."""

from collections import deque
from collections.abc import Callable

from consumer import wire
from consumer.domain.alarm import AlarmEvent
from consumer.domain.record import DeadLetter
from consumer.domain.tracking import TrackingEvent
from consumer.ports import RecordSink
from consumer.worker.producing import Outgoing, Round


class Outbox:
    """Filled and delivered by the tracker's thread; acknowledgements come from the client's."""

    def __init__(
        self,
        sink: RecordSink,
        tracking_topic: str,
        dead_letter_topic: str,
        on_dead_letter: Callable[[DeadLetter], None] = lambda _: None,
    ) -> None:
        """`on_dead_letter` is told of each that Kafka has."""
        self._sink = sink
        self._tracking_topic = tracking_topic
        self._dead_letter_topic = dead_letter_topic
        self._on_dead_letter = on_dead_letter
        self._unacknowledged: deque[Outgoing] = deque()
        #: Those among the unacknowledged.
        self._letters: list[DeadLetter] = []

    def track(self, record: TrackingEvent, atom: str | None) -> None:
        """Keyed by the atom, as events are; without a key where the event could not be read."""
        key = None if atom is None else atom.encode()
        self._unacknowledged.append(
            Outgoing(self._tracking_topic, key, wire.encode_tracking(record))
        )

    def event(self, topic: str, event: AlarmEvent) -> None:
        """Onto a topic of events, keyed as all of them are."""
        self._unacknowledged.append(Outgoing(topic, event.atom.encode(), wire.encode_event(event)))

    def dead_letter(self, letter: DeadLetter) -> None:
        """As read; without its key and value where it is too large, the headers say where it is."""
        topic, record = self._dead_letter_topic, letter.record
        headers = tuple(wire.dead_letter_headers(letter))
        ours = tuple(header for header in headers if header[0] in wire.OWN_HEADERS)
        self._unacknowledged.append(
            Outgoing(topic, record.key, record.value, headers, Outgoing(topic, None, b"", ours))
        )
        self._letters.append(letter)

    def deliver(self, timeout_seconds: float = 30.0) -> None:
        """Produce everything and wait; raises BrokerUnavailable and keeps what was not taken."""
        round_ = Round(list(self._unacknowledged), self._sink)
        try:
            round_.produce(timeout_seconds)
        finally:
            # What failed is produced again: its id is the same, readers fold it.
            self._unacknowledged = deque(round_.left())
        written, self._letters = self._letters, []
        for letter in written:
            self._on_dead_letter(letter)
