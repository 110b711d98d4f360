"""Which offset may be committed: the one below which every record is done.

An assignment of a partition has an object of its own. When the partition is revoked the object
is dropped, and what finishes later marks nothing: the next owner reads those records again.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping

TopicPartition = tuple[str, int]


class PartitionOffsets:
    """One assignment of one partition. Offsets are begun in rising order, done in any order."""

    def __init__(self, before: "PartitionOffsets | None" = None) -> None:
        self._lock = threading.Lock()
        #: What was begun before the client went back, until it is done too.
        self._before = before
        #: Begun and not done, in rising order, each with its bytes. What is done costs nothing,
        #: however far it is above a record that waits.
        self._undone: OrderedDict[int, int] = OrderedDict()
        self._open_bytes = 0
        self._position: int | None = None
        self._committed: int | None = None

    def begin(self, offset: int, parts: int = 1, size: int = 0) -> "Ticket":
        """A record of `size` bytes was read; it is done once `parts` of it are."""
        with self._lock:
            self._undone[offset] = size
            self._open_bytes += size
            self._position = offset + 1
        return Ticket(self, offset, parts)

    def done(self, offset: int) -> None:
        with self._lock:
            self._open_bytes -= self._undone.pop(offset)

    def is_past(self, offset: int) -> bool:
        """Whether the offset, or a later one, was begun already."""
        with self._lock:
            return self._position is not None and offset < self._position

    def committable(self) -> int | None:
        """The offset to read from after a crash; None when the broker knows it already."""
        with self._lock:
            low = next(iter(self._undone), self._position)
            if low is not None and self._before is not None:
                undone = self._before.lowest_undone()
                low = low if undone is None else min(low, undone)
            return None if low == self._committed else low

    def lowest_undone(self) -> int | None:
        """The first record that was begun and is not done."""
        with self._lock:
            before = None if self._before is None else self._before.lowest_undone()
            own = next(iter(self._undone), None)
            undone = [offset for offset in (before, own) if offset is not None]
            return min(undone, default=None)

    def committed(self, offset: int) -> None:
        with self._lock:
            self._committed = offset

    @property
    def open(self) -> int:
        """Records begun and not done, those above a gap included."""
        with self._lock:
            before = 0 if self._before is None else self._before.open
            return before + len(self._undone)

    @property
    def open_bytes(self) -> int:
        """Their bytes."""
        with self._lock:
            before = 0 if self._before is None else self._before.open_bytes
            return before + self._open_bytes


class Ticket:
    """A record's claim on its offset: `done` is called once per event in it."""

    __slots__ = ("_left", "_lock", "_offset", "_offsets")

    def __init__(self, offsets: PartitionOffsets, offset: int, parts: int) -> None:
        self._offsets = offsets
        self._offset = offset
        self._left = max(parts, 1)
        self._lock = threading.Lock()

    def done(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left:
                return
        self._offsets.done(self._offset)


class Offsets:
    """The offsets of all partitions assigned to this process."""

    def __init__(self) -> None:
        self._partitions: dict[TopicPartition, PartitionOffsets] = {}

    def begin(
        self, partition: TopicPartition, offset: int, parts: int = 1, size: int = 0
    ) -> Ticket:
        offsets = self._partitions.get(partition)
        if offsets is None:
            offsets = self._partitions[partition] = PartitionOffsets()
        elif offsets.is_past(offset):
            # Read again from an earlier place (a log that was cut, a client that went back): what
            # was read before is no longer counted as done, but nothing undone of it is passed.
            undone = offsets.lowest_undone() is not None
            offsets = PartitionOffsets(offsets if undone else None)
            self._partitions[partition] = offsets
        return offsets.begin(offset, parts, size)

    def forget(self, partitions: Collection[TopicPartition]) -> None:
        """The partitions are somebody else's now."""
        for partition in partitions:
            self._partitions.pop(partition, None)

    def committable(
        self, only: Collection[TopicPartition] | None = None
    ) -> dict[TopicPartition, int]:
        """What is worth a commit, of all partitions or `only` some."""
        return {
            partition: offset
            for partition, offsets in self._partitions.items()
            if (only is None or partition in only) and (offset := offsets.committable()) is not None
        }

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        for partition, offset in offsets.items():
            if partition in self._partitions:
                self._partitions[partition].committed(offset)

    def loads(self) -> dict[TopicPartition, tuple[int, int]]:
        """By partition, the records that were read and are not done, and their bytes, wherever
        they wait; without the partitions that have none."""
        return {
            partition: (offsets.open, offsets.open_bytes)
            for partition, offsets in self._partitions.items()
            if offsets.open
        }

    @property
    def open(self) -> int:
        """Records read and not done, over all partitions."""
        return sum(offsets.open for offsets in self._partitions.values())
