"""Where a replay's records come from: read ahead, looked at, handed out a few at a time.

A production process waits for the alarms that a replay holds. So no more goes into the lanes than
is sent within a moment, however much was asked for.
"""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Event
from typing import Protocol

from consumer.domain.errors import LedgerUnavailable
from consumer.domain.record import Record
from consumer.experiments.replay_selecting import Selector
from consumer.ports import Clock

Partition = tuple[str, int]


class Reader(Protocol):
    """Records of a span, in order; `done` when all were handed out."""

    @property
    def done(self) -> bool: ...
    def poll(self, seconds: float, limit: int) -> Sequence[Record]: ...


class ReplaySource:
    """`ports.RecordSource` for a replay: has no group, and stops when all is done."""

    def __init__(
        self,
        reader: Reader,
        selector: Selector,
        *,
        ends: Mapping[Partition, int],
        commit: Callable[[Mapping[Partition, int]], None],
        stop: Event,
        clock: Clock,
        at_once: int,
        on_ledger: Callable[[bool, str], None],
        batch: int = 500,
    ) -> None:
        """`at_once`: events that go, at the most, for one poll. `stop` is set at the end."""
        self._reader = reader
        self._selector = selector
        self._ends = ends
        self._commit = commit
        self._stop = stop
        self._clock = clock
        self._at_once = at_once
        self._on_ledger = on_ledger
        self._batch = batch
        #: Read, and not yet looked at.
        self._unseen: Sequence[Record] = ()
        #: Looked at, each with the number of its events that go.
        self._seen: deque[tuple[Record, int]] = deque()
        self._handed: dict[Partition, int] = {}
        self._committed: dict[Partition, int] = {}
        self._held: Collection[Partition] | None = ()
        self.finished = False

    def poll(self, timeout_seconds: float) -> Sequence[Record]:
        """The next records; sets `stop` when there will be none, and all are done."""
        if self._held is None:
            self._clock.wait(timeout_seconds)
            return []
        if not self._seen and not self._look(timeout_seconds):
            self._clock.wait(timeout_seconds)
        records = self._slice()
        for record in records:
            self._handed[(record.topic, record.partition)] = record.offset + 1
        if not records:
            self._end()
        return records

    def commit(self, offsets: Mapping[Partition, int]) -> bool:
        if offsets:
            self._commit(offsets)
            self._committed |= offsets
        return True

    def hold(self, partitions: Collection[Partition] | None) -> None:
        """None: hand out nothing. One partition that is full holds all back: order is theirs."""
        self._held = None if partitions else partitions

    def close(self) -> None:
        """The reader is closed by whoever opened it."""

    def _look(self, timeout_seconds: float) -> bool:
        """False: nobody has waited yet, and there is nothing: all is read, or the ledger is away,
        and the records are kept until it is back."""
        if not self._unseen:
            if self._reader.done:
                return False
            self._unseen = self._reader.poll(timeout_seconds, self._batch)
        if self._unseen:
            try:
                goes = self._selector.look(self._unseen)
            except LedgerUnavailable as error:
                self._on_ledger(False, str(error))
                return False
            self._on_ledger(True, "")
            self._seen.extend(zip(self._unseen, goes, strict=True))
            self._unseen = ()
        return True

    def _slice(self) -> list[Record]:
        """As many records as have no more than so many events that go; one at least."""
        records: list[Record] = []
        left = self._at_once
        while self._seen and (not records or self._seen[0][1] <= left):
            record, goes = self._seen.popleft()
            left -= goes
            records.append(record)
        return records

    def _end(self) -> None:
        """Everything was handed out and is done."""
        if self._unseen or self._seen or not self._reader.done:
            return
        if all(self._committed.get(p, 0) >= offset for p, offset in self._handed.items()):
            # Behind the last record there may be markers, and what compaction took.
            self._commit(self._ends)
            self.finished = True
            self._stop.set()
