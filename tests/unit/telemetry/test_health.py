"""Health: ready while every dependency that was heard of answers; alive while the loop turns."""

import pytest

from consumer.telemetry.health import Condition, Health, alive, excuses, is_ready


def test_ready_as_long_as_nobody_complains() -> None:
    health = Health()
    assert is_ready(health.conditions())
    health.report("kafka", True)
    health.report("ledger", False, "no route")
    assert not is_ready(health.conditions())
    assert health.conditions()["ledger"] == Condition(False, "no route")
    health.report("ledger", True)
    assert is_ready(health.conditions())


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


AWAY = Condition(False, "refused")
CARRIERS = {"mailgun": "smtp", "smtp": "mailgun"}


@pytest.mark.parametrize(
    ("conditions", "in_doubt", "excused"),
    [
        ({"mailgun": AWAY}, 0, {"mailgun": "smtp carries"}),
        ({"smtp": AWAY, "mailgun": Condition(True)}, 0, {"smtp": "mailgun carries"}),
        ({"mailgun": AWAY, "smtp": AWAY}, 0, {}),
        ({"mailgun_lookup": AWAY}, 0, {"mailgun_lookup": "nothing is in doubt"}),
        ({"mailgun_lookup": AWAY}, 1, {}),
        ({"kafka": AWAY}, 0, {}),
        ({"mailgun": Condition(True), "smtp": Condition(True)}, 0, {}),
    ],
)
def test_nobody_waits_for_what_another_does_or_what_nobody_needs(
    conditions: dict[str, Condition], in_doubt: int, excused: dict[str, str]
) -> None:
    assert excuses(conditions, CARRIERS, in_doubt) == excused


def test_what_nobody_waits_for_does_not_keep_from_being_ready() -> None:
    conditions = {"kafka": Condition(True), "mailgun": AWAY}
    assert not is_ready(conditions)
    assert is_ready(conditions, {"mailgun": "smtp carries"})
