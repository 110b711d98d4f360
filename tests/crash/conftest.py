"""A stage for each scenario, and threads that try again soon."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consumer.adapters.ledger import upgrade
from consumer.worker.loop import LoopTimes
from tests.crash.boundaries import Boundary
from tests.crash.process import Killed
from tests.crash.stage import Stage
from tests.unit.worker.loop_rig import impatient

MakeStage = Callable[[Boundary], Stage]


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger's file with its tables: making them takes longer than a scenario."""
    path = tmp_path_factory.mktemp("crash") / "ledger.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def make_stage(
    empty_ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeStage]:
    """Sets the stage; what is left of its processes goes after the test."""
    impatient(monkeypatch)
    monkeypatch.setattr("consumer.worker.resolver._PATIENCE", 0.005)
    monkeypatch.setattr("consumer.worker.gates._LOOK", 0.05)
    monkeypatch.setattr("consumer.worker.loop.LoopTimes", lambda: LoopTimes(reconnect=0.002))
    monkeypatch.setattr(threading, "excepthook", _silent_about_the_killed(threading.excepthook))
    stages: list[Stage] = []

    def make(boundary: Boundary) -> Stage:
        path = tmp_path / "ledger.db"
        shutil.copy(empty_ledger, path)
        stages.append(Stage(boundary, path))
        return stages[-1]

    yield make
    for stage in stages:
        stage.close()


Hook = Callable[[threading.ExceptHookArgs], object]


def _silent_about_the_killed(otherwise: Hook) -> Hook:
    def hook(args: threading.ExceptHookArgs) -> None:
        if not isinstance(args.exc_value, Killed):
            otherwise(args)

    return hook
