"""How long a send in doubt is looked up, and when: the schedule. Pure.

Mailgun's records lag behind its answers by seconds, at worst by half an hour. So a doubt is
looked up at once, then ever more seldom, and once more when its budget is over. The budget is the
time that the alarm's state allows, never more than the state of a newer event behind it allows.
"""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from consumer.domain.alarm import State

#: Seconds after the send; beyond them every `_THEN` seconds.
_LOOKUPS: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
_THEN: Final = 60.0
#: A lookup that was not answered says nothing: seconds until it is asked again ...
_ASK_AGAIN: Final = 2.0
#: ... for one budget more, and for one budget at least since we began to ask: the time in which
#: nobody asked does not count. After that an alarm is better told twice than never.
_PATIENCE: Final = 2.0


class Doubt(msgspec.Struct):
    """One send whose answer was lost."""

    #: When it may have left, epoch seconds.
    since: float
    #: When the first attempt may have left, under the same Message-Id.
    first_sent: float
    #: Who may have it.
    transport: str
    #: Another process left it behind, which may wake up and still say what became of it.
    inherited: bool = False
    #: There is a tracking record that says so.
    told: bool = False
    lookups: int = 0
    #: When this process first asked, epoch seconds.
    asked_since: float | None = None


def budget_seconds(
    state: State, behind: Collection[State], budgets: Mapping[State, float]
) -> float:
    """How long the doubt may last; `behind` are the states of newer events that wait for it."""
    return min(budgets[each] for each in (state, *behind))


def next_lookup(age: float, asking: float, budget: float, *, answered: bool) -> float | None:
    """Seconds until the next lookup; None: the time is over, nothing was found.

    `age` is seconds since the send, `asking` since the first lookup of this process; `answered`:
    the last lookup was, and found nothing.
    """
    if age >= budget:
        tired = age >= budget * _PATIENCE and asking >= budget
        return None if answered or tired else _ASK_AGAIN
    if not answered:
        return min(_ASK_AGAIN, budget - age)
    beyond = _LOOKUPS[-1] + _THEN * (max(0.0, age - _LOOKUPS[-1]) // _THEN + 1)
    due = next((moment for moment in _LOOKUPS if moment > age), beyond)
    return min(due, budget) - age
