"""Offsets under whatever order of events: what is committed is done, and what is done is committed
in the end."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consumer.worker.offsets import Offsets, Ticket
from tests.support.worker import FIRST, SECOND

PARTITIONS = st.sampled_from([FIRST, SECOND])


class Read:
    """One record of the present assignment, with what is left of it."""

    def __init__(self, offset: int, parts: int, ticket: Ticket) -> None:
        self.offset = offset
        self.left = parts
        self.ticket = ticket


class OffsetsMachine(RuleBasedStateMachine):
    """`read` is what this process has of each partition; `late` what it had before it was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.offsets = Offsets()
        self.read: dict[tuple[str, int], list[Read]] = {FIRST: [], SECOND: []}
        self.next = {FIRST: 0, SECOND: 0}
        self.committed = {FIRST: 0, SECOND: 0}
        self.late: list[Read] = []
        self.went_back: set[tuple[str, int]] = set()

    @rule(partition=PARTITIONS, gap=st.integers(0, 3), parts=st.integers(0, 3))
    def poll(self, partition: tuple[str, int], gap: int, parts: int) -> None:
        """A record, behind a gap that compaction or a transaction left."""
        offset = self.next[partition] + gap
        ticket = self.offsets.begin(partition, offset, parts)
        self.read[partition].append(Read(offset, max(parts, 1), ticket))
        self.next[partition] = offset + 1

    @precondition(lambda self: self.open())
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        """One event of one record, in any order."""
        one = data.draw(st.sampled_from(self.open()))
        one.left -= 1
        one.ticket.done()

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def complete_late(self, data: st.DataObject) -> None:
        """Of an assignment that is over: it must not count for the one of today."""
        one = self.late.pop(data.draw(st.integers(0, len(self.late) - 1)))
        one.ticket.done()

    @rule(only=st.one_of(st.none(), PARTITIONS.map(lambda p: [p])))
    def commit(self, only: list[tuple[str, int]] | None) -> None:
        offsets = self.offsets.committable(only)
        for partition, offset in offsets.items():
            went_back = partition in self.went_back
            assert went_back or offset >= self.committed[partition], "a commit that goes back"
            self.committed[partition] = offset
        self.offsets.committed(offsets)

    @rule(partition=PARTITIONS)
    def revoke(self, partition: tuple[str, int]) -> None:
        """Given away, and assigned again later: reading begins at what was committed."""
        self.late += [one for one in self.read[partition] if one.left]
        self.read[partition] = []
        self.offsets.forget([partition])
        self.next[partition] = self.committed[partition]
        self.went_back.discard(partition)

    @rule(partition=PARTITIONS, data=st.data())
    def go_back(self, partition: tuple[str, int], data: st.DataObject) -> None:
        """The client reads again from an earlier place, what is under way goes on."""
        here = self.next[partition]
        self.next[partition] = data.draw(st.integers(min(self.committed[partition], here), here))
        self.went_back.add(partition)

    @invariant()
    def nothing_undone_is_passed(self) -> None:
        committable = self.offsets.committable()
        for partition, records in self.read.items():
            undone = [one.offset for one in records if one.left]
            limit = min(undone, default=max(self.next[partition], self.reached(records)))
            assert committable.get(partition, 0) <= limit

    @invariant()
    def everything_done_in_front_is_committable(self) -> None:
        committable = self.offsets.committable()
        for partition, records in self.read.items():
            if partition in self.went_back:
                # What is read a second time has to be done a second time.
                continue
            undone = min((one.offset for one in records if one.left), default=None)
            done = [one.offset for one in records if not one.left]
            front = [offset for offset in done if undone is None or offset < undone]
            if front:
                reached = max(committable.get(partition, 0), self.committed[partition])
                assert reached > max(front)

    @invariant()
    def open_is_what_is_read_and_not_done(self) -> None:
        assert self.offsets.open >= len(self.open())

    @staticmethod
    def reached(records: list[Read]) -> int:
        return max((one.offset + 1 for one in records), default=0)

    def open(self) -> list[Read]:
        return [one for records in self.read.values() for one in records if one.left]


TestOffsetsMachine = OffsetsMachine.TestCase
