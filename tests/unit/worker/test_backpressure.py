"""Pause at the limit, resume at half of it."""

import pytest

from consumer.worker.backpressure import Limits, should_pause

LIMITS = Limits(max_events=100, max_bytes=1000)


@pytest.mark.parametrize(
    ("paused", "events", "size", "expected"),
    [
        (False, 0, 0, False),
        (False, 99, 999, False),
        (False, 100, 0, True),
        (False, 0, 1000, True),
        (True, 51, 0, True),
        (True, 0, 501, True),
        (True, 50, 500, False),
    ],
)
def test_pause_and_resume(paused: bool, events: int, size: int, expected: bool) -> None:
    assert should_pause(paused, events, size, LIMITS) is expected
