"""The retry policy: the provider's word first, then a growing pause."""

import pytest

from consumer.domain.reasons import Kind
from consumer.worker.retrying import seconds_until_next
from tests.support.worker import result


def test_what_the_provider_said_counts() -> None:
    told = result(Kind.DEFERRED, retry_at=190.0)
    assert seconds_until_next(told, 1, 100.0) == 90.0
    assert seconds_until_next(told, 1, 200.0) == 0.0


@pytest.mark.parametrize(
    ("tries", "at_least"), [(0, 1.0), (1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0)]
)
def test_without_a_word_the_pause_doubles_up_to_a_minute(tries: int, at_least: float) -> None:
    """Up to a second at random comes on top; the minute is the most."""
    waits = {seconds_until_next(result(Kind.DEFERRED), tries, 0.0) for _ in range(50)}
    assert all(at_least <= wait <= min(at_least + 1.0, 60.0) for wait in waits)


def test_a_send_that_fails_for_hours_still_has_a_pause() -> None:
    """No overflow after thousands of tries."""
    assert seconds_until_next(result(Kind.DEFERRED), 5_000, 0.0) == 60.0
