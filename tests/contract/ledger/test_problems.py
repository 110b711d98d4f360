"""What the ledger keeps of problems whose recovery names nothing but their event."""

from collections.abc import Callable

from consumer.adapters.ledger import SqlLedger
from consumer.domain.alarm import AlarmEvent, State
from tests.contract.ledger.values import LEASE, NOW, closing, win
from tests.support.factories import make_event

FAR_AHEAD = 4_102_444_800.0


def problem(id_: str = "p1", alarm: str = "a", **changes: object) -> AlarmEvent:
    return make_event(id=id_, alarm_id=alarm, **changes)


def test_a_problem_comes_back_as_it_was_told(ledger: SqlLedger) -> None:
    told = problem(entity={"label": "Wéb 1"}, attributes={"group": "Shop\0"})
    assert ledger.problems.remember([told, problem("p2", "b")], {"p1", "p3"}) == {"p1": told}


def test_all_processes_know_it(open_another: Callable[[], SqlLedger]) -> None:
    open_another().problems.remember([problem()], ())
    assert open_another().problems.remember((), {"p1"}) == {"p1": problem()}


def test_the_first_word_on_a_problem_stands(ledger: SqlLedger) -> None:
    """Settings that changed in between do not move it to another alarm."""
    ledger.problems.remember([problem(), problem("p1", "b")], ())
    ledger.problems.remember([problem("p1", "c")], ())
    assert ledger.problems.remember([problem("p1", "d")], {"p1"}) == {"p1": problem()}


def test_nothing_told_and_nothing_asked_is_no_work(ledger: SqlLedger) -> None:
    ledger.close()
    assert ledger.problems.remember((), ()) == {}


def test_a_problem_is_forgotten_after_its_alarm(ledger: SqlLedger) -> None:
    told = problem()
    ledger.problems.remember([told], ())
    win(ledger, "one", told.atom)
    ledger.close_events([closing(atom=told.atom)], NOW)
    ledger.release_all("one")
    while ledger.prune(FAR_AHEAD, 100):
        pass
    assert ledger.problems.remember((), {"p1"}), "the alarm is not over"

    over = closing(event_id="e2", atom=told.atom, state=State.OK, timestamp_ms=1_392_138_733_820)
    ledger.close_events([over], NOW + LEASE)
    assert ledger.prune(FAR_AHEAD, 1) == 1
    assert ledger.problems.remember((), {"p1"}), "limits hold for all tables together"
    while ledger.prune(FAR_AHEAD, 100):
        pass
    assert not ledger.problems.remember((), {"p1"})
