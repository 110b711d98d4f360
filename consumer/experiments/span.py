"""From where to where a stream is read."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

#: Topic (None: the only one there is) and partition.
Place = tuple[str | None, int]


class Beginning(msgspec.Struct, frozen=True):
    """The first record that is still there."""


class Now(msgspec.Struct, frozen=True):
    """The end of each partition at the moment when reading begins."""


class At(msgspec.Struct, frozen=True):
    """The first record that is as late as this, by its Kafka timestamp: epoch milliseconds."""

    milliseconds: int


class Offsets(msgspec.Struct, frozen=True):
    """An offset for each partition that is meant; partitions that are not named are not read."""

    by_partition: Mapping[Place, int] = MappingProxyType({})

    def of(self, topic: str, partition: int) -> int | None:
        named = self.by_partition.get((topic, partition))
        return self.by_partition.get((None, partition)) if named is None else named


Edge = Beginning | Now | At | Offsets


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A slice of the stream: from `start`, which is in it, up to `end`, which is not."""

    start: Edge = Now()
    #: None: there is none, the stream is followed until somebody says stop.
    end: Edge | None = None

    def names(self, topic: str, partition: int) -> bool:
        """Whether this partition is read at all."""
        return all(
            edge.of(topic, partition) is not None
            for edge in (self.start, self.end)
            if isinstance(edge, Offsets)
        )
