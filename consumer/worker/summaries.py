"""Summaries whose time has come: each becomes an event on the topic of events, written by one
process, and from there on it goes the way of all events.

A process that dies in between leaves the summary to the next one that looks, under the same id;
an event that is written twice is a duplicate to whoever reads it.
"""

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol

from consumer.domain.errors import BrokerUnavailable, LedgerUnavailable
from consumer.domain.rate_limit import Owed, summary_event
from consumer.ports import Clock, RecordSink
from consumer.worker.outbox import Outbox

#: Seconds between two looks; as much later than asked for a summary may be.
_BETWEEN_LOOKS: Final = 1.0
#: Summaries written in one go.
_MOST: Final = 500
#: Seconds that Kafka may take for them, and after which another process writes them.
_DELIVER_SECONDS: Final = 15.0
_CLAIM_SECONDS: Final = 60.0
#: Seconds after which one that Kafka has, and that nobody read, is written again.
_AGAIN_SECONDS: Final = 3600.0


class OwesSummaries(Protocol):
    """Where it stands which summaries are due. Both raise LedgerUnavailable."""

    def claim_due(self, limit: int, again_after: float, now: float) -> Sequence[Owed]: ...

    def written(self, summary_ids: Collection[str], again_after: float, now: float) -> None: ...


class Summaries:
    """Looks from a thread of its own. Several processes may do so at the same time."""

    def __init__(
        self,
        store: OwesSummaries,
        sink: RecordSink,
        events_topic: str,
        clock: Clock,
        on_written: Callable[[Sequence[Owed]], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._sink = sink
        self._topic = events_topic
        self._clock = clock
        self._on_written = on_written
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="summaries", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float = 1.0) -> None:
        """What is being written is left behind after a while: it is written again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def step(self) -> bool:
        """Write those that are due; whether there may be more. What fails comes up again."""
        try:
            owed = self._store.claim_due(_MOST, _CLAIM_SECONDS, self._clock.now())
            if not owed:
                return False
            outbox = Outbox(self._sink, "", "")
            for each in owed:
                outbox.event(self._topic, summary_event(each, int(self._clock.now() * 1000)))
            outbox.deliver(_DELIVER_SECONDS)
            self._store.written({each.id for each in owed}, _AGAIN_SECONDS, self._clock.now())
        except (LedgerUnavailable, BrokerUnavailable):
            return False
        self._on_written(owed)
        return len(owed) == _MOST

    def _run(self) -> None:
        while not self._stop.wait(_BETWEEN_LOOKS):
            while self.step() and not self._stop.is_set():
                pass
