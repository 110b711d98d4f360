"""Which partition a key belongs to: as all of Kafka's clients have it, in less time."""

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Any, Final

from kafka.partitioner.abc import Partitioner
from kafka.partitioner.default import DefaultPartitioner

#: Of the 32-bit hash that Kafka's clients share (Austin Appleby's MurmurHash2).
_SEED: Final = 0x9747B28C
_MIX: Final = 0x5BD1E995
_32_BITS: Final = 0xFFFFFFFF
_31_BITS: Final = 0x7FFFFFFF
#: Keys whose hash is remembered: all records of one round that are about one alarm have one.
_REMEMBERED: Final = 1_000


class QuickPartitioner(Partitioner):
    """The client's own spends 17 us on each record, a third of what producing one takes."""

    def __init__(self) -> None:
        self._clients_own = DefaultPartitioner()

    def partition(
        self,
        topic: str,
        key: object,
        serialized_key: bytes | None,
        value: object,
        serialized_value: bytes | None,
        cluster: Any,
    ) -> int:
        """The number of the partition, of those that the topic has now."""
        if serialized_key is None:
            # Anywhere; few records have no key.
            own: int = self._clients_own.partition(
                topic, key, serialized_key, value, serialized_value, cluster
            )
            return own
        numbers: Sequence[int] = sorted(cluster.partitions_for_topic(topic))
        return numbers[(_murmur2(serialized_key) & _31_BITS) % len(numbers)]


@lru_cache(maxsize=_REMEMBERED)
def _murmur2(key: bytes) -> int:
    words = len(key) // 4
    mixed = _SEED ^ len(key)
    for word in _words(words).unpack_from(key):
        scaled = word * _MIX & _32_BITS
        mixed = (mixed * _MIX ^ (scaled ^ scaled >> 24) * _MIX) & _32_BITS
    if rest := key[words * 4 :]:
        mixed = (mixed ^ int.from_bytes(rest, "little")) * _MIX & _32_BITS
    mixed = (mixed ^ mixed >> 13) * _MIX & _32_BITS
    return mixed ^ mixed >> 15


@lru_cache(maxsize=_REMEMBERED)
def _words(count: int) -> Struct:
    return Struct(f"<{count}I")
