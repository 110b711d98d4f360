"""What the client cannot read takes the place of one record; all others are read."""

from types import SimpleNamespace
from typing import Any

import pytest
from kafka.consumer.fetcher import Fetcher
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.record.util import calc_crc32c

from consumer.adapters.kafka.records import record_of
from consumer.adapters.kafka.unreadable import step_over_unreadable
from consumer.wire import unreadable
from tests.unit.adapters.kafka.fakes import P

NONE, GZIP = 0, 1
VALUE = b"value" * 50


class NotUtf8(str):
    """A header's name that some other client wrote."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


class Client:
    """The part of the client that turns what was fetched into records."""

    def __init__(self) -> None:
        self._fetcher = SimpleNamespace(PartitionRecords=Fetcher.PartitionRecords)
        step_over_unreadable(self)

    def read(self, data: bytes | bytearray, at: int = 0) -> dict[int, str | None]:
        """Offsets, each with why it could not be read; and where the next fetch begins."""
        fetched = self._fetcher.PartitionRecords(at, P, MemoryRecords(data))
        told = {raw.offset: unreadable(record_of(raw)) for raw in fetched.take()}
        self.next = fetched.next_fetch_offset
        return told


@pytest.fixture
def client() -> Client:
    return Client()


def batch(first: int, *names: str, codec: int = NONE) -> bytearray:
    """A record for each header name; long enough to be worth packing."""
    builder = MemoryRecordsBuilder(magic=2, compression_type=codec, batch_size=10_000)
    for name in names:
        builder.append(1000, b"key", VALUE, [(name, b"x")])
    builder.close()
    data = bytearray(builder.buffer())
    data[:8] = first.to_bytes(8, "big")  # the broker's part
    return data


def signed(data: bytearray) -> bytearray:
    """With the right checksum for what is in it now."""
    crc = calc_crc32c(memoryview(data)[DefaultRecordBatch.ATTRIBUTES_OFFSET :])
    data[DefaultRecordBatch.CRC_OFFSET : DefaultRecordBatch.CRC_OFFSET + 4] = crc.to_bytes(4, "big")
    return data


@pytest.mark.parametrize("codec", [NONE, GZIP])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_record_is_lost_and_its_neighbours_are_read(
    client: Client, place: int, codec: int
) -> None:
    names = ["a", "b", "c"]
    names[place] = NotUtf8()
    told = client.read(batch(5, *names, codec=codec))
    assert list(told) == [5, 6, 7]
    lost = told.pop(5 + place)
    assert lost is not None
    assert "invalid start byte" in lost
    assert set(told.values()) == {None}
    assert client.next == 8


def test_reading_goes_on_behind_the_lost_record(client: Client) -> None:
    """The batch is read from its beginning again, wherever one wants to begin."""
    data = batch(0, "a", NotUtf8(), "c")
    assert list(client.read(data, at=2)) == [2]


def test_its_time_and_place_are_kept(client: Client) -> None:
    fetched = client._fetcher.PartitionRecords(0, P, MemoryRecords(batch(7, NotUtf8())))
    record = record_of(fetched.take()[0])
    assert record.position == (P.topic, P.partition, 7)
    assert record.timestamp == 1000
    assert record.key is None
    assert record.value is None


def test_where_no_length_can_be_believed_the_rest_of_the_batch_is_lost(client: Client) -> None:
    data = batch(0, "a", "b", "c")
    second = data.index(VALUE) + len(VALUE) + len(b"\x02\x02a\x02x")
    data[second : second + 4] = b"\xff\xff\xff\xff"
    told = client.read(signed(data) + batch(3, "d"))
    assert [offset for offset, why in told.items() if why] == [1, 2]
    assert list(told) == [0, 1, 2, 3]


def test_a_batch_that_cannot_be_unpacked_is_lost_as_a_whole(client: Client) -> None:
    data = batch(0, "a", "b", codec=GZIP)
    data[DefaultRecordBatch.HEADER_STRUCT.size :] = b"no gzip at all"
    size = len(data) - DefaultRecordBatch.AFTER_LEN_OFFSET
    data[8:12] = size.to_bytes(4, "big")
    told = client.read(signed(data) + batch(2, "c"))
    assert list(told) == [0, 1, 2]
    assert "cannot be unpacked" in str(told[0])
    assert told[2] is None


def test_a_wrong_checksum_is_fetched_again_before_it_is_believed(client: Client) -> None:
    """It may have been damaged on its way only."""
    good, bad = batch(0, "a"), batch(1, "b", "c")
    bad[-1] ^= 1
    assert client.read(good + bad) == {0: None}
    assert client.next == 1
    bad[-1] ^= 1
    assert client.read(bad, at=1) == {1: None, 2: None}
    bad[-1] ^= 1
    assert client.read(bad, at=1) == {}
    lost = client.read(bad + batch(3, "d"), at=1)
    assert lost == dict.fromkeys((1, 2), "the checksum of its batch is wrong") | {3: None}
    assert client.next == 4


def test_a_batch_whose_length_in_offsets_is_damaged_too_is_left_step_by_step(
    client: Client,
) -> None:
    bad = batch(0, "a", "b")
    bad[DefaultRecordBatch.ATTRIBUTES_OFFSET + 2] ^= 0x40
    for at in (0, 1):
        assert client.read(bad, at=at) == {}
        assert list(client.read(bad, at=at)) == [at]
        assert client.next == at + 1


def test_control_records_and_aborted_transactions_are_the_clients_affair(client: Client) -> None:
    """Whatever the client asks of a batch, it is told by the batch."""
    builder = MemoryRecordsBuilder(
        magic=2,
        compression_type=NONE,
        batch_size=1000,
        transactional=True,
        producer_id=7,
        producer_epoch=0,
        base_sequence=0,
    )
    builder.append(1000, b"key", b"value", [])
    builder.close()
    aborted = [SimpleNamespace(producer_id=7, first_offset=0)]
    fetched = client._fetcher.PartitionRecords(
        0,
        P,
        MemoryRecords(bytes(builder.buffer())),
        isolation_level=1,
        aborted_transactions=aborted,
    )
    assert fetched.take() == []
    assert fetched.next_fetch_offset == 1


def test_a_client_of_another_make_is_left_alone() -> None:
    step_over_unreadable(object())
