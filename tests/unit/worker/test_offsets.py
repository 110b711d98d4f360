"""Which offset is committed: never one above a record that is not done."""

import tracemalloc

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from consumer.worker.offsets import Offsets, Ticket

P = ("alarm-events", 0)
Q = ("alarm-events", 1)


def test_nothing_is_committable_before_something_was_read() -> None:
    assert Offsets().committable() == {}


def test_an_offset_is_held_by_the_lowest_record_that_is_not_done() -> None:
    offsets = Offsets()
    tickets = [offsets.begin(P, offset) for offset in (5, 6, 7)]
    tickets[2].done()
    tickets[1].done()
    assert offsets.committable() == {P: 5}
    tickets[0].done()
    assert offsets.committable() == {P: 8}


def test_a_record_of_several_events_is_done_when_all_of_them_are() -> None:
    offsets = Offsets()
    ticket = offsets.begin(P, 5, parts=2)
    ticket.done()
    assert offsets.committable() == {P: 5}
    ticket.done()
    assert offsets.committable() == {P: 6}


def test_what_was_committed_is_not_committed_again() -> None:
    offsets = Offsets()
    offsets.begin(P, 5).done()
    offsets.committed({P: 6})
    assert offsets.committable() == {}
    offsets.begin(P, 6).done()
    assert offsets.committable() == {P: 7}


def test_only_the_asked_partitions_are_committed() -> None:
    offsets = Offsets()
    offsets.begin(P, 5).done()
    offsets.begin(Q, 9).done()
    assert offsets.committable([Q]) == {Q: 10}


def test_a_completion_after_the_partition_was_given_away_marks_nothing() -> None:
    offsets = Offsets()
    late = offsets.begin(P, 5)
    offsets.forget([P])
    again = offsets.begin(P, 5)
    late.done()
    assert offsets.committable() == {P: 5}
    again.done()
    assert offsets.committable() == {P: 6}


def test_a_commit_of_a_partition_given_away_meanwhile_is_forgotten() -> None:
    offsets = Offsets()
    offsets.committed({P: 5})
    offsets.begin(P, 4)
    assert offsets.committable() == {P: 4}


def test_records_read_twice_do_not_hold_the_offset_for_ever() -> None:
    """The client went back: three records of two offsets, all of them done."""
    offsets = Offsets()
    tickets = [offsets.begin(P, offset) for offset in (4, 5, 5)]
    for ticket in (tickets[1], tickets[2], tickets[0]):
        ticket.done()
    assert offsets.committable() == {P: 6}


def test_going_back_to_the_middle_passes_nothing_that_is_undone() -> None:
    """40 and 41 are in their lanes, the client goes back to 50: 51 would lose them in a crash."""
    offsets = Offsets()
    first, second = offsets.begin(P, 40), offsets.begin(P, 41)
    offsets.begin(P, 50).done()
    offsets.begin(P, 50).done()
    assert offsets.committable() == {P: 40}
    first.done()
    assert offsets.committable() == {P: 41}
    second.done()
    assert offsets.committable() == {P: 51}


def test_a_log_that_was_cut_is_committed_from_its_new_place() -> None:
    """Offsets 5 and 6 are of the log that was; committing 5 would skip the new record at 2."""
    offsets = Offsets()
    old = [offsets.begin(P, offset) for offset in (5, 6)]
    offsets.begin(P, 2)
    assert offsets.committable() == {P: 2}
    for ticket in old:
        ticket.done()
    assert offsets.committable() == {P: 2}


def test_what_is_not_done_is_counted_by_partition_until_it_is() -> None:
    """Records and bytes."""
    offsets = Offsets()
    first, second = offsets.begin(P, 5, size=100), offsets.begin(P, 6, parts=2, size=30)
    offsets.begin(Q, 1, size=7)
    assert offsets.loads() == {P: (2, 130), Q: (1, 7)}
    first.done()
    second.done()
    assert offsets.loads() == {P: (1, 30), Q: (1, 7)}
    second.done()
    assert offsets.loads() == {Q: (1, 7)}
    offsets.forget([Q])
    assert offsets.loads() == {}


def test_what_was_begun_before_the_client_went_back_counts_too() -> None:
    offsets = Offsets()
    before = offsets.begin(P, 5, size=100)
    offsets.begin(P, 5, size=100)
    assert offsets.loads() == {P: (2, 200)}
    before.done()
    assert offsets.loads() == {P: (1, 100)}


def test_a_record_that_waits_for_long_costs_no_memory_for_what_is_done_above_it() -> None:
    """A send in doubt may wait for half an hour, with a thousand events a second passing it."""
    offsets = Offsets()
    offsets.begin(P, 0)
    tracemalloc.start()
    try:
        for offset in range(1, 20_000):
            offsets.begin(P, offset).done()
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 10_000
    assert offsets.committable() == {P: 0}


def test_open_counts_what_was_read_and_is_not_done_behind_a_gap_too() -> None:
    offsets = Offsets()
    tickets = [offsets.begin(P, offset) for offset in (1, 2, 3)]
    offsets.begin(Q, 1)
    tickets[1].done()
    assert offsets.open == 3


class OffsetsMachine(RuleBasedStateMachine):
    """Against the plainest model: per assignment, the set of records and their open parts."""

    tickets: Bundle[tuple[Ticket, dict[int, int], int]] = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.offsets = Offsets()
        self.next = 0
        #: Open parts by offset, since the client last went back or was assigned the partition.
        self.reading: dict[int, int] = {}
        #: The same, of before it went back: what is undone there must not be passed.
        self.earlier: list[dict[int, int]] = []
        self.committed: int | None = None

    @rule(target=tickets, skip=st.integers(0, 2), parts=st.integers(0, 3))
    def read(self, skip: int, parts: int) -> tuple[Ticket, dict[int, int], int]:
        offset = self.next + skip
        self.next = offset + 1
        self.reading[offset] = max(parts, 1)
        return self.offsets.begin(P, offset, parts), self.reading, offset

    @rule(ticket=consumes(tickets))
    def finish(self, ticket: tuple[Ticket, dict[int, int], int]) -> None:
        it, reading, offset = ticket
        while reading[offset]:
            it.done()
            reading[offset] -= 1

    @rule(target=tickets, ticket=consumes(tickets))
    def finish_a_part(
        self, ticket: tuple[Ticket, dict[int, int], int]
    ) -> tuple[Ticket, dict[int, int], int]:
        it, reading, offset = ticket
        if reading[offset] > 1:
            it.done()
            reading[offset] -= 1
        return ticket

    @rule(back=st.integers(1, 5))
    def read_again_from_earlier(self, back: int) -> None:
        """A seek back within the assignment."""
        if self.reading and back <= self.next:
            self.next -= back
            self.earlier.append(self.reading)
            self.reading, self.committed = {}, None
            self.reading[self.next] = 1
            self.offsets.begin(P, self.next).done()
            self.reading[self.next] = 0
            self.next += 1

    @rule()
    def commit(self) -> None:
        offsets = self.offsets.committable()
        self.offsets.committed(offsets)
        self.committed = offsets.get(P, self.committed)

    @rule()
    def rebalance(self) -> None:
        self.offsets.forget([P])
        self.next = self.next if self.committed is None else self.committed
        self.reading, self.committed, self.earlier = {}, None, []

    @invariant()
    def is_the_lowest_unfinished_or_the_end(self) -> None:
        unfinished = [offset for offset, parts in self.reading.items() if parts]
        before = [offset for earlier in self.earlier for offset, parts in earlier.items() if parts]
        low = min(unfinished, default=self.next if self.reading else None)
        expected = low if low is None else min([low, *before])
        told = self.offsets.committable().get(P, self.committed)
        assert told == expected
        assert self.offsets.open == len(unfinished) + len(before)


TestOffsetsMachine = OffsetsMachine.TestCase
