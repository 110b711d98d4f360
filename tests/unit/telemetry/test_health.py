"""Health: ready while every dependency that was heard of answers; alive while the loop turns."""

import pytest

from consumer.telemetry.health import Condition, Health, alive


def test_ready_as_long_as_nobody_complains() -> None:
    health = Health()
    assert health.ready()
    health.report("kafka", True)
    health.report("ledger", False, "no route")
    assert not health.ready()
    assert health.conditions()["ledger"] == Condition(False, "no route")
    health.report("ledger", True)
    assert health.ready()


def test_only_a_change_is_news() -> None:
    health = Health()
    told = [health.report("kafka", ok) for ok in (True, True, False, False, True)]
    assert told == [True, False, True, False, True]


def test_another_reason_for_the_same_outage_is_kept_but_no_news() -> None:
    health = Health()
    health.report("kafka", False, "refused")
    assert not health.report("kafka", False, "timed out")
    assert health.conditions()["kafka"].why == "timed out"


@pytest.mark.parametrize(("now", "expected"), [(159.9, True), (160.0, False)])
def test_alive_while_the_last_turn_is_not_too_long_ago(now: float, expected: bool) -> None:
    assert alive(now, 100.0, 60.0) is expected
