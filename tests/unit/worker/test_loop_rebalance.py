"""Partitions come and go: what is done is committed, what is not is neither lost nor doubled."""

import threading
from collections.abc import Iterator

import pytest

from consumer.domain.errors import BrokerUnavailable
from consumer.domain.reasons import Kind
from tests.support.worker import FIRST, OK, OWNER, SECOND, SOON, event, record, until
from tests.unit.worker.loop_rig import Held, Rig, one, running


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    yield from running(monkeypatch)


def test_a_revoked_partition_is_committed_up_to_what_is_done_and_its_atoms_are_free(
    rig: Rig,
) -> None:
    rig.turn(one(1, "e1"), one(2, "f1", "b", partition=1))
    rig.done()
    rig.revoke(FIRST)
    assert rig.source.committed[FIRST] == 2
    rig.turn()
    assert rig.ledger.held_by(OWNER) == set()


def test_a_revoked_partition_waits_for_what_is_under_way_but_not_for_what_is_deferred(
    rig: Rig,
) -> None:
    held = Held(Kind.DEFERRED)
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"))
    assert held.entered.wait(SOON)
    rig.loop.revoking([FIRST])
    assert not rig.loop.quiet([FIRST])
    held.go.set()
    until(lambda: rig.loop.quiet([FIRST]), "the deferred send is dropped")
    assert rig.loop.revoked([FIRST]) == {}
    assert rig.source.committed == {FIRST: 1}
    assert rig.lanes.events == 0


def test_what_outlives_the_revocation_is_dropped_when_it_comes_back_to_wait(rig: Rig) -> None:
    """Else the atom stays ours, and its partition's next owner waits for our next attempt."""
    held = Held(Kind.DEFERRED)
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"))
    assert held.entered.wait(SOON)
    rig.revoke(FIRST)
    held.go.set()
    until(lambda: len(rig.lanes._to_send), "it waits for its next attempt")
    rig.turn()
    rig.turn(after=2)
    assert (rig.lanes.events, rig.ledger.held_by(OWNER)) == (0, set())


def test_a_lost_partition_is_forgotten_without_a_commit(rig: Rig) -> None:
    rig.turn(one(1, "e1"))
    rig.done()
    rig.loop.lost([FIRST])
    rig.turn(after=1)
    assert rig.source.committed == {FIRST: 1}, "the turn that read it, before it was done"
    assert rig.ledger.held_by(OWNER) == set()


def test_results_of_an_old_assignment_do_not_move_the_new_one(rig: Rig) -> None:
    held = Held()
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"))
    assert held.entered.wait(SOON)
    rig.revoke(FIRST)
    rig.loop.assigned([FIRST])
    rig.turn(one(1, "e1"), after=1)
    assert rig.source.committed[FIRST] == 1, "nothing of it is done"
    held.go.set()
    rig.done()
    rig.turn(after=1)
    assert rig.source.committed == {FIRST: 2}
    assert rig.transport.sent == ["e1/0"]
    kinds = [tracked.kind for tracked in rig.sink.tracked]
    assert sorted(kinds) == [Kind.ACCEPTED, Kind.DUPLICATE]


def test_an_event_that_went_and_came_back_is_sent_once_and_not_lost(rig: Rig) -> None:
    """e1 is under way, e2 waits behind it; the partition goes and comes back to us."""
    held = Held()
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e1"), one(2, "e2", state=OK))
    assert held.entered.wait(SOON)
    rig.revoke(FIRST)
    rig.loop.assigned([FIRST])
    rig.turn(one(1, "e1"), one(2, "e2", state=OK))
    held.go.set()
    rig.done()
    assert rig.transport.sent == ["e1/0", "e2/0"]


def test_an_event_read_from_two_partitions_survives_the_loss_of_the_first(rig: Rig) -> None:
    held = Held()
    rig.transport.answer = held  # type: ignore[assignment]  # answers any email
    rig.turn(one(1, "e0", partition=1))
    rig.turn(one(1, "e1", state=OK), one(2, "e1", state=OK, partition=1))
    assert held.entered.wait(SOON)
    rig.revoke(FIRST)
    held.go.set()
    until(lambda: event("e").atom not in rig.lanes.atoms(), "what is left of the lane has ended")
    rig.turn()
    rig.done()
    assert rig.transport.sent == ["e0/0", "e1/0"]
    rig.turn(after=1)
    assert rig.source.committed[SECOND] == 3


def test_a_revoked_partition_waits_for_the_dead_letters_of_its_unreadable_records(
    rig: Rig,
) -> None:
    """Else its next owner reads them again, and writes each a second time."""
    away, seen = threading.Event(), threading.Event()

    def refuse(_: bytes | None) -> Exception | None:
        seen.set()
        return None if away.is_set() else BrokerUnavailable("away")

    rig.sink.refuse = refuse
    rig.turn(record(1, value=b"{"))
    assert seen.wait(SOON)
    rig.loop.revoking([FIRST])
    assert not rig.loop.quiet([FIRST])
    assert rig.loop.quiet([SECOND]), "others do not wait for it"
    away.set()
    until(lambda: rig.loop.quiet([FIRST]), "its dead letter is written")
    assert rig.loop.revoked([FIRST]) == {FIRST: 2}
