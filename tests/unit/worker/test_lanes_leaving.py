"""What leaves the lanes unsent: dropped or given back, in order, and nothing left behind."""

import pytest

from tests.support.worker import FIRST, SECOND, ending, work
from tests.unit.worker.lanes_board import Board, ids


@pytest.fixture
def board() -> Board:
    return Board()


# -- dropping --------------------------------------------------------------------------------


def test_dropping_takes_what_waits_and_leaves_what_is_at_work(board: Board) -> None:
    board.add(work("busy", "a"), work("behind", "a"), work("delayed", "b"), work("fresh", "c"))
    at_work = board.take()
    board.defer(board.take(), 30)
    assert sorted(ids(board.lanes.drop_waiting())) == ["behind", "delayed", "fresh"]
    board.clock.advance(60)
    assert board.taken() == []
    board.end(at_work)
    assert board.counts == (0, 0, 0)


def test_dropping_a_partition_leaves_the_others(board: Board) -> None:
    board.add(work("e1", "a", at=(FIRST, 1)), work("e2", "b", at=(SECOND, 1)))
    assert ids(board.lanes.drop_waiting([FIRST])) == ["e1"]
    assert board.taken() == ["e2/0"]


def test_what_was_decided_behind_a_dropped_event_is_given_back(board: Board) -> None:
    """Its duplicate from another partition would otherwise end an event that nobody sent."""
    board.add(
        work("e1", at=(FIRST, 1)),
        work("e1", sends=0, advances=False, at=(SECOND, 7), prepared={"endings": [ending()]}),
    )
    board.lanes.drop_waiting([FIRST])
    assert board.tracked == []
    assert [(w.event.id, w.partition) for w in board.lanes.returned()] == [("e1", SECOND)]
    assert board.counts == (0, 0, 0)


def test_what_stands_before_a_dropped_event_stays(board: Board) -> None:
    board.add(work("e1", at=(SECOND, 1)), work("e2", at=(FIRST, 1)), work("e3", at=(SECOND, 2)))
    assert ids(board.lanes.drop_waiting([FIRST])) == ["e2"]
    assert board.taken() == ["e1/0"]
    assert ids(board.lanes.returned()) == ["e3"]


def test_events_given_back_are_dropped_with_their_partition(board: Board) -> None:
    board.add(work("e1", at=(FIRST, 1)), work("e2", at=(SECOND, 1)))
    board.refuse(board.take())
    assert ids(board.lanes.drop_waiting([FIRST])) == ["e1"]
    assert ids(board.lanes.returned()) == ["e2"]


def test_the_last_of_a_lane_is_what_came_last_and_is_left(board: Board) -> None:
    board.add(work("e1"), work("e2"))
    assert (last := board.lanes.last(work("e1").atom)) is not None
    assert last.event.id == "e2"
    board.lanes.drop_waiting()
    assert board.lanes.last(work("e1").atom) is None


# -- losing an atom --------------------------------------------------------------------------


def test_a_surrendered_atom_gives_back_all_its_events_in_order(board: Board) -> None:
    board.add(work("e1"), work("e2"), work("e3"), work("other", "b"))
    board.refuse(board.take())
    assert ids(board.lanes.returned()) == ["e1", "e2", "e3"]
    assert board.lanes.returned() == []
    assert board.taken() == ["other/0"]


def test_an_event_that_comes_before_the_return_was_noticed_stays_behind(board: Board) -> None:
    """Otherwise it would be sent before the older ones, and make them stale."""
    board.add(work("e1"), work("e2"))
    board.refuse(board.take())
    board.add(work("e3"))
    assert board.taken() == []
    assert ids(board.lanes.returned()) == ["e1", "e2", "e3"]
    assert board.counts == (0, 0, 0)


def test_a_head_surrendered_after_its_followers_goes_in_front_of_them(board: Board) -> None:
    board.add(work("e1", at=(SECOND, 1)), work("e2", at=(FIRST, 1)), work("e3", at=(SECOND, 2)))
    head = board.take()
    board.lanes.drop_waiting([FIRST])
    board.refuse(head)
    assert ids(board.lanes.returned()) == ["e1", "e3"]


def test_a_refusal_of_one_destination_waits_for_the_others(board: Board) -> None:
    board.add(work("e1", sends=2))
    one, two = board.take(), board.take()
    assert not board.lanes.sends_ended([(one.work, True)])
    assert board.lanes.sends_ended([(two.work, False)])
    assert two.work.refused
