"""The breaker: opens after failures in a row, lets one probe through, closes at a success."""

import pytest

from consumer.domain.reasons import Kind, Reason
from consumer.worker.breaker import Breaker
from tests.support.clock import ManualClock
from tests.support.worker import result

BLAMED = result(Kind.IN_DOUBT, reason=Reason.SERVER_ERROR)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breaker(clock: ManualClock) -> Breaker:
    return Breaker(clock, failures=3, probe_seconds=2.0)


def fail(breaker: Breaker, times: int = 3) -> None:
    for _ in range(times):
        breaker.record(BLAMED)


def test_it_opens_after_so_many_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.record(result())
    fail(breaker, 2)
    assert not breaker.is_open
    fail(breaker, 1)
    assert (breaker.is_open, breaker.opens_in()) == (True, 2.0)


@pytest.mark.parametrize(
    "told",
    [
        result(Kind.DEFERRED, reason=Reason.THROTTLED),
        result(Kind.IN_DOUBT, reason=Reason.INTERRUPTED),
    ],
    ids=["throttled", "a defect of ours"],
)
def test_what_does_not_blame_the_transport_is_neither_failure_nor_success(
    breaker: Breaker, told: object
) -> None:
    fail(breaker, 2)
    breaker.record(told)  # type: ignore[arg-type]  # parametrized
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open


def test_one_probe_at_a_time(breaker: Breaker, clock: ManualClock) -> None:
    """A provider that hangs holds one sender, not all of them."""
    fail(breaker)
    clock.advance(2.0)
    assert breaker.opens_in() == 0.0
    assert breaker.admit() == (0.0, True)
    clock.advance(60.0)
    assert breaker.admit() == (2.0, False)


def test_a_failed_probe_is_followed_by_another_after_the_interval(
    breaker: Breaker, clock: ManualClock
) -> None:
    fail(breaker)
    clock.advance(2.0)
    assert breaker.admit() == (0.0, True)
    assert breaker.record(BLAMED, probe=True) is None
    assert breaker.admit() == (2.0, False)
    clock.advance(2.0)
    assert breaker.admit() == (0.0, True)


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.FAILED])
def test_an_answer_closes_it(breaker: Breaker, clock: ManualClock, kind: Kind) -> None:
    """A refused email says that the transport works."""
    fail(breaker)
    clock.advance(2.0)
    assert breaker.admit() == (0.0, True)
    assert breaker.record(result(kind), probe=True) is True
    assert breaker.admit() == (0.0, False)
    assert breaker.admit() == (0.0, False)


def test_what_was_tried_in_vain_is_the_probe_only_where_nobody_else_is(
    breaker: Breaker, clock: ManualClock
) -> None:
    """Half an interval is enough for anybody else to come first."""
    fail(breaker)
    clock.advance(2.0)
    assert breaker.admit(tried=True) == (1.0, False)
    clock.advance(1.0)
    assert breaker.admit(tried=True) == (0.0, True)


def test_a_probe_that_was_not_sent_makes_room_for_the_next(
    breaker: Breaker, clock: ManualClock
) -> None:
    fail(breaker)
    clock.advance(2.0)
    assert breaker.admit() == (0.0, True)
    breaker.unused(probe=True)
    clock.advance(2.0)
    assert breaker.admit() == (0.0, True)


def test_answers_of_calls_that_were_under_way_change_nothing_of_the_probe(
    breaker: Breaker, clock: ManualClock
) -> None:
    """Thirty senders may fail together: the first failures open it, the rest only confirm."""
    fail(breaker, 30)
    clock.advance(2.0)
    assert breaker.admit() == (0.0, True)
    fail(breaker, 1)
    clock.advance(60.0)
    assert breaker.admit() == (2.0, False), "the probe is still under way"


def test_it_says_itself_when_it_opens_and_when_it_closes(breaker: Breaker) -> None:
    """Whoever looked before and after would miss what others did in between."""
    fail(breaker, 2)
    assert breaker.record(BLAMED) is False
    assert breaker.record(BLAMED) is None
    assert breaker.record(result()) is True
    assert breaker.record(result()) is None
