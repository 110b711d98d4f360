"""Several consumers at once: each atom has one winner, nobody deadlocks, nobody is turned away."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from consumer.adapters.ledger import SqlLedger, open_ledger
from consumer.domain.ledger import Claims, DeliveryState
from tests.contract.ledger.values import LEASE, NOW, closing, mark, request, settlement

OWNERS = ("a", "b", "c")


def at_once(work: Callable[[str], Claims]) -> dict[str, Claims]:
    """Run `work` for each owner in a thread of its own, all let go together."""
    barrier = threading.Barrier(len(OWNERS))

    def run(owner: str) -> Claims:
        barrier.wait(timeout=30)
        return work(owner)

    with ThreadPoolExecutor(len(OWNERS)) as pool:
        return dict(zip(OWNERS, pool.map(run, OWNERS), strict=True))


def test_each_atom_is_won_by_exactly_one(open_another: Callable[[], SqlLedger]) -> None:
    """The heartbeat is inside: an owner whose lease is new must be respected as well."""
    ledgers = {owner: open_another() for owner in OWNERS}
    names = [f"atom {number}" for number in range(200)]

    def work(owner: str) -> Claims:
        # Each asks in another order: the ledger sorts them.
        order = names[:: -1 if owner == "b" else 1]
        ledgers[owner].heartbeat(owner, NOW, LEASE)
        return ledgers[owner].claim(owner, [request(name) for name in order], NOW)

    for _ in range(5):
        claims = at_once(work)
        winners = Counter(name for answer in claims.values() for name in answer.won)
        assert winners == Counter(names)
        for answer in claims.values():
            assert answer.won.keys() | answer.held.keys() == set(names)
        for owner, ledger in ledgers.items():
            ledger.release_all(owner)


def test_expired_atoms_are_taken_over_by_exactly_one(
    open_another: Callable[[], SqlLedger],
) -> None:
    ledgers = {owner: open_another() for owner in OWNERS}
    names = [f"atom {number}" for number in range(200)]
    requests = [request(name) for name in names]
    ledgers["a"].heartbeat("dead", NOW - 100, LEASE)
    ledgers["a"].claim("dead", requests, NOW - 100)
    for owner in OWNERS:
        ledgers[owner].heartbeat(owner, NOW, LEASE)
    claims = at_once(lambda owner: ledgers[owner].claim(owner, requests, NOW))
    assert Counter(name for answer in claims.values() for name in answer.won) == Counter(names)
    assert {atom.fence for answer in claims.values() for atom in answer.won.values()} == {2}


def test_whole_rounds_side_by_side_all_come_through(
    ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Overlapping atoms in all statements: a wrong lock order would deadlock here."""
    monkeypatch.setattr("consumer.adapters.ledger.database._TRIES", 1)
    ledger = open_ledger(ledger_url)
    names = [f"atom {number}" for number in range(30)]

    def work(owner: str) -> Claims:
        claims = ledger.claim(owner, [], NOW)
        for number in range(15):
            ledger.heartbeat(owner, NOW, LEASE)
            claims = ledger.claim(owner, [request(name) for name in names], NOW)
            won = sorted(claims.won.values(), key=lambda atom: atom.atom, reverse=owner == "b")
            facts = [
                {"atom": atom.atom, "fence": atom.fence, "uid": f"{owner}{number}{atom.atom}"}
                for atom in won
            ]
            assert not ledger.mark_sending(owner, [mark(**fact) for fact in facts], NOW)
            assert not ledger.settle(owner, [settlement(**fact) for fact in facts], NOW)
            ends = [
                closing(event_id=f"event of {fact['uid']}", atom=fact["atom"]) for fact in facts
            ]
            ledger.close_events(ends, NOW)
            ledger.release(owner, claims.won)
        return claims

    try:
        at_once(work)
        counts = ledger.counts()
    finally:
        ledger.close()
    assert counts["deliveries"] == counts["events"] > 0
    assert counts[f"deliveries.{DeliveryState.ACCEPTED}"] == counts["deliveries"]
