"""What can be looked up, counted and forgotten."""

import pytest

from consumer.adapters.ledger import SqlLedger
from consumer.domain.alarm import State
from consumer.domain.ledger import DeliveryState
from tests.contract.ledger.values import ATOM, LEASE, NOW, closing, mark, request, settlement, win


@pytest.fixture
def filled(ledger: SqlLedger) -> SqlLedger:
    """Three notifications: n1 accepted, n2 deferred, n3 being sent."""
    win(ledger, "a")
    for number, destination in enumerate(("one@x.org", "two@x.org", "one@x.org"), start=1):
        uid = f"n{number}"
        ledger.mark_sending(
            "a",
            [
                mark(
                    uid=uid,
                    event_id=f"e{min(number, 2)}",
                    destination=destination,
                    message_id=f"<{uid}@x.org>",
                )
            ],
            NOW + number,
        )
    ledger.settle("a", [settlement(uid="n1")], NOW + 1)
    ledger.settle("a", [settlement(uid="n2", state=DeliveryState.DEFERRED)], NOW + 2)
    ledger.close_events([closing()], NOW + 1)
    return ledger


@pytest.mark.parametrize(
    ("wanted", "uids"),
    [
        ({}, ["n3", "n2", "n1"]),
        ({"limit": 2}, ["n3", "n2"]),
        ({"uid": "n2"}, ["n2"]),
        ({"event_id": "e2"}, ["n3", "n2"]),
        ({"message_id": "<n2@x.org>"}, ["n2"]),
        ({"message_id": "n2@x.org"}, ["n2"]),
        ({"destination": "one@x.org"}, ["n3", "n1"]),
        ({"destination": " one@X.org"}, ["n3", "n1"]),
        ({"destination": "One@x.org"}, ["n3", "n1"]),
        ({"states": [DeliveryState.ACCEPTED, DeliveryState.DEFERRED]}, ["n2", "n1"]),
        ({"destination": "one@x.org", "states": [DeliveryState.SENDING]}, ["n3"]),
        ({"uid": "n1", "event_id": "e2"}, []),
        ({"uid": ""}, []),
    ],
    ids=str,
)
def test_deliveries_are_found_by_all_that_is_given_newest_first(
    filled: SqlLedger, wanted: dict[str, object], uids: list[str]
) -> None:
    found = filled.find_deliveries(**wanted)  # type: ignore[arg-type]  # a table of keywords
    assert [row.uid for row in found] == uids


def test_how_far_an_alarm_has_come_is_known_whoever_holds_it(filled: SqlLedger) -> None:
    found = filled.find_atoms([ATOM, "nobody's"])
    assert found.keys() == {ATOM}
    last = closing()
    assert (found[ATOM].last_event_id, found[ATOM].last_state) == (last.event_id, last.state)
    assert found[ATOM].last_timestamp_ms == last.timestamp_ms
    assert not filled.find_atoms([])


def test_counts_name_tables_states_and_outcomes(filled: SqlLedger) -> None:
    assert filled.counts() == {
        "owners": 1,
        "atoms": 1,
        "events": 1,
        "events.accepted": 1,
        "deliveries": 3,
        "deliveries.sending": 1,
        "deliveries.accepted": 1,
        "deliveries.deferred": 1,
        "deliveries.failed": 0,
        "deliveries.in_doubt": 0,
        "deliveries.superseded": 0,
        "deliveries.expired": 0,
    }


def test_prune_deletes_what_was_not_touched_since(filled: SqlLedger) -> None:
    assert filled.prune(NOW + 2, 100) == 2  # n1 and its event
    assert [row.uid for row in filled.find_deliveries()] == ["n3", "n2"]
    assert not filled.find_events(["e1"])


def test_prune_goes_in_small_steps_until_nothing_is_left(filled: SqlLedger) -> None:
    long_after = NOW + LEASE + 100
    filled.settle("a", [settlement(uid="n2"), settlement(uid="n3")], NOW + 3)
    steps = [filled.prune(long_after, 2) for _ in range(4)]
    assert steps == [2, 2, 1, 0]  # three deliveries, one event, one owner
    counts = filled.counts()
    assert [counts[table] for table in ("deliveries", "events", "owners")] == [0] * 3


def test_prune_keeps_what_is_not_known_or_not_done(filled: SqlLedger) -> None:
    """n2 is deferred, n3 is being sent: however old, somebody has to look."""
    filled.prune(NOW + LEASE + 100, 100)
    assert {row.uid for row in filled.find_deliveries()} == {"n2", "n3"}


def test_prune_keeps_an_alarm_that_has_not_recovered(filled: SqlLedger) -> None:
    """Its OK may come after months, and must not be taken for the alarm's first event."""
    filled.prune(NOW + LEASE + 100, 100)
    assert filled.counts()["atoms"] == 1
    state = win(filled, "b", now=NOW + LEASE + 200)
    assert state.last_state is State.CRITICAL


def test_prune_forgets_an_alarm_that_is_ok(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.close_events([closing(state=State.OK)], NOW)
    ledger.release_all("a")
    ledger.prune(NOW + LEASE + 100, 100)
    assert ledger.counts()["atoms"] == 0


def test_prune_keeps_an_atom_whose_owner_lives(ledger: SqlLedger) -> None:
    win(ledger, "a", "busy")
    win(ledger, "b", "left behind")
    ledger.heartbeat("a", NOW + 1000, LEASE)
    assert ledger.prune(NOW + 900, 100) == 2  # the other's atom and lease
    assert ledger.claim("c", [request("busy")], NOW + 1000).held.keys() == {"busy"}


def test_ping_answers(ledger: SqlLedger) -> None:
    ledger.ping()
