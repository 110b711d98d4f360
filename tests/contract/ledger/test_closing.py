"""Ends of events, atoms that move on, and giving atoms back."""

from consumer.adapters.ledger import SqlLedger
from consumer.domain.alarm import State
from consumer.domain.ledger import AtomState, EventRow
from tests.contract.ledger.values import ATOM, LATER, LEASE, NOW, closing, request, win


def atom(ledger: SqlLedger, owner: str = "a", now: float = NOW) -> AtomState:
    return ledger.claim(owner, [request()], now).won[ATOM]


def test_close_writes_the_end_and_moves_the_atom_on(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.close_events([closing()], NOW + 0.5)
    assert ledger.find_events(["e1", "e2"]) == {
        "e1": EventRow(
            id="e1",
            atom=ATOM,
            outcome="accepted",
            timestamp_ms=1_392_138_733_810,
            state=State.CRITICAL,
            closed_at=NOW + 0.5,
        )
    }
    assert atom(ledger).last_event_id == "e1"


def test_first_end_of_an_event_stays(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.close_events([closing()], NOW)
    ledger.close_events([closing(outcome="duplicate"), closing(outcome="stale")], NOW + 1)
    event = ledger.find_events(["e1"])["e1"]
    assert (event.outcome, event.closed_at) == ("accepted", NOW)


def test_event_that_does_not_advance_leaves_the_atom(ledger: SqlLedger) -> None:
    before = win(ledger, "a")
    ledger.close_events([closing(advances=False, outcome="stale")], NOW)
    assert atom(ledger) == before
    assert ledger.find_events(["e1"])


def test_events_of_one_batch_leave_the_atom_at_the_last_of_them(ledger: SqlLedger) -> None:
    win(ledger, "a")
    batch = [
        closing(event_id="e1", timestamp_ms=1),
        closing(event_id="e2", timestamp_ms=2, state=State.OK),
        closing(event_id="e3", timestamp_ms=2, state=State.WARNING),
    ]
    ledger.close_events(batch, NOW)
    moved = atom(ledger)
    assert (moved.last_event_id, moved.last_state, moved.last_timestamp_ms) == (
        "e3",
        State.WARNING,
        2,
    )


def test_repeated_close_changes_nothing(ledger: SqlLedger) -> None:
    """Also not between events of one millisecond."""
    win(ledger, "a")
    batch = [closing(event_id="e1"), closing(event_id="e2", state=State.OK)]
    ledger.close_events(batch, NOW)
    before = atom(ledger)
    ledger.close_events(batch, NOW + 1)
    ledger.close_events(batch[:1], NOW + 1)
    assert atom(ledger) == before


def test_atom_does_not_go_back_to_an_older_event(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.close_events([closing(event_id="e2", timestamp_ms=2)], NOW)
    ledger.close_events([closing(event_id="e1", timestamp_ms=1)], NOW)
    assert atom(ledger).last_event_id == "e2"


def test_who_lost_the_fence_moves_the_atom_on_all_the_same(ledger: SqlLedger) -> None:
    """The new owner finds the event ended, a duplicate; an older one must be stale to it."""
    win(ledger, "a")
    win(ledger, "b", now=LATER)
    ledger.close_events([closing(thread_event_id="e1")], LATER)
    assert ledger.find_events(["e1"])
    assert atom(ledger, "b", LATER).last_event_id == "e1"
    assert atom(ledger, "b", LATER).thread_event_id == "e1"


def test_thread_root_is_set_once(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.close_events([closing(timestamp_ms=1)], NOW)
    assert atom(ledger).thread_event_id is None
    for number in (2, 3):
        event_id = f"e{number}"
        following = closing(event_id=event_id, timestamp_ms=number, thread_event_id=event_id)
        ledger.close_events([following], NOW)
    assert atom(ledger).thread_event_id == "e2"


def test_release_frees_our_atoms_and_only_ours(ledger: SqlLedger) -> None:
    win(ledger, "a", "ours")
    win(ledger, "b", "theirs")
    ledger.release("a", ["ours", "theirs", "unknown"])
    claims = ledger.claim("c", [request("ours"), request("theirs")], NOW)
    assert claims.won.keys() == {"ours"}
    assert claims.held.keys() == {"theirs"}


def test_release_all_frees_everything_and_ends_the_lease(ledger: SqlLedger) -> None:
    win(ledger, "a", "one")
    win(ledger, "a", "two")
    win(ledger, "b", "three")
    ledger.release_all("a")
    ledger.release_all("a")
    assert ledger.counts()["owners"] == 1
    # A heartbeat that comes late does not bring them back.
    ledger.heartbeat("a", NOW, LEASE)
    claims = ledger.claim("c", [request(name) for name in ("one", "two", "three")], NOW)
    assert claims.won.keys() == {"one", "two"}


def test_nothing_to_close_or_release_is_fine(ledger: SqlLedger) -> None:
    ledger.close_events([], NOW)
    ledger.release("a", [])
    ledger.release_all("a")
