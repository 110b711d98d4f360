"""A stage for each scenario, and threads that try again soon."""

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from consumer.adapters.ledger import upgrade
from consumer.pipeline.deliver import Route
from consumer.worker.loop import LoopTimes
from tests.crash.boundaries import Boundary
from tests.crash.process import Killed
from tests.crash.stage import Stage
from tests.unit.worker.loop_rig import impatient

MakeStage = Callable[..., Stage]


#: Where each commit need not wait for a disk that is busy with others.
_MEMORY = Path("/dev/shm")


@pytest.fixture(scope="session")
def empty_ledger() -> Iterator[Path]:
    """A ledger's file with its tables: making them takes longer than a scenario."""
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        path = Path(folder) / "empty.db"
        upgrade(f"sqlite:///{path}")
        yield path


@pytest.fixture(scope="session")
def killed_in_silence() -> None:
    """A killed process's threads end as they please, maybe after the last test: the hook stays."""
    otherwise = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if not isinstance(args.exc_value, Killed):
            otherwise(args)

    threading.excepthook = hook


@pytest.fixture
def make_stage(
    empty_ledger: Path, killed_in_silence: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeStage]:
    """Sets the stage; what is left of its processes goes after the test."""
    impatient(monkeypatch)
    monkeypatch.setattr("consumer.worker.resolver._PATIENCE", 0.005)
    monkeypatch.setattr("consumer.worker.gates._LOOK", 0.05)
    monkeypatch.setattr("consumer.worker.loop.LoopTimes", lambda: LoopTimes(reconnect=0.002))
    with TemporaryDirectory(dir=empty_ledger.parent) as folder, ExitStack() as ends:

        def make(boundary: Boundary, *routes: Sequence[Route]) -> Stage:
            path = Path(folder) / "ledger.db"
            shutil.copy(empty_ledger, path)
            return ends.enter_context(closing(Stage(boundary, path, *routes)))

        yield make
