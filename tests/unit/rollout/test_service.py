"""One process's part: it goes by the ledger's shares, and is the guard when it is its turn."""

import threading
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from consumer.domain.errors import LedgerUnavailable
from consumer.domain.rollout import Share
from consumer.rollout.observing import RolloutObserving
from consumer.rollout.service import Rollout
from consumer.settings import Settings
from consumer.telemetry.logs import get_logger
from consumer.telemetry.metrics import Metrics
from tests.support.clock import ManualClock
from tests.unit.rollout.rig import NEW, MemoryStore, fared

SETTINGS = Settings.model_validate(
    {
        "mailgun": {
            "domain": "alerts.example.com",
            "api_key": "key",
            "from_address": "a@alerts.example.com",
        },
        "routes": [{"name": NEW, "percent": 20.0, "guard": True}],
        "rollout": {"guard": {"minimum_emails": 20}},
    }
)
GOOD, BAD = fared(0, 100, 0, 100), fared(90, 100, 0, 100)


class Board:
    """A ledger, and processes on it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(self.clock)
        self.metrics: dict[str, Metrics] = {}
        self.stop = threading.Event()

    def process(self, name: str) -> Rollout:
        self.metrics[name] = Metrics()
        with capture_logs():
            log = get_logger()
        made = Rollout(
            SETTINGS,
            owner=f"{name}-owner",
            worker=name,
            store=self.store,
            turns=self.store,
            clock=self.clock,
            observing=RolloutObserving(self.metrics[name], log, lambda *_: None),
            stop=self.stop,
        )
        made.look()
        return made

    def set(self, percent: float) -> None:
        number = len(self.store.changes) + 1
        assert self.store.change(Share(route=NEW, number=number, percent=percent, by="jo"))

    def gauge(self, process: str, name: str) -> float | None:
        registry = self.metrics[process].registry
        return registry.get_sample_value(name, {"route": NEW})


@pytest.fixture
def board() -> Board:
    return Board()


def percent(process: Rollout) -> float:
    (route,) = process.routes()
    return route.percent


def test_a_share_that_is_set_holds_in_all_processes_and_before_the_file(board: Board) -> None:
    one, other = board.process("one"), board.process("other")
    assert percent(one) == 20.0
    board.set(60.0)
    assert one.look()
    assert other.look()
    assert percent(one) == percent(other) == 60.0
    assert board.gauge("one", "messenger_route_percent") == 60.0
    assert percent(board.process("started later")) == 60.0


def test_while_the_ledger_is_away_the_last_shares_stay(board: Board) -> None:
    one = board.process("one")
    board.set(60.0)
    one.look()
    board.store.away = True
    assert not one.look()
    assert percent(one) == 60.0
    with pytest.raises(LedgerUnavailable):
        one.guard()


def test_a_start_waits_for_the_ledger(board: Board) -> None:
    """The file alone may say what a guard has taken back."""
    one = board.process("one")
    board.store.away = True
    board.stop.set()
    with one:
        assert percent(one) == 20.0


def test_a_worse_route_is_taken_back_and_everybody_goes_by_it(board: Board) -> None:
    one, other = board.process("one"), board.process("other")
    board.store.figures = BAD
    with capture_logs() as logs:
        one.guard()
    other.look()
    assert percent(one) == percent(other) == 0.0
    (change,) = board.store.changes
    assert (change.tripped, change.percent) == (True, 0.0)
    assert "one" in change.by
    assert "90 of 100 emails (90.0%)" in change.why
    assert board.gauge("one", "messenger_route_tripped") == 1
    assert board.gauge("other", "messenger_route_tripped") == 1
    (said,) = [line for line in logs if line["log_level"] == "critical"]
    assert said["event"] == "rollout.moved_back"


def test_a_good_route_is_left_alone(board: Board) -> None:
    one = board.process("one")
    board.store.figures = GOOD
    one.guard()
    assert board.store.changes == []


def test_what_was_taken_back_stays_so_until_a_person_sets_it(board: Board) -> None:
    """Whatever the figures say, and whoever is started anew."""
    one = board.process("one")
    board.store.figures = BAD
    one.guard()
    for figures in (BAD, GOOD):
        board.store.figures = figures
        board.clock.advance(10_000)
        again = board.process("one, started again")
        again.guard()
        assert percent(again) == 0.0
    assert len(board.store.changes) == 1
    board.set(5.0)
    one.look()
    assert percent(one) == 5.0
    assert board.gauge("one", "messenger_route_tripped") == 0


def test_after_a_person_it_cools_down_and_judges_what_came_since(board: Board) -> None:
    one = board.process("one")
    board.set(5.0)
    set_at = board.clock.now()
    board.store.figures = BAD
    one.guard()
    assert percent(one) == 5.0
    assert board.store.asked_since == []
    board.clock.advance(SETTINGS.rollout.guard.cool_down_seconds + 1)
    one.guard()
    assert board.store.asked_since == [set_at]
    assert percent(one) == 0.0


def test_one_process_is_the_guard_and_another_when_that_one_is_gone(board: Board) -> None:
    one, other = board.process("one"), board.process("other")
    board.store.figures = GOOD
    one.guard()
    board.store.figures = BAD
    other.guard()
    assert board.store.changes == []
    board.clock.advance(60)
    other.guard()
    assert len(board.store.changes) == 1


def test_of_a_person_and_the_guard_at_once_the_first_one_counts(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = board.process("one")
    board.store.figures = BAD
    real = board.store.change

    def beaten(share: Share) -> bool:
        monkeypatch.undo()
        board.set(40.0)
        return real(share)

    monkeypatch.setattr(board.store, "change", beaten)
    with capture_logs() as logs:
        one.guard()
    one.look()
    assert percent(one) == 40.0
    assert not [line for line in logs if line["log_level"] == "critical"]


def test_without_a_name_nothing_is_asked(board: Board) -> None:
    values: dict[str, Any] = SETTINGS.model_dump()
    values["routes"] = [{"percent": 20.0}]
    board.store.away = True
    bare = Rollout(
        Settings.model_validate(values),
        owner="o",
        worker="w",
        store=board.store,
        turns=board.store,
        clock=board.clock,
        observing=RolloutObserving(Metrics(), get_logger(), lambda *_: None),
        stop=board.stop,
    )
    with bare:
        assert msgspec.structs.asdict(bare.routes()[0])["percent"] == 20.0
