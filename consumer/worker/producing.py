"""Some records sent together, and all their acknowledgements waited for."""

import threading
from collections.abc import Sequence
from functools import partial

import msgspec

from consumer.domain.errors import BrokerUnavailable, InvalidMessage
from consumer.ports import RecordSink


class Outgoing(msgspec.Struct, frozen=True):
    """A record on its way to Kafka."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    #: What to produce instead where Kafka takes no record of this size.
    smaller: "Outgoing | None" = None


class Round:
    """One try to have some records acknowledged. Acknowledgements come from the client's thread."""

    def __init__(self, batch: Sequence[Outgoing], sink: RecordSink) -> None:
        self._batch = batch
        self._sink = sink
        #: By place in the batch; what is not in here was not answered.
        self._answers: dict[int, Exception | None] = {}
        #: How many answers are waited for; None: it is not known yet.
        self._sent: int | None = None
        self._all_answered = threading.Event()
        #: The first reason why something was not taken.
        self._error: Exception | None = None

    def produce(self, timeout_seconds: float) -> None:
        """Have all of them acknowledged, or raise BrokerUnavailable; `left` says which were not."""
        sent = 0
        for place, out in enumerate(self._batch):
            if self._error is not None:
                # The next call may take the client's whole time-out only to say the same.
                break
            on_ack = partial(self._note, place)
            self._sink.send(out.topic, out.key, out.value, out.headers, on_ack)
            sent += 1
        self._sink.flush(timeout_seconds)
        # In this order: an answer that comes between the two lines is seen by either side.
        self._sent = sent
        in_time = len(self._answers) == sent or self._all_answered.wait(timeout_seconds)
        if self._error is not None or not in_time:
            why = self._error or f"no acknowledgement within {timeout_seconds:.0f} s"
            raise BrokerUnavailable(f"Kafka did not take {len(self.left())} records: {why}")

    def left(self) -> list[Outgoing]:
        """What has to be produced again, smaller where its size was the reason."""
        answers = dict(self._answers)
        if self._error is None and len(answers) == len(self._batch):
            return []
        return [
            out.smaller if isinstance(answers.get(place), InvalidMessage) and out.smaller else out
            for place, out in enumerate(self._batch)
            if place not in answers or answers[place] is not None
        ]

    def _note(self, place: int, error: Exception | None) -> None:
        if error is not None and self._error is None:
            self._error = error
        self._answers[place] = error
        if len(self._answers) == self._sent:
            self._all_answered.set()
