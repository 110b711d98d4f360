"""What is not to be fetched for now: Kafka is the buffer, our memory is not.

A partition may hold as much as is still free, so that one which storms never takes the room of
the others: alone it gets half of all, two storming ones a third each, and a quiet one is read on.
Switches share their buffers in this way (Choudhury and Hahne, "Dynamic queue length thresholds",
1998).
"""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from consumer.worker.offsets import TopicPartition

#: Nothing at all is to be fetched.
ALL: Final = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much may wait in this process."""

    max_events: int = 5_000
    max_bytes: int = 64 * 1024 * 1024


class Load(msgspec.Struct, frozen=True):
    """What waits: of one partition, or in all."""

    events: int = 0
    size: int = 0


def to_hold(
    loads: Mapping[TopicPartition, Load],
    total: Load,
    held: Collection[TopicPartition] | None,
    limits: Limits,
) -> frozenset[TopicPartition] | None:
    """The partitions to fetch nothing of, given those of which nothing is fetched now; or ALL.

    One is held as soon as it has as much as is free, and let go at half of what is free then, so
    that the pause is not given up at once.
    """
    free = Load(limits.max_events - total.events, limits.max_bytes - total.size)
    if free.events <= 0 or free.size <= 0:
        return ALL
    half = Load(free.events // 2, free.size // 2)
    return frozenset(
        partition
        for partition, load in loads.items()
        if _reaches(load, free) or ((held is ALL or partition in held) and _is_beyond(load, half))
    )


def _reaches(load: Load, limit: Load) -> bool:
    return load.events >= limit.events or load.size >= limit.size


def _is_beyond(load: Load, limit: Load) -> bool:
    return load.events > limit.events or load.size > limit.size
