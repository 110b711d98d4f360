"""Where a group is, where it would be put, and what that would mean. Pure but for the questions."""

from collections.abc import Mapping, Sequence

import msgspec

from consumer.adapters.kafka.group_offsets import GroupOffsets, Member, Partition
from consumer.cli.common import fail
from consumer.cli.moments import parse_moment


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One partition, as the group and the broker have it."""

    topic: str
    partition: int
    first: int
    end: int
    #: Where the group goes on; None: it has committed nothing, and begins with the first.
    committed: int | None
    lag: int
    #: When the last record that is done was written, epoch milliseconds.
    committed_time: int | None = None
    #: Active members of the group, by client id and host.
    members: Sequence[Member] = ()


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What a reset does to one partition."""

    topic: str
    partition: int
    was: int
    will_be: int

    @property
    def again(self) -> int:
        """Records that would be read again."""
        return max(0, self.was - self.will_be)

    @property
    def skipped(self) -> int:
        """Records that would never be read."""
        return max(0, self.will_be - self.was)


def standings(group: GroupOffsets, partitions: Sequence[Partition]) -> list[Standing]:
    """How the group stands. Raises BrokerUnavailable."""
    firsts, committed = group.begins(partitions), group.committed(partitions)
    ends = group.ends_reached(partitions, committed)
    found = []
    for partition in partitions:
        told = committed.get(partition)
        first, end = firsts[partition], ends[partition]
        at = first if told is None else max(told.offset, first)
        topic, number = partition
        found.append(
            Standing(
                topic=topic,
                partition=number,
                first=first,
                end=end,
                committed=None if told is None else told.offset,
                lag=max(0, end - at),
            )
        )
    return found


def targets(
    group: GroupOffsets, to: str, stands: Sequence[Standing], now: float
) -> Mapping[Partition, int]:
    """By partition, the offset that `--to` means; ends the command for what it cannot mean."""
    partitions = [(each.topic, each.partition) for each in stands]
    match to.strip().lower():
        case "earliest":
            return {(each.topic, each.partition): each.first for each in stands}
        case "latest":
            return {(each.topic, each.partition): each.end for each in stands}
        case number if number.isascii() and number.isdecimal():
            return {(each.topic, each.partition): _checked(each, number) for each in stands}
    try:
        moment = parse_moment(to, now)
    except ValueError:
        raise fail(
            f"--to {to!r}: write earliest, latest, an offset, 2h (ago), or 2026-01-31T10:00:00Z", 2
        ) from None
    if moment > now * 1000:
        raise fail(f"--to {to} is in the future; write latest to skip all that is there", 2)
    return group.at(partitions, moment)


def moves(stands: Sequence[Standing], to: Mapping[Partition, int]) -> list[Move]:
    """What changes; partitions that stay where they are, are not in it."""
    found = []
    for each in stands:
        was = each.first if each.committed is None else max(each.committed, each.first)
        move = Move(
            topic=each.topic,
            partition=each.partition,
            was=was,
            will_be=to[(each.topic, each.partition)],
        )
        if move.was != move.will_be or each.committed != move.will_be:
            found.append(move)
    return found


def _checked(each: Standing, number: str) -> int:
    offset = int(number[:19])
    if not each.first <= offset <= each.end:
        raise fail(
            f"--to {number}: {each.topic} {each.partition} has {each.first} to {each.end}", 2
        )
    return offset
