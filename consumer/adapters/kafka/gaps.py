"""The gap check: a jump in a partition's offsets is read again before it is believed.

Compaction and transactions leave legal gaps; a client that skipped records leaves the same
picture. Reading again from where the gap begins tells them apart: a legal gap looks the same
the second time. kafka-python is known to have jumped ahead after pause and resume (its issue
2011), so we look.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum

import msgspec

TopicPartition = tuple[str, int]


class Verdict(StrEnum):
    """What reading again showed: the gap is in the log, or the client had skipped records."""

    BELIEVED = "believed"
    HEALED = "healed"


class Finding(msgspec.Struct, frozen=True):
    """One gap, and how many offsets were missing when it was first seen."""

    verdict: Verdict
    missing: int


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the offered records may be handed on, and where to read again, if anywhere."""

    keep: int
    seek_to: int | None = None
    findings: Sequence[Finding] = ()


class GapCheck:
    """Knows for each partition which offset comes next. Pure; the caller seeks."""

    def __init__(self) -> None:
        self._next: dict[TopicPartition, int] = {}
        #: Where a gap was seen and is being read again: (first missing, first found).
        self._doubted: dict[TopicPartition, tuple[int, int]] = {}

    def forget(self, partitions: Collection[TopicPartition]) -> None:
        """The partitions were given away, or are read from elsewhere on purpose."""
        for partition in partitions:
            self._next.pop(partition, None)
            self._doubted.pop(partition, None)

    def check_end(self, partition: TopicPartition, position: int) -> Checked:
        """Look at where the client reads next, when all that it has read was checked.

        The end of a transaction is a legal gap too: believed, when it is there the second time.
        """
        wanted = self._next.get(partition, position)
        if position <= wanted:
            return Checked(keep=0)
        if self._doubted.get(partition) != (wanted, position):
            self._doubted[partition] = (wanted, position)
            return Checked(keep=0, seek_to=wanted)
        del self._doubted[partition]
        self._next[partition] = position
        return Checked(keep=0, findings=[Finding(Verdict.BELIEVED, position - wanted)])

    def check(self, partition: TopicPartition, offsets: Sequence[int]) -> Checked:
        """Look at the offsets just read, in order."""
        findings: list[Finding] = []
        for place, offset in enumerate(offsets):
            wanted = self._next.get(partition, offset)
            doubt = self._doubted.get(partition)
            if offset > wanted:
                if doubt != (wanted, offset):
                    self._doubted[partition] = (wanted, offset)
                    return Checked(keep=place, seek_to=wanted, findings=findings)
                findings.append(Finding(Verdict.BELIEVED, offset - wanted))
                del self._doubted[partition]
            elif doubt is not None and doubt[0] <= offset < doubt[1]:
                findings.append(Finding(Verdict.HEALED, doubt[1] - doubt[0]))
                del self._doubted[partition]
            # An offset below the wanted one is a log that was cut and written anew: believed.
            self._next[partition] = offset + 1
        return Checked(keep=len(offsets), findings=findings)
