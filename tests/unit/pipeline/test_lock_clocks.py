"""A producer's clock that is ahead of ours: believed within minutes, not beyond."""

from consumer.domain.alarm import State
from consumer.pipeline.lock import Locked, lock
from tests.unit.pipeline.locking import NOW_MS, RULES, WAS_OK, claims, event


def test_a_clock_far_ahead_does_not_make_later_events_stale() -> None:
    """A producer that lives next year is believed in what it says, not in when."""
    ahead = event(State.CRITICAL, later=366 * 86_400_000, id="ahead")
    after = event(State.OK, later=6_500, id="after")
    first, second = lock([ahead, after], claims(WAS_OK), {}, {}, RULES, NOW_MS)
    assert isinstance(first, Locked)
    assert isinstance(second, Locked)
    assert (first.ending, second.ending) == (None, None)
    assert first.progress.last_timestamp_ms == NOW_MS


def test_a_clock_a_little_ahead_is_believed() -> None:
    """Minutes are within what clocks do; order by the producer's time holds."""
    ahead = event(State.CRITICAL, later=60_000, id="ahead")
    (decision,) = lock([ahead], claims(WAS_OK), {}, {}, RULES, NOW_MS)
    assert isinstance(decision, Locked)
    assert decision.progress.last_timestamp_ms == ahead.timestamp
