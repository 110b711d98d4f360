"""The gap check: what is handed on is the log, in order, whatever the client skipped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.adapters.kafka.gaps import Checked, Finding, GapCheck, Verdict

P, Q = ("alarm-events", 0), ("alarm-events", 1)
BELIEVED, HEALED = Verdict.BELIEVED, Verdict.HEALED


@pytest.fixture
def gaps() -> GapCheck:
    return GapCheck()


def test_the_first_batch_is_believed_wherever_it_begins(gaps: GapCheck) -> None:
    checked = gaps.check(P, [40, 41])
    assert (checked.keep, checked.seek_to) == (2, None)


def test_a_log_without_gaps_is_handed_on(gaps: GapCheck) -> None:
    gaps.check(P, [0, 1])
    checked = gaps.check(P, [2, 3])
    assert (checked.keep, checked.seek_to, checked.findings) == (2, None, [])


def test_an_empty_batch_says_nothing(gaps: GapCheck) -> None:
    assert gaps.check(P, []).keep == 0


def test_a_legal_gap_is_believed_after_a_second_look(gaps: GapCheck) -> None:
    gaps.check(P, [0, 1])
    doubted = gaps.check(P, [4, 5])
    assert (doubted.keep, doubted.seek_to) == (0, 2)
    again = gaps.check(P, [4, 5])
    assert (again.keep, again.seek_to, again.findings) == (2, None, [Finding(BELIEVED, 2)])


def test_records_that_the_client_skipped_are_found_by_the_second_look(gaps: GapCheck) -> None:
    gaps.check(P, [0, 1])
    assert gaps.check(P, [5]).seek_to == 2
    healed = gaps.check(P, [2, 3, 4, 5])
    assert (healed.keep, healed.findings) == (4, [Finding(HEALED, 3)])


def test_a_gap_inside_a_batch_keeps_what_is_before_it(gaps: GapCheck) -> None:
    checked = gaps.check(P, [0, 1, 4, 5])
    assert (checked.keep, checked.seek_to) == (2, 2)
    assert gaps.check(P, [4, 5]).keep == 2


def test_a_gap_that_is_elsewhere_the_second_time_is_looked_at_a_third_time(gaps: GapCheck) -> None:
    """A legal gap at 2 and 3, and a client that skipped 4 the first time."""
    gaps.check(P, [0, 1])
    assert gaps.check(P, [5]).seek_to == 2
    assert gaps.check(P, [4, 5]).seek_to == 2
    assert gaps.check(P, [4, 5]).findings == [Finding(BELIEVED, 2)]


def test_two_gaps_of_one_batch_are_each_looked_at(gaps: GapCheck) -> None:
    assert gaps.check(P, [0, 2, 4]).seek_to == 1
    second = gaps.check(P, [2, 4])
    assert (second.keep, second.seek_to, second.findings) == (1, 3, [Finding(BELIEVED, 1)])
    assert gaps.check(P, [4]).keep == 1


def test_a_log_that_was_cut_and_written_anew_is_believed(gaps: GapCheck) -> None:
    gaps.check(P, [10, 11])
    assert gaps.check(P, [3, 4]).keep == 2
    assert gaps.check(P, [5]).keep == 1


def test_partitions_are_told_apart(gaps: GapCheck) -> None:
    gaps.check(P, [0])
    gaps.check(Q, [7])
    assert gaps.check(P, [1]).keep == 1
    assert gaps.check(Q, [9]).seek_to == 8


def test_a_partition_given_away_begins_anew(gaps: GapCheck) -> None:
    gaps.check(P, [0])
    gaps.check(P, [5])
    gaps.forget([P])
    assert gaps.check(P, [9]).keep == 1


@given(data=st.data(), log=st.sets(st.integers(0, 60), min_size=1).map(sorted))
def test_the_log_is_handed_on_in_order_whatever_is_skipped(
    data: st.DataObject, log: list[int]
) -> None:
    """The client reads from its position, in pieces, and may skip; never twice the same way.

    A client that always skips the same records cannot be told from a log without them.
    """
    gaps = GapCheck()
    handed: list[int] = []
    position = first = log[0]
    may_skip = False
    steps = 0
    while position <= log[-1]:
        steps += 1
        assert steps < 40 * len(log), "it never comes to an end"
        there = [offset for offset in log if offset >= position]
        # A first skip of an assignment cannot be seen: nothing was handed on before it.
        skip = data.draw(st.integers(0, 3)) if may_skip and handed else 0
        may_skip = not skip
        batch = there[skip : skip + data.draw(st.integers(1, 10))]
        if not batch:
            continue
        checked = gaps.check(P, batch)
        handed += batch[: checked.keep]
        if checked.seek_to is not None:
            position, may_skip = checked.seek_to, False
        else:
            position, may_skip = batch[-1] + 1, True
    assert handed == log
    assert handed[0] == first


def test_what_was_skipped_at_the_very_end_is_read_again(gaps: GapCheck) -> None:
    gaps.check(P, [0, 1])
    assert gaps.check_end(P, 3).seek_to == 2
    healed = gaps.check(P, [2])
    assert (healed.keep, healed.findings) == (1, [Finding(HEALED, 1)])
    assert gaps.check_end(P, 3) == Checked(keep=0)


def test_the_end_of_a_transaction_is_believed_the_second_time_and_not_asked_of_again(
    gaps: GapCheck,
) -> None:
    gaps.check(P, [0, 1])
    assert gaps.check_end(P, 3).seek_to == 2
    assert gaps.check_end(P, 3) == Checked(keep=0, findings=[Finding(BELIEVED, 1)])
    assert gaps.check_end(P, 3) == Checked(keep=0)
    assert gaps.check(P, [3]).keep == 1


def test_a_gap_at_the_end_is_the_same_gap_when_the_next_record_shows_it(gaps: GapCheck) -> None:
    gaps.check(P, [0, 1])
    assert gaps.check_end(P, 3).seek_to == 2
    assert gaps.check(P, [3]).findings == [Finding(BELIEVED, 1)]


def test_an_end_where_it_should_be_or_of_an_unknown_partition_says_nothing(gaps: GapCheck) -> None:
    gaps.check(P, [0, 1])
    assert gaps.check_end(P, 2) == Checked(keep=0)
    assert gaps.check_end(P, 1) == Checked(keep=0)
    assert gaps.check_end(Q, 7) == Checked(keep=0)
