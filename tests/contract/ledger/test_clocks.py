"""Leases of machines whose clocks disagree, and of processes that froze in the wrong moment."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from sqlalchemy import Double, bindparam, text

from consumer.adapters.clock import SystemClock
from consumer.adapters.ledger import SqlLedger, open_ledger
from consumer.adapters.ledger.engine import build_engine, parse_url
from consumer.adapters.ledger.shared_clock import DATABASE_CLOCK
from tests.contract.ledger.values import ATOM, LEASE, NOW, request, win
from tests.support.kafka import until

DAY = 86_400.0


@pytest.fixture
def open_another(ledger_url: str) -> Iterator[Callable[..., SqlLedger]]:
    """Ledgers that go by their database's own clock, which is real."""
    with ExitStack() as opened:

        def open_(**options: Any) -> SqlLedger:
            return opened.enter_context(closing(open_ledger(ledger_url, **options)))

        yield open_


class Passing:
    """The database's own clock, and time that passes when the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.clock = DATABASE_CLOCK + bindparam(
            "passed", type_=Double, callable_=lambda: self.seconds
        )


@pytest.fixture
def passing() -> Passing:
    return Passing()


@pytest.fixture
def passing_ledger(open_another: Callable[..., SqlLedger], passing: Passing) -> SqlLedger:
    return open_another(clock=passing.clock)


def test_claimer_whose_clock_is_far_ahead_takes_nothing_from_the_living(
    ledger: SqlLedger,
) -> None:
    win(ledger, "a")
    assert ledger.claim("ahead", [request()], NOW + DAY).held.keys() == {ATOM}


def test_claimer_whose_clock_is_far_behind_takes_over_from_the_dead(ledger: SqlLedger) -> None:
    ledger.heartbeat("dead", NOW, 0.01)
    assert ledger.claim("dead", [request()], NOW).won
    until(lambda: ledger.claim("behind", [request()], NOW - DAY).won, "the atom, taken over", 5.0)


def test_clocks_that_disagree_are_told_once_per_change(
    open_another: Callable[..., SqlLedger],
) -> None:
    told: list[float] = []
    ledger, clock = open_another(on_skew=told.append), SystemClock()
    for ahead in (0.0, DAY, DAY, -DAY, 0.0, 0.0):
        ledger.heartbeat("a", clock.now() + ahead, LEASE)
    assert told == [pytest.approx(DAY, abs=1.0), pytest.approx(-DAY, abs=1.0), 0.0]


def test_dead_owner_whose_clock_was_far_ahead_holds_no_longer_than_its_lease(
    passing_ledger: SqlLedger, passing: Passing
) -> None:
    """Its lease ends tomorrow by its own word; by the database's clock it is silent too long."""
    ledger = passing_ledger
    win(ledger, "ahead", now=NOW + DAY)
    assert ledger.claim("b", [request()], NOW).held.keys() == {ATOM}
    passing.seconds = LEASE + 1
    assert ledger.claim("b", [request()], NOW).won.keys() == {ATOM}


def test_living_owner_whose_clock_is_far_ahead_keeps_what_it_holds(
    passing_ledger: SqlLedger, passing: Passing
) -> None:
    """Each heartbeat counts anew, by the database's clock."""
    ledger = passing_ledger
    win(ledger, "ahead", now=NOW + DAY)
    for _ in range(3):
        passing.seconds += LEASE / 2
        ledger.heartbeat("ahead", NOW + DAY, LEASE)
    assert ledger.claim("b", [request()], NOW).held.keys() == {ATOM}


def test_lease_of_an_older_program_counts_by_its_own_word(
    ledger: SqlLedger, ledger_url: str
) -> None:
    """It knows nothing of the shared clock while versions are mixed."""
    win(ledger, "old")
    engine = build_engine(
        parse_url(ledger_url), pool_size=1, timeout_seconds=5, connect_timeout_seconds=5
    )
    with engine.begin() as connection:
        connection.execute(text("UPDATE owners SET over_at = NULL"))
    engine.dispose()
    assert ledger.claim("b", [request()], NOW + LEASE).held.keys() == {ATOM}
    assert ledger.claim("b", [request()], NOW + LEASE + 1).won.keys() == {ATOM}


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_process_frozen_in_mid_transaction_does_not_stop_the_others(ledger_url: str) -> None:
    """PostgreSQL ends its transaction before others give up. SQLite can only wait for it."""
    frozen = build_engine(
        parse_url(ledger_url), pool_size=1, timeout_seconds=0.4, connect_timeout_seconds=5
    )
    ledger = open_ledger(ledger_url, timeout_seconds=5)
    win(ledger, "a")
    with frozen.connect() as connection:
        connection.execute(text("SELECT * FROM atoms FOR UPDATE"))
        assert win(ledger, "a").fence == 1
        connection.invalidate()
    frozen.dispose()
    ledger.close()
