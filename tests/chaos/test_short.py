"""The promise under crashes, cuts and a misbehaving provider: the short version of `make chaos`."""

from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.plan import Action, Plan, schedule
from tests.chaos.run import run
from tests.support.kafka import KafkaBroker
from tests.support.postgres import PostgresServer

_PLAN = Plan(
    events=900,
    processes=2,
    seed=7,
    minutes=0.35,
    naive=False,
    kills=7,
    outages=1,
    joins=1,
    bursts=14,
    patience=60.0,
)


@pytest.mark.timeout(180)
def test_promise_holds_while_everything_around_breaks(
    tmp_path: Path, own_kafka: KafkaBroker, own_postgres: PostgresServer
) -> None:
    """Nothing lost, doubled unmarked, out of order, held or untold; broker and database go too."""
    folder = tmp_path / "run"
    folder.mkdir()
    report = run(_PLAN, folder, own_kafka, own_postgres)
    report.print(Console(width=100))
    assert report.broken == []
    assert report.disturbances["kill"] >= 4
    assert report.faults >= 30


def test_schedule_is_the_same_for_the_same_seed() -> None:
    """Every action comes to pass in a default run, at the same moments for the same seed."""
    assert schedule(Plan()) == schedule(Plan())
    assert schedule(Plan(seed=1)) != schedule(Plan(seed=2))
    assert {each.action for each in schedule(Plan())} == set(Action)


def test_default_run_is_what_the_promise_is_measured_by() -> None:
    """At least 20,000 events and 30 kills and restarts, within the time of the traffic."""
    plan = Plan()
    disturbances = schedule(plan)
    restarts = [each for each in disturbances if each.action in (Action.KILL, Action.RESTART)]
    assert plan.events >= 20_000
    assert len(restarts) >= 30
    assert all(0 < each.at < plan.seconds for each in disturbances)
