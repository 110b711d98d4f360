"""Another topic: records as they were read, with their keys and headers.

A copy says where it comes from in a header, one for each step of its way. A record whose way led
through the topic already is not copied there again, so that no two taps can feed each other.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from kafka.errors import KafkaError

from consumer.adapters.network import plain
from consumer.domain.errors import DependencyError, InvalidMessage
from consumer.domain.record import Position, Record
from consumer.experiments.seen import Seen
from consumer.experiments.sinks import Say
from consumer.ports import Clock, RecordSink

#: On a copy: topic/partition/offset of the record that it was made of.
WAY_HEADER: Final = "messenger-tapped-from"
#: Records that are on their way to the broker, at most.
_BATCH: Final = 500
_BATCH_BYTES: Final = 4 * 1024 * 1024
#: Looks at whether an acknowledgement has come, each so long (seconds): more than the producer
#: itself waits, and fewer when we are to stop.
_LOOK_SECONDS, _LOOKS, _LAST_LOOKS = 0.25, 160, 20
#: Seconds between two tries.
_PAUSES: Final = (0.5, 1.0, 2.0, 5.0)
_SILENCE: Final = TimeoutError("no acknowledgement")


class Topic:
    """A sink into a topic. Waits for a broker that is away, until `stop` says so."""

    def __init__(
        self,
        sink: RecordSink,
        topic: str,
        *,
        clock: Clock,
        stop: Callable[[], bool],
        say: Say,
    ) -> None:
        self.written = 0
        self.dropped = 0
        self._sink = sink
        self._topic = topic
        self._clock = clock
        self._stop = stop
        self._say = say
        self._last: Position | None = None
        self._waiting: list[Record] = []
        self._bytes = 0

    def put(self, seen: Seen) -> None:
        """Take one event's record; a record with several events is copied once."""
        record = seen.record
        if record.position == self._last:
            self.written += 1
            return
        self._last = record.position
        if self._topic in _way(record):
            self.dropped += 1
            return
        self._waiting.append(record)
        self._bytes += record.size
        if len(self._waiting) >= _BATCH or self._bytes >= _BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Have all acknowledged; what the broker does not take now is tried again, in order."""
        tries = 0
        while self._waiting and (why := self._send()):
            if self._stop():
                self._give_up()
                break
            if not tries:
                self._say(f"topic {self._topic} does not take records: {why}; trying on")
            self._clock.wait(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1
        self._bytes = 0

    def close(self) -> None:
        """One more try, then what is left is dropped; the producer ends."""
        try:
            if self._waiting:
                self._send()
                self._give_up()
        finally:
            self._sink.close(5.0)

    def _give_up(self) -> None:
        self.dropped += len(self._waiting)
        self._waiting = []

    def _send(self) -> str | None:
        """Send what waits; what failed goes on waiting, and the answer is why it did."""
        answers = self._answers(self._waiting)
        again: list[Record] = []
        why = None
        for number, record in enumerate(self._waiting):
            error = answers.get(number, _SILENCE)
            if error is None:
                self.written += 1
            elif isinstance(error, InvalidMessage):
                self.dropped += 1
                self._say(f"topic {self._topic}: {error}; dropped")
            else:
                again.append(record)
                why = why or plain(error)
        self._waiting = again
        return why

    def _answers(self, records: Sequence[Record]) -> dict[int, Exception | None]:
        """What the broker said to each, as far as it said anything in time."""
        answers: dict[int, Exception | None] = {}
        left = threading.Semaphore(0)

        def hear(number: int, error: Exception | None) -> None:
            answers[number] = error
            left.release()

        sent = 0
        for number, record in enumerate(records):
            headers = [*record.headers, (WAY_HEADER, "/".join(map(str, record.position)).encode())]
            on_ack = partial(hear, number)
            self._sink.send(self._topic, record.key, record.value, headers, on_ack)
            sent += 1
            if isinstance(answers.get(number), DependencyError | KafkaError):
                break  # refused at once, perhaps after a long wait: so would be the others
        for _ in range(sent):
            if not self._came(left):
                break
        return answers

    def _came(self, left: threading.Semaphore) -> bool:
        """Wait for one acknowledgement; False: it takes too long."""
        for look in range(_LOOKS):
            if left.acquire(timeout=_LOOK_SECONDS):
                return True
            if look >= _LAST_LOOKS and self._stop():
                break
        return False


def _way(record: Record) -> set[str]:
    """The topics that it was copied from, and the one it was read from."""
    told = (value.decode(errors="replace") for name, value in record.headers if name == WAY_HEADER)
    return {record.topic, *(way.split("/")[0] for way in told)}
