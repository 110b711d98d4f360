"""Lanes: order within an atom, side by side otherwise, fair among tenants, nothing left behind."""

import threading
from collections.abc import Sequence

import pytest

from consumer.worker.lanes import Lanes
from consumer.worker.work import Sending, Work
from tests.support.clock import ManualClock
from tests.support.worker import CRITICAL, FIRST, OK, SECOND, SOON, ending, until, work


class Board:
    """Lanes with a clock of ours, and what they handed to the tracker."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.tracked: list[Work] = []
        self.lanes = Lanes(self.clock, self.tracked.append)

    def add(self, *works: Work) -> None:
        self.lanes.add(works)

    def take(self) -> Sending:
        sending = self.lanes.take(0)
        assert sending is not None
        return sending

    def taken(self) -> list[str]:
        """Uids of all that a sender could take now."""
        uids = []
        while (sending := self.lanes.take(0)) is not None:
            uids.append(sending.send.notification.uid)
        return uids

    def end(self, sending: Sending) -> None:
        """A send with its final result; the event is finished with its last one."""
        self.lanes.landed()
        if self.lanes.send_ended(sending.work):
            self.lanes.finish(sending.work)

    def defer(self, sending: Sending, seconds: float) -> None:
        sending.attempt += 1
        self.lanes.landed()
        self.lanes.retry(sending, seconds)

    def refuse(self, sending: Sending) -> None:
        self.lanes.landed()
        assert self.lanes.send_ended(sending.work, refused=True)
        self.lanes.surrender(sending.work)

    @property
    def counts(self) -> tuple[int, int, int]:
        return (self.lanes.events, self.lanes.bytes, self.lanes.in_flight)


@pytest.fixture
def board() -> Board:
    return Board()


def ids(works: Sequence[Work]) -> list[str]:
    return [each.event.id for each in works]


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
    board.lanes.finish(board.tracked[0])
    assert board.taken() == ["e3/0"]


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
    assert board.lanes.overtaken(again.work)


def test_a_send_deferred_behind_a_newer_state_does_not_wait(board: Board) -> None:
    board.add(work("e1", state=CRITICAL), work("e2", state=OK))
    board.defer(board.take(), 30)
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
    assert not board.lanes.overtaken(board.take().work)


def test_what_is_put_back_keeps_its_place_and_its_attempt(board: Board) -> None:
    board.add(work("e1", "a"), work("e2", "b"))
    first = board.take()
    board.lanes.put_back(first)
    assert board.lanes.in_flight == 0
    assert board.taken() == ["e1/0", "e2/0"]
    assert first.attempt == 1


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
    assert not board.lanes.send_ended(one.work, refused=True)
    assert board.lanes.send_ended(two.work)
    assert two.work.refused


# -- counts, and waiting -----------------------------------------------------------------------


def test_counts_return_to_zero(board: Board) -> None:
    works = [work("e1", "a", sends=2), work("e2", "a", sends=0), work("e3", "b")]
    board.add(*works)
    assert board.counts == (3, sum(w.size for w in works), 0)
    for _ in range(3):
        board.end(board.take())
    board.lanes.finish(board.tracked[0])
    assert board.counts == (0, 0, 0)
    assert board.lanes.idle(works[0].atom)


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
    taken: list[Sending | None] = []
    sender = threading.Thread(
        target=lambda: taken.extend(board.lanes.take(3600) for _ in range(2)), daemon=True
    )
    sender.start()
    board.add(work("e1"))
    until(lambda: len(taken) == 1, "the event is taken")
    board.lanes.close()
    sender.join(SOON)
    assert [s and s.send.notification.uid for s in taken] == ["e1/0", None]


def test_closed_lanes_hand_out_nothing(board: Board) -> None:
    board.add(work("e1"))
    board.lanes.close()
    assert board.lanes.take(0) is None
