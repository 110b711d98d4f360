"""The lock's promise under any interleaving of three consumers."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumer.adapters.ledger import SqlLedger, open_ledger
from tests.contract.ledger.values import LEASE, NOW, forget_everything, mark, request
from tests.support.clock import CALLERS_CLOCK

ATOMS = ("one", "two")
OWNERS = ("a", "b", "c")

steps = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.sampled_from(OWNERS), st.sampled_from(ATOMS)),
        st.tuples(st.sampled_from(["heartbeat", "release_all"]), st.sampled_from(OWNERS)),
        st.tuples(st.just("release"), st.sampled_from(OWNERS), st.sampled_from(ATOMS)),
        st.tuples(st.just("pass"), st.sampled_from([1.0, LEASE / 2, LEASE + 1])),
    ),
    max_size=40,
)


class Consumers:
    """What each consumer believes of its lease and its fences, kept beside the ledger."""

    def __init__(self, ledger: SqlLedger) -> None:
        self.ledger = ledger
        self.now = NOW
        self.lease: dict[str, float] = {}
        self.fences: dict[str, dict[str, int]] = {owner: {} for owner in OWNERS}
        self.highest = dict.fromkeys(ATOMS, 0)

    def heartbeat(self, owner: str) -> None:
        # As a consumer must: after a lapse another may have taken over unseen.
        if self.lease.get(owner, 0.0) < self.now:
            self.fences[owner].clear()
        self.lease[owner] = self.ledger.heartbeat(owner, self.now, LEASE)

    def claim(self, owner: str, atom: str) -> None:
        claims = self.ledger.claim(owner, [request(atom)], self.now)
        if atom not in claims.won:
            held = claims.held[atom]
            assert held.owner != owner
            assert held.lease_until >= self.now
            return
        fence = claims.won[atom].fence
        assert fence >= self.highest[atom]
        known = self.fences[owner].get(atom)
        assert known is None or fence >= known
        self.highest[atom] = fence
        self.fences[owner][atom] = fence

    def release(self, owner: str, atom: str) -> None:
        self.ledger.release(owner, [atom])
        self.fences[owner].pop(atom, None)

    def release_all(self, owner: str) -> None:
        self.ledger.release_all(owner)
        self.fences[owner].clear()
        self.lease.pop(owner, None)

    def believers(self, atom: str) -> Sequence[str]:
        """Those who may send now, as far as they know."""
        return [
            owner
            for owner in OWNERS
            if atom in self.fences[owner] and self.lease.get(owner, 0.0) >= self.now
        ]

    def able(self, atom: str) -> Sequence[str]:
        """Those whose mark the ledger takes, with the newest fence they ever had."""
        return [
            owner
            for owner in OWNERS
            if (fence := self.fences[owner].get(atom)) is not None
            and not self.ledger.mark_sending(
                owner, [mark(uid=f"{owner}{atom}{fence}", atom=atom, fence=fence)], self.now
            )
        ]


def play(consumers: Consumers, what: Sequence[tuple[object, ...]]) -> None:
    for name, *arguments in what:
        if name == "pass":
            (seconds,) = arguments
            assert isinstance(seconds, float)
            consumers.now += seconds
        else:
            getattr(consumers, str(name))(*arguments)
        for atom in ATOMS:
            believers = consumers.believers(atom)
            assert len(believers) <= 1
            able = consumers.able(atom)
            assert len(able) <= 1
            assert set(believers) <= set(able)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_never_two_owners_with_a_valid_lease_on_sqlite(what: list[tuple[object, ...]]) -> None:
    ledger = open_ledger("sqlite://", clock=CALLERS_CLOCK)
    try:
        play(Consumers(ledger), what)
    finally:
        ledger.close()


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
@given(steps)
@settings(
    max_examples=15,
    deadline=None,
    # One database for all examples: each begins by forgetting everything.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_never_two_owners_with_a_valid_lease_on_postgresql(
    ledger: SqlLedger, ledger_url: str, what: list[tuple[object, ...]]
) -> None:
    forget_everything(ledger_url)
    play(Consumers(ledger), what)
