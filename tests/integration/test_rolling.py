"""Planned ends under load: SIGTERM with a backlog, a slow provider, and a rolling restart."""

from pathlib import Path

from consumer.domain.reasons import Kind
from tests.support.fleet import Fleet, assert_promise_kept
from tests.support.kafka import Kafka
from tests.support.load import load

#: Seconds that an end may take beyond the drain: flush, last commit, goodbye.
_GOODBYE = 5.0


def test_rolling_restart_with_a_join_and_a_leave(tmp_path: Path, kafka: Kafka) -> None:
    """0 lost, 0 doubled, in order; each process drains within its time and ends with code 0."""
    with Fleet(tmp_path, kafka) as fleet:
        records = load(500)
        own = {"delivery.shutdown_seconds": 5, "delivery.senders": 6}
        fleet.slow_provider(0.8)
        fleet.start("a1", own)
        fleet.until_logged("a1", "partitions.assigned")
        fleet.start("b1", own)
        fleet.until_logged("b1", "partitions.assigned")
        fleet.feed(records)
        fleet.start("joins", own)
        fleet.until_logged("joins", "partitions.assigned")
        for old, new in (("a1", "a2"), ("b1", "b2")):
            code, seconds = fleet.timed_end(old)
            assert code == 0
            assert seconds < 5 + _GOODBYE
            fleet.start(new, own)
            fleet.until_logged(new, "partitions.assigned")
        assert fleet.fake.stats()["accepted_messages"] < 500, "all of it happened under load"
        code, _ = fleet.timed_end("joins")
        assert code == 0
        fleet.slow_provider(0.0)
        fleet.until_done(500)
        assert_promise_kept(fleet, records)
        assert not fleet.tracked([Kind.IN_DOUBT])


def test_sigterm_with_a_full_backlog_leaves_the_rest_to_a_successor(
    tmp_path: Path, kafka: Kafka
) -> None:
    """Partitions are paused, lanes are full: only what is under way is finished."""
    with Fleet(tmp_path, kafka) as fleet:
        records = load(300)
        full = {"delivery.max_waiting_events": 50, "delivery.shutdown_seconds": 5}
        fleet.slow_provider(1.0)
        fleet.feed(records)
        fleet.start("one", full)
        fleet.until_accepted(1)
        code, seconds = fleet.timed_end("one")
        assert code == 0
        assert seconds < 5
        left = 300 - fleet.fake.stats()["accepted_messages"]
        assert left > 200
        fleet.slow_provider(0.0)
        fleet.start("two")
        fleet.until_done(300)
        assert_promise_kept(fleet, records)
        by_two = [r for r in fleet.tracked([Kind.ACCEPTED]) if r.worker == "two"]
        assert len(by_two) == left
        assert not fleet.tracked([Kind.IN_DOUBT])


def test_sigterm_while_the_provider_takes_longer_than_there_is_time(
    tmp_path: Path, kafka: Kafka
) -> None:
    """It ends in time all the same, says so, and the successor looks up what was under way."""
    with Fleet(tmp_path, kafka) as fleet:
        records = load(60)
        fleet.slow_provider(4.0)
        fleet.feed(records)
        fleet.start("one", {"delivery.shutdown_seconds": 1, "delivery.senders": 8})
        fleet.until_logged("one", "partitions.assigned")
        fleet.until_asked(8)
        code, seconds = fleet.timed_end("one")
        assert code == 1
        assert seconds < 1 + _GOODBYE
        fleet.slow_provider(0.0)
        fleet.start("two")
        fleet.until_done(60)
        assert_promise_kept(fleet, records)
