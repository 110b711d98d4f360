"""Lanes: order within an atom, side by side otherwise, fair among tenants."""

import threading
from collections.abc import Sequence

import pytest

from consumer.worker.work import Sending, Work
from tests.support.worker import CRITICAL, FIRST, OK, SECOND, SOON, ending, until, work
from tests.unit.worker.lanes_board import Board, ids


@pytest.fixture
def board() -> Board:
    return Board()


# -- order -----------------------------------------------------------------------------------


def test_the_next_event_of_an_atom_waits_until_the_one_before_is_finished(board: Board) -> None:
    board.add(work("e1"), work("e2"))
    first = board.take()
    assert board.taken() == []
    board.end(first)
    assert board.taken() == ["e2/0"]


def test_atoms_go_side_by_side(board: Board) -> None:
    board.add(work("e1", "a"), work("e2", "b"))
    assert board.taken() == ["e1/0", "e2/0"]


def test_all_destinations_of_an_event_go_at_once_and_the_last_one_finishes_it(board: Board) -> None:
    board.add(work("e1", sends=3), work("e2"))
    sendings = [board.take() for _ in range(3)]
    board.end(sendings[2])
    board.end(sendings[0])
    assert board.taken() == []
    board.end(sendings[1])
    assert board.taken() == ["e2/0"]


def test_an_event_without_a_send_goes_to_the_tracker_when_its_turn_has_come(board: Board) -> None:
    board.add(work("e1"), work("e2", sends=0), work("e3"))
    assert board.tracked == []
    board.end(board.take())
    assert ids(board.tracked) == ["e2"]
    assert board.taken() == []
    board.lanes.finish([board.tracked[0]])
    assert board.taken() == ["e3/0"]


def test_on_their_way_is_what_is_in_a_lane_and_has_not_ended(board: Board) -> None:
    """A dead letter is not: its record may be redriven before it has left."""
    letter = work("e3", sends=0, prepared={"dead_letter": True})
    board.add(work("e1"), work("e2"), letter, work("f1", "b"))
    atom = letter.atom
    assert board.lanes.on_their_way([atom, "unknown"]) == {atom: {"e1", "e2"}}
    board.end(board.take())
    assert board.lanes.on_their_way([atom]) == {atom: {"e2"}}


# -- fairness --------------------------------------------------------------------------------


def test_a_tenant_with_a_thousand_waiting_does_not_delay_another_tenants_single(
    board: Board,
) -> None:
    board.add(*(work(f"storm{n}", f"s{n}", tenant_id="loud") for n in range(1000)))
    board.take()
    board.add(work("single", "q", tenant_id="quiet"))
    assert "single/0" in [board.take().send.notification.uid for _ in range(2)]


def test_tenants_are_served_one_after_the_other(board: Board) -> None:
    board.add(*(work(f"{t}{n}", f"{t}{n}", tenant_id=t) for t in "xyz" for n in range(2)))
    assert [uid[0] for uid in board.taken()] == ["x", "y", "z"] * 2


# -- another attempt -------------------------------------------------------------------------


def test_a_deferred_send_comes_back_when_its_time_has_come(board: Board) -> None:
    board.add(work("e1"))
    board.defer(board.take(), 30)
    board.clock.advance(29)
    assert board.taken() == []
    board.clock.advance(1)
    again = board.take()
    assert (again.send.notification.uid, again.attempt) == ("e1/0", 2)


def test_deferred_sends_come_back_in_the_order_of_their_times(board: Board) -> None:
    board.add(work("e1", "a"), work("e2", "b"), work("e3", "c"))
    for seconds in (30, 10, 20):
        board.defer(board.take(), seconds)
    board.clock.advance(30)
    assert board.taken() == ["e2/0", "e3/0", "e1/0"]


def test_a_newer_state_makes_a_deferred_send_come_back_at_once(board: Board) -> None:
    board.add(work("e1", state=CRITICAL))
    board.defer(board.take(), 30)
    board.add(work("e2", state=OK))
    again = board.take()
    assert again.send.notification.uid == "e1/0"
    assert board.lanes.newer_states(again.work)


def test_a_send_deferred_behind_a_newer_state_does_not_wait(board: Board) -> None:
    board.add(work("e1", state=CRITICAL), work("e2", state=OK))
    board.defer(board.take(), 30)
    assert board.taken() == ["e1/0"]


@pytest.mark.parametrize("first", [True, False], ids=["before it waits", "while it waits"])
def test_a_first_attempt_that_waits_at_a_closed_gate_keeps_its_time(
    board: Board, first: bool
) -> None:
    """It is not superseded, so it would only spin at the gate."""
    board.add(work("e1", state=CRITICAL), *([work("e2", state=OK)] if first else []))
    sending = board.take()
    board.lanes.landed()
    board.lanes.retry(sending, 30)
    board.add(*([] if first else [work("e2", state=OK)]))
    assert board.taken() == []
    board.clock.advance(30)
    assert board.taken() == ["e1/0"]


@pytest.mark.parametrize(
    "newer",
    [
        work("again", sends=0, advances=False, state=OK, prepared={"endings": [ending()]}),
        work("same", sends=0, state=CRITICAL, prepared={"endings": [ending()]}),
    ],
    ids=["duplicate", "the same state again"],
)
def test_an_event_that_is_no_newer_state_overtakes_nothing(board: Board, newer: Work) -> None:
    """A repeated CRITICAL is not sent itself: superseding the first one would leave none."""
    board.add(work("e1", state=CRITICAL))
    board.defer(board.take(), 30)
    board.add(newer)
    assert board.taken() == []
    board.clock.advance(30)
    assert not board.lanes.newer_states(board.take().work)


def test_what_is_put_back_keeps_its_place_and_its_attempt(board: Board) -> None:
    board.add(work("e1", "a"), work("e2", "b"))
    first = board.take()
    board.lanes.put_back([first])
    assert board.lanes.in_flight == 0
    assert board.taken() == ["e1/0", "e2/0"]
    assert first.attempt == 1


# -- counts, and waiting -----------------------------------------------------------------------


def test_counts_return_to_zero(board: Board) -> None:
    works = [work("e1", "a", sends=2), work("e2", "a", sends=0), work("e3", "b")]
    board.add(*works)
    assert board.counts == (3, sum(w.size for w in works), 0)
    for _ in range(3):
        board.end(board.take())
    board.lanes.finish([board.tracked[0]])
    assert board.counts == (0, 0, 0)
    assert works[0].atom not in board.lanes.atoms()


def test_quiet_means_nothing_left_of_the_partitions_asked_for(board: Board) -> None:
    board.add(work("e1", "a", at=(FIRST, 1)))
    assert board.lanes.wait_quiet(0, [SECOND])
    assert not board.lanes.wait_quiet(0, [FIRST])
    assert not board.lanes.wait_quiet(0)


def test_waiting_for_quiet_ends_when_the_last_event_does(board: Board) -> None:
    board.add(work("e1"))
    sending = board.take()
    answers: list[bool] = []
    waiter = threading.Thread(target=lambda: answers.append(board.lanes.wait_quiet(SOON)))
    waiter.start()
    board.end(sending)
    waiter.join(SOON)
    assert answers == [True]


def test_a_waiting_sender_wakes_for_an_event_and_for_the_close(board: Board) -> None:
    taken: list[Sequence[Sending]] = []
    sender = threading.Thread(
        target=lambda: taken.extend(board.lanes.take(3600) for _ in range(2)), daemon=True
    )
    sender.start()
    board.add(work("e1"))
    until(lambda: len(taken) == 1, "the event is taken")
    board.lanes.close()
    sender.join(SOON)
    assert [[s.send.notification.uid for s in sendings] for sendings in taken] == [["e1/0"], []]


def test_closed_lanes_hand_out_nothing(board: Board) -> None:
    board.add(work("e1"))
    board.lanes.close()
    assert not board.lanes.take(0)
