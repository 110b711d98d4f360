"""What an event in its lane knows of its record."""

from consumer.domain.record import Record
from consumer.wire import redriven_headers
from consumer.worker.work import Work
from tests.support.worker import TOPIC, work


def test_a_redriven_record_is_told_as_one_and_its_age_begins_anew() -> None:
    given = work("e1")
    at = given.event.timestamp + 5_000
    again = Record(TOPIC, 0, 1, None, b"{}", redriven_headers(given.record, at))
    redriven = Work(given.prepared, again, given.ticket, "worker-1")
    assert (redriven.about.redriven_at_ms, redriven.counts_from_ms) == (at, at)
    assert (given.about.redriven_at_ms, given.counts_from_ms) == (None, given.event.timestamp)
