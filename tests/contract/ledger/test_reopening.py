"""Events opened again: what was not sent may be, what was sent stays sent."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from consumer.adapters.ledger import SqlLedger
from consumer.domain.ledger import DeliveryRow, DeliveryState
from consumer.domain.reasons import Reason
from tests.contract.ledger.values import ATOM, NOW, closing, mark, request, settlement, win

LATE = NOW + 3600


def row(ledger: SqlLedger, uid: str = "n1") -> DeliveryRow:
    (found,) = ledger.find_deliveries(uid=uid)
    return found


def ended(ledger: SqlLedger, state: DeliveryState, reason: str, uid: str = "n1") -> None:
    """One notification that was begun, and the end of its event."""
    win(ledger, "a")
    ledger.mark_sending("a", [mark(uid=uid)], NOW)
    ledger.settle("a", [settlement(uid=uid, state=state, reason=reason)], NOW + 1)
    ledger.close_events([closing()], NOW + 2)


@pytest.mark.parametrize("state", [DeliveryState.EXPIRED, DeliveryState.FAILED])
def test_what_was_given_up_may_be_tried_again(ledger: SqlLedger, state: DeliveryState) -> None:
    """Under its identity, by whoever owns the atom, as the next attempt."""
    ended(ledger, state, "too_old")
    assert list(ledger.reopen(["e1"], LATE)) == ["e1"]
    assert (row(ledger).state, row(ledger).updated_at) == (DeliveryState.DEFERRED, LATE)
    claims = ledger.claim("a", [request(ATOM, "e1")], LATE)
    assert not claims.events
    assert claims.deliveries.keys() == {"n1"}
    fence = claims.won[ATOM].fence
    assert not ledger.mark_sending("a", [mark(fence=fence, attempt=2)], LATE)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (DeliveryState.ACCEPTED, "queued"),
        (DeliveryState.SUPERSEDED, "state_moved_on"),
        (DeliveryState.IN_DOUBT, "answer_lost"),
    ],
)
def test_what_was_sent_or_is_moot_or_looked_up_stays(
    ledger: SqlLedger, state: DeliveryState, reason: str
) -> None:
    ended(ledger, state, reason)
    before = row(ledger)
    assert list(ledger.reopen(["e1"], LATE)) == ["e1"]
    assert row(ledger) == before


def test_what_was_held_is_a_doubt_like_any_other_again(ledger: SqlLedger) -> None:
    """To be looked up by when it may have been sent, which is not now."""
    ended(ledger, DeliveryState.IN_DOUBT, Reason.HELD)
    ledger.reopen(["e1"], LATE)
    assert (row(ledger).state, row(ledger).reason) == (DeliveryState.IN_DOUBT, None)
    assert row(ledger).updated_at == NOW


def test_the_atom_stays_where_it_is(ledger: SqlLedger) -> None:
    """Whether the event is its last one is the lock's business."""
    ended(ledger, DeliveryState.EXPIRED, "too_old")
    before = ledger.claim("a", [request()], NOW).won[ATOM]
    ledger.reopen(["e1"], LATE)
    assert ledger.claim("a", [request()], NOW).won[ATOM] == before


def test_an_event_that_has_not_ended_is_left_alone(ledger: SqlLedger) -> None:
    """It is under way: one of its destinations may have its end already."""
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    ledger.settle("a", [settlement(state=DeliveryState.FAILED)], NOW)
    assert list(ledger.reopen(["e1", "unknown"], LATE)) == []
    assert row(ledger).state is DeliveryState.FAILED


def test_other_events_are_not_touched(ledger: SqlLedger) -> None:
    ended(ledger, DeliveryState.FAILED, "provider_rejected")
    ledger.close_events([closing(event_id="e2", timestamp_ms=closing().timestamp_ms + 1)], NOW)
    assert list(ledger.reopen(["e2"], LATE)) == ["e2"]
    assert ledger.find_events(["e1", "e2"]).keys() == {"e1"}
    assert row(ledger).state is DeliveryState.FAILED


def test_opened_twice_is_opened_once(ledger: SqlLedger) -> None:
    """A command that died half-way is simply run again."""
    ended(ledger, DeliveryState.FAILED, "provider_rejected")
    ledger.reopen(["e1"], LATE)
    before = row(ledger)
    assert list(ledger.reopen(["e1"], LATE + 1)) == []
    assert row(ledger) == before
    assert list(ledger.reopen([], LATE)) == []


def test_it_may_end_again(ledger: SqlLedger) -> None:
    """And the atom that had moved on to it stands there still."""
    ended(ledger, DeliveryState.FAILED, "provider_rejected")
    ledger.reopen(["e1"], LATE)
    ledger.close_events([closing(outcome="accepted")], LATE + 1)
    again = ledger.find_events(["e1"])["e1"]
    assert (again.outcome, again.closed_at) == ("accepted", LATE + 1)
    assert ledger.claim("a", [request()], NOW).won[ATOM].last_event_id == "e1"


def test_many_at_once_beside_closing_consumers_do_not_deadlock(
    ledger: SqlLedger, open_another: Callable[[], SqlLedger]
) -> None:
    names = [f"atom {number}" for number in range(40)]
    ledger.heartbeat("a", NOW, 30)
    ledger.claim("a", [request(name) for name in names], NOW)
    closings = [closing(event_id=f"e {name}", atom=name) for name in names]
    ids = [each.event_id for each in closings]
    other = open_another()

    def close() -> None:
        for _ in range(10):
            ledger.close_events(closings, NOW)

    def reopen() -> int:
        return sum(len(other.reopen(ids[::-1], LATE)) for _ in range(10))

    with ThreadPoolExecutor(2) as pool:
        closed, opened = pool.submit(close), pool.submit(reopen)
        closed.result(timeout=30)
        left = len(ledger.find_events(ids))
        assert (opened.result(timeout=30) + left) % len(names) == 0
