"""So many requests at once, and then at a steady rate."""

import pytest

from consumer.ingest.rates import Rates
from tests.support.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_a_burst_is_let_in_and_then_one_at_a_time(clock: ManualClock) -> None:
    rates = Rates(["a"], per_second=2.0, burst=3, clock=clock)
    assert [rates.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]
    clock.advance(0.25)
    assert rates.wait("a") == pytest.approx(0.25)
    clock.advance(0.25)
    assert [rates.wait("a"), rates.wait("a")] == [0, 0.5]


def test_whoever_is_refused_does_not_wait_longer_for_having_asked(clock: ManualClock) -> None:
    rates = Rates(["a"], per_second=1.0, burst=1, clock=clock)
    rates.wait("a")
    assert {rates.wait("a") for _ in range(10)} == {1.0}


def test_a_quiet_time_saves_up_no_more_than_a_burst(clock: ManualClock) -> None:
    rates = Rates(["a"], per_second=100.0, burst=2, clock=clock)
    clock.advance(3600)
    assert [rates.wait("a") > 0 for _ in range(3)] == [False, False, True]


def test_one_client_does_not_use_up_what_is_anothers(clock: ManualClock) -> None:
    rates = Rates(["a", "b"], per_second=1.0, burst=1, clock=clock)
    assert rates.wait("a") == 0
    assert rates.wait("a") > 0
    assert rates.wait("b") == 0
