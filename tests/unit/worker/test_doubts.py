"""The schedule of lookups: at once, ever more seldom, once more at the end, and never for ever."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.alarm import State
from consumer.worker.doubts import budget_seconds, next_lookup

BUDGETS = {State.CRITICAL: 60.0, State.WARNING: 300.0, State.OK: 1800.0}


def moments(budget: float, *, answered: bool) -> list[float]:
    """Ages at which it is looked up, when each lookup takes no time."""
    ages = [0.0]
    while (wait := next_lookup(ages[-1], ages[-1], budget, answered=answered)) is not None:
        ages.append(ages[-1] + wait)
    return ages


def test_a_critical_one_is_looked_up_eight_times_within_its_minute() -> None:
    assert moments(60.0, answered=True) == [0, 1, 2, 4, 8, 15, 30, 60]


def test_a_patient_one_is_looked_up_once_a_minute_in_the_end() -> None:
    assert moments(300.0, answered=True) == [0, 1, 2, 4, 8, 15, 30, 60, 120, 180, 240, 300]


def test_a_short_budget_still_has_its_last_lookup() -> None:
    assert moments(1.5, answered=True) == [0, 1, 1.5]


def test_lookups_without_an_answer_are_repeated_for_two_budgets() -> None:
    """One lookup that failed is no reason to send twice, a provider that is gone none to wait."""
    ages = moments(60.0, answered=False)
    assert ages[-1] == 120.0
    assert {later - earlier for earlier, later in pairwise(ages)} == {2.0}


@given(budget=st.floats(0.1, 4000), answered=st.booleans())
def test_it_ends_and_never_before_its_budget(budget: float, answered: bool) -> None:
    ages = moments(budget, answered=answered)
    assert budget <= ages[-1] <= 2 * budget + 2
    assert all(later > earlier for earlier, later in pairwise(ages))


@given(age=st.floats(0, 4000), budget=st.floats(0.1, 4000))
def test_an_old_doubt_that_was_looked_up_once_is_at_its_end(age: float, budget: float) -> None:
    """It was left behind by a process that died long ago: the records have caught up."""
    wait = next_lookup(age, 0.0, budget, answered=True)
    assert (wait is None) == (age >= budget)
    assert wait is None or 0 < wait <= 60


def test_the_time_in_which_nobody_asked_is_no_patience() -> None:
    """Two processes died before the third could ask, and its first lookup is not answered."""
    assert next_lookup(600.0, 0.0, 60.0, answered=False) == 2.0
    assert next_lookup(659.0, 59.0, 60.0, answered=False) == 2.0
    assert next_lookup(660.0, 60.0, 60.0, answered=False) is None


@pytest.mark.parametrize(
    ("state", "behind", "seconds"),
    [
        (State.OK, [], 1800.0),
        (State.OK, [State.CRITICAL], 60.0),
        (State.CRITICAL, [State.OK], 60.0),
        (State.OK, [State.WARNING, State.CRITICAL], 60.0),
    ],
)
def test_nobody_waits_behind_a_doubt_longer_than_its_own_state_allows(
    state: State, behind: list[State], seconds: float
) -> None:
    assert budget_seconds(state, behind, BUDGETS) == seconds
