"""The gate: one sender's refusal is true for all, until its time is over."""

from consumer.adapters.mailgun.gate import Gate
from tests.support.clock import ManualClock


def test_it_is_open_until_it_is_closed_and_again_after_its_time() -> None:
    clock = ManualClock()
    gate = Gate(clock)
    assert gate.opens_in() == 0
    assert gate.close(10) == 10
    clock.advance(4)
    assert gate.opens_in() == 6
    clock.advance(6)
    assert gate.opens_in() == 0


def test_the_later_end_stands() -> None:
    """Answers of calls that were under way together come in any order."""
    gate = Gate(ManualClock())
    gate.close(30)
    assert gate.close(5) == 30


def test_a_wall_clock_that_is_set_back_does_not_lengthen_the_wait() -> None:
    class SetBack(ManualClock):
        def now(self) -> float:
            return super().now() - 3600

    gate = Gate(SetBack())
    assert gate.close(10) == 10
