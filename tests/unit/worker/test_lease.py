"""The lease: sends may begin only while it surely holds."""

import threading
from collections.abc import Iterator

import pytest

from consumer.domain.errors import LedgerUnavailable
from consumer.worker.lease import Lease
from tests.support.clock import ManualClock
from tests.support.worker import OWNER, SOON, until
from tests.support.worker_ledger import MemoryLedger

SECONDS = 30.0


class Two(ManualClock):
    """Wall clock and monotonic clock, moved each on its own."""

    wall = 0.0

    def now(self) -> float:
        return super().now() + self.wall


class Reports:
    def __init__(self) -> None:
        self.told: list[tuple[bool, str]] = []

    def __call__(self, ok: bool, why: str) -> None:
        self.told.append((ok, why))


@pytest.fixture
def clock() -> Two:
    return Two()


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def lease(ledger: MemoryLedger, clock: Two, reports: Reports) -> Iterator[Lease]:
    made = Lease(ledger, OWNER, clock, SECONDS, reports)
    yield made
    made.stop()


def test_it_does_not_hold_before_it_was_taken(lease: Lease) -> None:
    assert not lease.is_valid()


def test_it_holds_for_four_fifths_of_its_length(lease: Lease, clock: Two) -> None:
    lease.start()
    clock.advance(23.9)
    assert lease.is_valid()
    clock.advance(0.2)
    assert not lease.is_valid()


def test_it_counts_from_before_the_ledger_was_asked(ledger: MemoryLedger, clock: Two) -> None:
    """A heartbeat that took long has used up a part of it."""
    lease = Lease(ledger, OWNER, clock, SECONDS, lambda _ok, _why: None)
    ledger.before = lambda _: clock.advance(20)
    lease.start()
    clock.advance(5)
    assert not lease.is_valid()
    lease.stop()


def test_a_ledger_too_slow_to_keep_it_is_told_of(
    lease: Lease, ledger: MemoryLedger, clock: Two, reports: Reports
) -> None:
    """It answers, so it is not away; but nothing may be sent."""
    ledger.before = lambda _: clock.advance(SECONDS)
    lease.start()
    assert reports.told == [(False, "the ledger took 30.0 s to extend a lease of 30 s")]


def test_it_is_over_when_the_machine_was_suspended(lease: Lease, clock: Two) -> None:
    """Then the monotonic clock stood still, and only the wall clock knows."""
    lease.start()
    clock.wall = SECONDS
    assert not lease.is_valid()


def test_setting_the_wall_clock_back_does_not_make_it_longer(lease: Lease, clock: Two) -> None:
    lease.start()
    clock.wall = -3600
    clock.advance(SECONDS)
    assert not lease.is_valid()


def test_a_ledger_that_is_away_at_the_start_is_said(lease: Lease, ledger: MemoryLedger) -> None:
    ledger.away = True
    with pytest.raises(LedgerUnavailable):
        lease.start()
    ledger.away = False
    lease.start()
    assert lease.is_valid()


def test_the_thread_extends_it_and_reports_outages_and_returns(
    ledger: MemoryLedger, reports: Reports
) -> None:
    clock = ManualClock()
    lease = Lease(ledger, OWNER, clock, 0.02, reports)
    lease.start()
    ledger.away = True
    until(lambda: (False, "the ledger is away") in reports.told, "the outage is reported")
    clock.advance(1)
    assert not lease.is_valid()
    ledger.away = False
    until(lease.is_valid, "the lease is taken again")
    assert reports.told[-1] == (True, "")
    lease.stop()


def test_stop_ends_the_thread(lease: Lease) -> None:
    lease.start()
    lease.stop()
    until(
        lambda: all(thread.name != "lease" for thread in threading.enumerate()),
        f"no thread within {SOON} s",
    )
