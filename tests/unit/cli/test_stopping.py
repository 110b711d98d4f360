"""A signal asks to stop, and waits for nothing that the main thread may hold."""

import signal
import threading
from collections.abc import Iterator

import pytest

from consumer.cli.stopping import stop_on_signals


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """The handlers are the test runner's again afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_inside_the_events_own_lock_does_not_block(number: signal.Signals) -> None:
    """The main thread holds it for a moment at the beginning and the end of each wait."""
    lock, stopped = threading.Lock(), threading.Event()

    def stop() -> None:
        with lock:
            stopped.set()

    stop_on_signals(stop)
    with lock:
        signal.raise_signal(number)
        assert not stopped.is_set()
    assert stopped.wait(10)


def test_a_second_signal_changes_nothing() -> None:
    stops: list[None] = []
    stopped = threading.Event()

    def stop() -> None:
        stops.append(None)
        stopped.set()

    stop_on_signals(stop)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    assert stopped.wait(10)
    assert len(stops) == 1
