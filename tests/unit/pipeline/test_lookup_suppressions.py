"""When a maintenance window silences an event."""

from typing import Any

import pytest

from consumer.domain.catalog import Suppression
from consumer.domain.notification import Context
from consumer.pipeline.lookup import lookup, suppresses
from tests.support.catalog import whole_catalog
from tests.support.factories import make_event

START, END = 1_392_138_000_000, 1_392_138_600_000
HERE = {
    "entities": ["enW3bSrv01"],
    "checks": ["enW3bSrv01:chHttpW3b1"],
    "alarms": ["enW3bSrv01:alBodyM4tc"],
}
ELSEWHERE = {
    "entities": ["enOther"],
    "checks": ["enOther:chHttpW3b1", "chHttpW3b1"],
    "alarms": ["enOther:alBodyM4tc", "enW3bSrv01:chHttpW3b1", "alBodyM4tc"],
}
OUR_PLAN, OTHER_PLAN = ["npOnCall01"], ["npOther"]


def window(**changes: Any) -> Suppression:
    values: dict[str, Any] = {"id": "sp1", "start_time": START, "end_time": END}
    return Suppression(**(values | changes))


def silenced(suppression: Suppression, now_ms: int = START) -> bool:
    return suppresses(suppression, make_event(), "npOnCall01", now_ms)


@pytest.mark.parametrize(
    ("now_ms", "active"),
    [(START - 1, False), (START, True), (END - 1, True), (END, False), (END + 1, False)],
)
def test_it_begins_with_its_start_and_is_over_at_its_end(now_ms: int, active: bool) -> None:
    assert silenced(window(), now_ms) is active


def test_no_start_means_from_ever() -> None:
    assert silenced(window(start_time=0), 1)


def test_no_end_is_no_window() -> None:
    assert not silenced(window(end_time=0))


def test_a_deleted_window_is_none() -> None:
    assert not silenced(window(deleted_at=1))


@pytest.mark.parametrize("none", [None, []])
def test_without_scope_it_silences_the_account(none: list[str] | None) -> None:
    assert silenced(window(notification_plans=none, entities=none, checks=none, alarms=none))


@pytest.mark.parametrize("scope", ["entities", "checks", "alarms"])
class TestScopes:
    def test_one_that_names_us(self, scope: str) -> None:
        assert silenced(window(**{scope: ["x:y", *HERE[scope]]}))

    def test_one_that_names_others(self, scope: str) -> None:
        assert not silenced(window(**{scope: ELSEWHERE[scope]}))

    def test_any_of_several_is_enough(self, scope: str) -> None:
        assert silenced(window(**ELSEWHERE | {scope: HERE[scope]}))

    @pytest.mark.parametrize(("plans", "expected"), [(OUR_PLAN, True), (OTHER_PLAN, False)])
    def test_plans_are_a_filter_on_top(self, scope: str, plans: list[str], expected: bool) -> None:
        assert silenced(window(**{scope: HERE[scope]}, notification_plans=plans)) is expected

    def test_our_plan_does_not_widen_a_scope(self, scope: str) -> None:
        assert not silenced(window(**{scope: ELSEWHERE[scope]}, notification_plans=OUR_PLAN))


@pytest.mark.parametrize(
    ("plans", "expected"),
    [(OUR_PLAN, True), (OTHER_PLAN, False), ([*OTHER_PLAN, *OUR_PLAN], True)],
)
def test_plans_alone_are_the_scope(plans: list[str], expected: bool) -> None:
    assert silenced(window(notification_plans=plans)) is expected


def test_the_lookup_names_every_window_in_force_for_the_plan_in_force() -> None:
    """The plan of the live alarm counts, not the event's hint."""
    catalog = whole_catalog(
        window(id="spAll"),
        window(id="spPlan", notification_plans=OUR_PLAN),
        window(id="spHint", notification_plans=["npHint"]),
        window(id="spOver", end_time=START),
    )
    event = make_event(notification_plan_id="npHint")
    (context,) = lookup([event], catalog, START)
    assert isinstance(context, Context)
    assert context.suppressed_by == ("spAll", "spPlan")
