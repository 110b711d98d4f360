"""The death of a thread is noticed, whichever it was."""

import threading
from collections.abc import Iterator

import pytest

from consumer.worker.threads import watch_threads


@pytest.fixture(autouse=True)
def _hook() -> Iterator[None]:
    before = threading.excepthook
    yield
    threading.excepthook = before


def test_name_and_error_are_told() -> None:
    told: list[tuple[str, str]] = []
    watch_threads(lambda name, error: told.append((name, str(error))))

    def defect() -> None:
        raise ValueError("a defect")

    thread = threading.Thread(target=defect, name="tracker")
    thread.start()
    thread.join()
    assert told == [("tracker", "a defect")]
