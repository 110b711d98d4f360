"""How many emails a call may carry is learned from refusals, and forgotten after a while."""

from consumer.adapters.mailgun.batch_limit import BELIEVED_SECONDS, BatchLimit
from tests.support.clock import ManualClock


def test_what_was_learned_holds_for_its_time() -> None:
    clock = ManualClock()
    limit = BatchLimit(clock, 1000)
    assert limit.emails == 1000
    limit.learn(10)
    assert limit.emails == 10
    clock.advance(BELIEVED_SECONDS - 1)
    assert limit.emails == 10
    clock.advance(1)
    assert limit.emails == 1000


def test_answers_that_come_late_do_not_raise_it() -> None:
    """Several full calls are under way when the first is refused."""
    limit = BatchLimit(ManualClock(), 1000)
    limit.learn(10)
    limit.learn(500)
    assert limit.emails == 10


def test_it_is_never_above_what_is_configured_nor_below_one() -> None:
    limit = BatchLimit(ManualClock(), 5)
    limit.learn(10)
    assert limit.emails == 5
    limit.learn(0)
    assert limit.emails == 1


def test_what_was_believed_before_is_forgotten_with_it() -> None:
    clock = ManualClock()
    limit = BatchLimit(clock, 1000)
    limit.learn(10)
    clock.advance(BELIEVED_SECONDS)
    limit.learn(500)
    assert limit.emails == 500


def test_what_is_left_of_a_limit_counts_until_that_begins_anew() -> None:
    """And changes nothing of what was learned about the account."""
    clock = ManualClock()
    limit = BatchLimit(clock, 1000)
    limit.learn(100)
    limit.narrow(40, 60.0)
    limit.narrow(70, 60.0)
    assert limit.emails == 40
    limit.narrow(0, 60.0)
    assert limit.emails == 1
    clock.advance(60)
    assert limit.emails == 100
