"""Recoveries that name only the problem they end.

Zabbix tells a problem with its host and name, and its end with the problem's number alone. So a
problem is remembered as it was told, and its recovery becomes an event of the same alarm: the
problem's ids, its snapshots and labels, the state OK. Until its problem is known, a recovery
stands under a name of its own, which no alarm has.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.follow_up import OWN_ATTRIBUTES

#: On a problem: it is to be remembered, by its event's id.
_REMEMBERED: Final = f"{OWN_ATTRIBUTES}problem"
#: On a recovery: the id of its problem's event.
_RECOVERS: Final = f"{OWN_ATTRIBUTES}recovers"

#: Keeps problems, of which the first word on each stands, and answers those that are asked for, by
#: event id; the same call may do both. Raises LedgerUnavailable.
RememberProblems = Callable[[Collection[AlarmEvent], Collection[str]], Mapping[str, AlarmEvent]]


def remembered() -> dict[str, str]:
    """Attributes of a problem that is to be remembered."""
    return {_REMEMBERED: "yes"}


def recovers(problem_id: str) -> dict[str, str]:
    """Attributes of a recovery that names only the event of its problem."""
    return {_RECOVERS: problem_id}


def is_remembered(event: AlarmEvent) -> bool:
    return _REMEMBERED in event.attributes and event.state is not State.OK


def problem_of(event: AlarmEvent) -> str | None:
    """The id of the problem that must be known first; None: it says itself whose it is."""
    return event.attributes.get(_RECOVERS) if event.state is State.OK else None


def concerns_recovery(event: AlarmEvent) -> bool:
    """Whether the memory has to be asked about it."""
    return is_remembered(event) or problem_of(event) is not None


def recovered(problem: AlarmEvent, recovery: AlarmEvent) -> AlarmEvent:
    """The recovery as an event of its problem's alarm."""
    told = (recovery.status, problem.status)
    labels = {name: text for name, text in problem.attributes.items() if name != _REMEMBERED}
    return msgspec.structs.replace(
        problem,
        id=recovery.id,
        state=recovery.state,
        previous_state=problem.state,
        status=": ".join(text for text in told if text) or None,
        timestamp=recovery.timestamp,
        produced_at=recovery.produced_at,
        txn_id=recovery.txn_id,
        metrics=None,
        test=recovery.test,
        replay=recovery.replay,
        attributes=labels,
    )
