"""Who wins an atom, and with which fence."""

from collections.abc import Callable

from consumer.adapters.ledger import SqlLedger
from consumer.domain.alarm import State
from consumer.domain.ledger import AtomState, DeliveryState, Held
from tests.contract.ledger.values import (
    ATOM,
    LATER,
    LEASE,
    NOW,
    closing,
    mark,
    request,
    settlement,
    win,
)


def test_free_atom_is_won_with_the_first_fence(ledger: SqlLedger) -> None:
    ledger.heartbeat("a", NOW, LEASE)
    claims = ledger.claim("a", [request(ATOM, "e1")], NOW)
    assert claims.won == {ATOM: AtomState(atom=ATOM, fence=1)}
    assert not claims.held
    assert not claims.events
    assert not claims.deliveries


def test_atom_that_is_ours_is_won_again_with_the_same_fence(ledger: SqlLedger) -> None:
    first = win(ledger, "a")
    assert win(ledger, "a") == first


def test_own_atom_stays_ours_when_our_lease_is_over_and_nobody_took_it(ledger: SqlLedger) -> None:
    first = win(ledger, "a")
    assert win(ledger, "a", now=LATER) == first


def test_atom_of_a_living_owner_is_held(ledger: SqlLedger) -> None:
    win(ledger, "a")
    claims = ledger.claim("b", [request()], NOW + LEASE)
    assert not claims.won
    assert claims.held == {ATOM: Held(atom=ATOM, owner="a", lease_until=NOW + LEASE)}


def test_heartbeat_extends_all_that_the_owner_holds(ledger: SqlLedger) -> None:
    win(ledger, "a", "one")
    win(ledger, "a", "two")
    assert ledger.heartbeat("a", NOW + 20, LEASE) == NOW + 20 + LEASE
    claims = ledger.claim("b", [request("one"), request("two")], LATER)
    assert {held.lease_until for held in claims.held.values()} == {NOW + 20 + LEASE}


def test_atom_is_taken_over_when_the_lease_is_over(ledger: SqlLedger) -> None:
    win(ledger, "a")
    assert win(ledger, "b", now=LATER).fence == 2


def test_atom_of_an_owner_without_a_lease_is_free(ledger: SqlLedger) -> None:
    ledger.claim("a", [request()], NOW)
    assert ledger.claim("b", [request()], NOW).won[ATOM].fence == 2


def test_fence_grows_with_every_change_of_owner(ledger: SqlLedger) -> None:
    fences = [win(ledger, "a").fence]
    fences.append(win(ledger, "b", now=LATER).fence)
    ledger.release("b", [ATOM])
    fences.append(win(ledger, "b", now=LATER).fence)
    ledger.release_all("b")
    fences.append(win(ledger, "a", now=LATER).fence)
    assert fences == [1, 2, 3, 4]


def test_one_claim_answers_each_atom_by_itself(ledger: SqlLedger) -> None:
    win(ledger, "a", "theirs")
    win(ledger, "b", "ours")
    names = ["ours", "new", "theirs", "new"]
    claims = ledger.claim("b", [request(name) for name in names], NOW)
    assert claims.won.keys() == {"ours", "new"}
    assert claims.held.keys() == {"theirs"}


def test_claim_tells_the_last_closed_event(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.close_events([closing(thread_event_id="e1")], NOW)
    assert win(ledger, "b", now=LATER) == AtomState(
        atom=ATOM,
        fence=2,
        last_event_id="e1",
        last_state=State.CRITICAL,
        last_timestamp_ms=1_392_138_733_810,
        thread_event_id="e1",
    )


def test_closed_event_is_known_and_its_deliveries_are_left_out(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.mark_sending("a", [mark(), mark(uid="n2", event_id="e2")], NOW)
    ledger.settle("a", [settlement()], NOW)
    ledger.close_events([closing()], NOW)
    claims = ledger.claim("a", [request(ATOM, "e1", "e2", "e3")], NOW)
    assert claims.events.keys() == {"e1"}
    assert claims.events["e1"].outcome == "accepted"
    assert claims.deliveries.keys() == {"n2"}
    assert claims.deliveries["n2"].state is DeliveryState.SENDING


def test_events_are_known_also_of_an_atom_that_is_held(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.close_events([closing()], NOW)
    claims = ledger.claim("b", [request(ATOM, "e1")], NOW)
    assert claims.events.keys() == {"e1"}


def test_another_process_sees_the_claim(open_another: Callable[[], SqlLedger]) -> None:
    win(open_another(), "a")
    assert open_another().claim("b", [request()], NOW).held.keys() == {ATOM}


def test_claim_of_nothing_is_empty(ledger: SqlLedger) -> None:
    assert not ledger.claim("a", [], NOW).won


def test_thousands_of_atoms_are_one_claim(ledger: SqlLedger) -> None:
    """More than the bind variables of SQLite (32 766) would allow with a few columns each."""
    ledger.heartbeat("a", NOW, LEASE)
    requests = [request(f"atom {number}", f"e{number}") for number in range(9000)]
    assert len(ledger.claim("a", requests, NOW).won) == 9000
