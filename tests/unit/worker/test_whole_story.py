"""Lanes for what is told late: a newer state behind it makes no event superfluous."""

from consumer.worker.lanes import Lanes
from consumer.worker.whole_story import WholeStory
from tests.support.clock import ManualClock
from tests.support.worker import CRITICAL, OK, work


def test_what_was_tried_goes_although_a_newer_state_waits_behind_it() -> None:
    for make, newer in ((Lanes, {OK}), (WholeStory, set())):
        lanes = make(ManualClock(), lambda _: None)
        first = work("first", state=CRITICAL, attempt=2)
        lanes.add([first, work("second", state=OK)])
        assert set(lanes.newer_states(first)) == newer
