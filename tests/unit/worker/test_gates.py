"""Gates: one process's wait is everybody's, through the ledger."""

from collections.abc import Iterator

import pytest

from consumer.domain.notification import SendOptions
from consumer.worker.gates import Gates
from consumer.worker.ways import Ways
from tests.support.clock import ManualClock
from tests.support.worker import until
from tests.support.worker_fakes import FakeTransport
from tests.support.worker_ledger import MemoryLedger


class Process:
    """What one process has of it."""

    def __init__(self, ledger: MemoryLedger, clock: ManualClock) -> None:
        self.ways = Ways({"mailgun": FakeTransport()}, clock=clock, failures=5, probe_seconds=1.0)
        self.told: list[tuple[str, str, float]] = []
        self.gates = Gates(
            ledger,
            self.ways,
            clock,
            {"mailgun": "mailgun:example.com"},
            lambda *told: self.told.append(told),
        )
        self.gates.start()

        self.clock = clock

    def wait(self) -> float:
        return self.ways.opens_in(SendOptions())


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Process, Process, MemoryLedger]]:
    monkeypatch.setattr("consumer.worker.gates._LOOK", 0.005)
    ledger, clock = MemoryLedger(), ManualClock()
    one, other = Process(ledger, clock), Process(ledger, clock)
    yield one, other, ledger
    one.gates.stop()
    other.gates.stop()


def test_what_one_was_told_holds_for_the_other(
    pair: tuple[Process, Process, MemoryLedger],
) -> None:
    one, other, ledger = pair
    one.gates.throttled("mailgun", 9.0)
    until(lambda: other.wait() > 0, "the other knows")
    assert other.wait() == pytest.approx(9.0)
    assert list(ledger.closed_gates) == ["mailgun:example.com"]


def test_of_many_senders_that_heard_the_same_one_writes_it(
    pair: tuple[Process, Process, MemoryLedger],
) -> None:
    one, other, ledger = pair
    for late in range(30):
        one.gates.throttled("mailgun", 9 + late / 1000)
    until(lambda: other.wait() > 0, "the other knows")
    assert ledger.calls.count("close_gate") == 1


def test_a_ledger_that_is_away_holds_nobody_up(
    pair: tuple[Process, Process, MemoryLedger],
) -> None:
    """Each process then learns by itself, with one refused call."""
    one, other, ledger = pair
    ledger.away = True
    one.gates.throttled("mailgun", 9.0)
    until(lambda: "close_gate" in ledger.calls, "it was tried")
    ledger.away = False
    one.gates.throttled("mailgun", 60.0)
    until(lambda: other.wait() > 0, "the thread lives")


def test_a_wait_is_told_when_it_begins_grows_and_ends(
    pair: tuple[Process, Process, MemoryLedger],
) -> None:
    one, other, _ = pair
    for each in (one, other):
        each.gates.stop()
        each.told.clear()
    account = ("mailgun", "mailgun:example.com")
    one.ways.hold("mailgun", 9.0)
    one.gates._tell()
    one.clock.advance(1.0)
    one.gates._tell()
    one.ways.hold("mailgun", 60.0)
    one.gates._tell()
    one.clock.advance(60.0)
    one.gates._tell()
    one.gates._tell()
    assert one.told == [(*account, 9.0), (*account, 60.0), (*account, 0.0)]
