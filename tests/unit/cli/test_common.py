"""Endings: every way to ask a command to end is Ctrl-C's way."""

import signal
from collections.abc import Iterator

import pytest

from consumer.cli.common import end_in_order

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers_come_back() -> Iterator[None]:
    before = {ending: signal.getsignal(ending) for ending in ENDINGS}
    yield
    for ending, handler in before.items():
        signal.signal(ending, handler)


def test_command_started_in_the_background_ends_when_asked_all_the_same() -> None:
    """A shell has SIGINT ignored in what it starts with `&`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_in_order()
    for ending in ENDINGS:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(ending)


def test_nohup_keeps_its_word() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    end_in_order()
    signal.raise_signal(signal.SIGHUP)
