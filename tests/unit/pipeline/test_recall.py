"""Recoveries that name only their problem: whose they are, and what if that is not known."""

from collections.abc import Collection, Mapping

import pytest

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.reasons import Kind, Reason
from consumer.domain.recovery import recovers, remembered
from consumer.pipeline.pipeline import NotYet, Prepared
from consumer.pipeline.recall import recall
from tests.support.factories import make_event
from tests.support.pipeline import Bench

LATER = 1_392_138_793_810


class Memory:
    """Remembers as the ledger does."""

    def __init__(self, *known: AlarmEvent) -> None:
        self.known = {event.id: event for event in known}
        self.asked = 0

    def remember(
        self, told: Collection[AlarmEvent], wanted: Collection[str]
    ) -> Mapping[str, AlarmEvent]:
        self.asked += 1
        self.known = {event.id: event for event in told} | self.known
        return {id_: self.known[id_] for id_ in wanted if id_ in self.known}


def problem(id_: str = "p1", **changes: object) -> AlarmEvent:
    return make_event(id=id_, attributes=remembered() | {"group": "Shop"}, **changes)


def recovery(of: str = "p1", **changes: object) -> AlarmEvent:
    ids = dict.fromkeys(("entity_id", "check_id", "alarm_id"), f"problem {of}")
    told: dict[str, object] = {"timestamp": LATER, "previous_state": None, "status": "Resolved"}
    return make_event(
        **({"id": f"r-{of}", "state": State.OK, "attributes": recovers(of)} | ids | told | changes)
    )


def recalled(memory: Memory, *events: AlarmEvent) -> list[AlarmEvent]:
    return [event for _, event in recall(events, memory.remember)]


def test_a_recovery_becomes_an_event_of_its_problems_alarm() -> None:
    (found,) = recalled(Memory(problem()), recovery())
    assert found.atom == problem().atom
    assert (found.id, found.state, found.previous_state) == ("r-p1", State.OK, State.CRITICAL)
    assert found.timestamp == LATER
    assert found.attributes == {"group": "Shop"}


def test_a_problem_of_the_same_batch_is_known() -> None:
    _, found = recalled(Memory(), problem(), recovery())
    assert found.atom == problem().atom


def test_a_recovery_that_was_read_first_goes_behind_its_problem() -> None:
    """Its partition was the first; all others keep their places."""
    plain = make_event(id="plain")
    given = [recovery(), plain, problem(), recovery("p2"), problem("p0")]
    found = recall(given, Memory().remember)
    assert [place for place, _ in found] == [1, 2, 0, 3, 4]
    assert [event.id for _, event in found] == ["plain", "p1", "r-p1", "r-p2", "p0"]


def test_a_problem_that_came_back_does_not_swallow_the_recovery_between() -> None:
    given = [problem(), recovery(), problem("p2")]
    assert [event.id for event in recalled(Memory(), *given)] == ["p1", "r-p1", "p2"]


def test_a_recovery_of_an_unknown_problem_stays_as_it_is() -> None:
    assert recalled(Memory(), recovery()) == [recovery()]


def test_other_events_are_not_asked_about() -> None:
    memory = Memory()
    assert recalled(memory, make_event()) == [make_event()]
    assert memory.asked == 0


@pytest.mark.parametrize("state", [State.WARNING, State.UNKNOWN])
def test_only_an_ok_is_a_recovery(state: State) -> None:
    given = recovery(state=state)
    assert recalled(Memory(problem()), given) == [given]


def test_it_is_looked_up_for_a_while_and_then_it_is_a_dead_letter() -> None:
    """An OK that follows nothing would be no news; this one follows something we do not know."""
    bench = Bench()
    (first,) = bench.prepare(recovery())
    assert isinstance(first, NotYet)
    (last,) = bench.prepare(recovery(), waited=60.0)
    assert isinstance(last, Prepared)
    assert last.dead_letter
    (end,) = last.endings
    assert (end.kind, end.reason) == (Kind.LOOKUP_FAILED, Reason.NOT_IN_CATALOG)
    assert end.message.startswith("problem p1, which this recovery ends, is not known")


def test_its_mail_is_about_what_the_problem_was_about() -> None:
    bench = Bench()
    (found,) = recalled(Memory(problem()), recovery())
    (answer,) = bench.prepare(found)
    assert isinstance(answer, Prepared)
    assert "shop front page on shop-load-balancer" in answer.sends[0].email.subject
    assert "OK" in answer.sends[0].email.subject
    assert "Resolved: The page did not contain" in answer.sends[0].email.text
