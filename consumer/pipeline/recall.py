"""Before the lock: recoveries that name only their problem become events of its alarm.

All problems of a batch are kept first, so that a recovery beside its problem finds it; it goes
behind it, whichever partition was read first. One whose problem is not known yet comes out as it
went in, under a name that no alarm has: it waits for nobody, nobody waits for it, and in the end
the lookup gives it up.
"""

from collections.abc import Mapping, Sequence

from consumer.domain.alarm import AlarmEvent
from consumer.domain.recovery import RememberProblems, is_remembered, problem_of, recovered


def recall(
    events: Sequence[AlarmEvent], remember: RememberProblems
) -> list[tuple[int, AlarmEvent]]:
    """The events in the order in which they go on, each with its place in what was given.

    Raises LedgerUnavailable, and may be repeated then.
    """
    told = [event for event in events if is_remembered(event)]
    wanted = {problem for event in events if (problem := problem_of(event)) is not None}
    known = remember(told, wanted) if told or wanted else {}
    return [(place, _recalled(events[place], known)) for place in _places(events)]


def _places(events: Sequence[AlarmEvent]) -> list[int]:
    """As they came, but no recovery before its problem."""
    problems = {event.id: place for place, event in enumerate(events) if is_remembered(event)}

    def turn(place: int) -> tuple[int, bool]:
        behind = problems.get(problem_of(events[place]) or "", -1)
        return max(place, behind), behind > place

    return sorted(range(len(events)), key=turn)


def _recalled(event: AlarmEvent, known: Mapping[str, AlarmEvent]) -> AlarmEvent:
    problem = known.get(problem_of(event) or "")
    return event if problem is None else recovered(problem, event)
