"""The stall watchdog: a partition whose end moves while our position stands still is not idle.

kafka-python is known to have gone silent on a partition after a rebalance or a batch (its
issues 3106 and 3131). First remedy: seek to the position. If that does not help: leave the
group and join it anew.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

TopicPartition = tuple[str, int]


class Remedy(StrEnum):
    SEEK = "seek"
    REJOIN = "rejoin"


class Watchdog:
    """Decides from positions and ends; pure, the caller acts. Times are monotonic seconds."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience = patience_seconds
        self._stood_since: dict[TopicPartition, tuple[int, float]] = {}
        self._sought: set[TopicPartition] = set()

    def forget(self, partitions: Collection[TopicPartition]) -> None:
        for partition in partitions:
            self._stood_since.pop(partition, None)
            self._sought.discard(partition)

    def look(
        self,
        positions: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
        now: float,
    ) -> dict[TopicPartition, Remedy]:
        """What to do about which partition. Paused partitions are not to be shown here."""
        remedies: dict[TopicPartition, Remedy] = {}
        for partition, position in positions.items():
            before, since = self._stood_since.get(partition, (None, now))
            if position != before or ends.get(partition, position) <= position:
                self._stood_since[partition] = (position, now)
                self._sought.discard(partition)
            elif now - since >= self._patience:
                again = partition in self._sought
                remedies[partition] = Remedy.REJOIN if again else Remedy.SEEK
                self._sought.add(partition)
                self._stood_since[partition] = (position, now)
        return remedies
