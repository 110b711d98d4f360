"""Records that the client cannot read: one lost record instead of a poll that never returns.

kafka-python 3.0.12 raises for a record that it cannot decode (a header's name that is not UTF-8, a
checksum that is wrong) without saying which, and its next poll spins for ever. Brokers take such
records from other clients. Seeking past one does not help: its batch is read from the beginning
again. So we stand between the client and its batches, and hand on, in the place of each record
that cannot be read, one without key and value whose header says why.
"""

from collections.abc import Iterator
from typing import Any, Final

from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecord
from kafka.record.util import decode_varint

from consumer.wire import UNREADABLE_HEADER

#: Characters of the client's word that are kept.
_LONGEST: Final = 300
#: The first record format whose batches know how many offsets they span.
_MAGIC: Final = 2


def step_over_unreadable(consumer: Any) -> None:
    """Make the client step over what it cannot read; call it before its first poll."""
    fetcher = getattr(consumer, "_fetcher", None)
    if fetcher is None:
        return  # another client than the one that needs it
    original = fetcher.PartitionRecords
    doubted: set[tuple[Any, int]] = set()

    def forgiving(fetch_offset: int, partition: Any, records: Any, **options: Any) -> Any:
        batches = _Batches(partition, fetch_offset, records, doubted)
        return original(fetch_offset, partition, batches, **options)

    fetcher.PartitionRecords = forgiving


class _Batches:
    """What the client reads one fetched partition's batches from."""

    def __init__(
        self, partition: Any, fetch_offset: int, records: Any, doubted: set[tuple[Any, int]]
    ) -> None:
        self._partition = partition
        self._fetch_offset = fetch_offset
        self._records = records
        #: Batches that were wrong once, and are being fetched again.
        self._doubted = doubted

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        if batch is None or batch.magic < _MAGIC:
            return batch
        place = (self._partition, batch.base_offset)
        if batch.validate_crc():
            self._doubted.discard(place)
            return _Forgiving(batch)
        if place not in self._doubted:
            # Perhaps it was damaged on its way. The end, for now: it is fetched again.
            self._doubted.add(place)
            return None
        self._doubted.discard(place)
        return _Damaged(batch, self._fetch_offset)


class _Forgiving:
    """A batch whose records are read one by one; all else is as the client's own has it."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def validate_crc(self) -> bool:
        """It was right."""
        return True

    def __next__(self) -> Any:
        return next(self._batch)  # a control record

    def __iter__(self) -> Iterator[Any]:
        batch = self._batch
        wanted = batch.base_offset
        try:
            iter(batch)
        except Exception as error:  # noqa: BLE001 - each codec has errors of its own
            yield from _lost(wanted, batch.last_offset, f"cannot be unpacked: {error!r}")
            return
        while batch._next_record_index < batch.records_count:
            try:
                record = next(batch)
            except CorruptRecordError as error:
                why = str(error.args[0] if error.args else error)
                skipped = self._skip(why)
                if skipped is None:
                    yield from _lost(wanted, batch.last_offset, why)
                    return
                record = skipped
            wanted = record.offset + 1
            yield record

    def _skip(self, why: str) -> DefaultRecord | None:
        """Go to where the next record begins; None when nothing tells where that is."""
        batch = self._batch
        try:
            length, start = decode_varint(batch._buffer, batch._pos)
            _attributes, at = decode_varint(batch._buffer, start)
            later, at = decode_varint(batch._buffer, at)
            delta, at = decode_varint(batch._buffer, at)
        except (ValueError, IndexError):
            return None
        end = start + length
        if not (at <= end <= len(batch._buffer) and 0 <= delta <= batch.last_offset_delta):
            return None
        batch._pos = end
        batch._next_record_index += 1
        return _placeholder(batch.base_offset + delta, why, batch.first_timestamp + later)


class _Damaged:
    """In the place of a batch whose checksum is wrong: nothing in it can be believed."""

    magic = _MAGIC
    leader_epoch = -1
    is_control_batch = False

    def __init__(self, batch: Any, fetch_offset: int) -> None:
        last = batch.last_offset if batch.records_count == batch.last_offset_delta + 1 else 0
        # Where even that is damaged, at least the one offset that was asked for is left behind.
        self._first = max(batch.base_offset, fetch_offset)
        self._last = max(self._first, min(last, self._first + batch.size_in_bytes))
        self.next_offset = self._last + 1

    def has_producer_id(self) -> bool:
        return False

    def validate_crc(self) -> bool:
        """It is wrong, as its records say; the client would stop here."""
        return True

    def __iter__(self) -> Iterator[Any]:
        return _lost(self._first, self._last, "the checksum of its batch is wrong")


def _lost(first: int, last: int, why: str) -> Iterator[DefaultRecord]:
    return (_placeholder(offset, why) for offset in range(first, last + 1))


def _placeholder(offset: int, why: str, timestamp: int = 0) -> DefaultRecord:
    said = "".join(c if c.isprintable() else " " for c in why[:_LONGEST])
    header = (UNREADABLE_HEADER, said.encode())
    return DefaultRecord(0, offset, timestamp, 0, None, None, [header])
