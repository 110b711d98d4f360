"""At most so many a second."""

from consumer.experiments.pace import Pace


def test_events_are_spread_evenly() -> None:
    pace = Pace(4.0)
    now = 10.0
    for _ in range(8):
        now += pace.wait_seconds(now)
        pace.spend(now)
    assert now == 10.0 + 7 * 0.25


def test_quiet_time_is_not_saved_up() -> None:
    pace = Pace(1.0)
    pace.spend(10.0)
    pace.spend(100.0)
    assert pace.wait_seconds(100.0) == 1.0


def test_without_a_rate_nobody_waits() -> None:
    pace = Pace(None)
    pace.spend(10.0)
    assert pace.wait_seconds(10.0) == 0.0
