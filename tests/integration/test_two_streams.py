"""The same events arrive twice, on mirrored topics or in two groups: each notifies once."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from consumer.domain.reasons import Kind
from consumer.sandbox.traffic import TrafficRecord
from tests.support.fleet import Fleet, assert_promise_kept
from tests.support.kafka import Kafka, until
from tests.support.load import decoded, load
from tests.support.postgres import PostgresServer


def assert_each_record_told(fleet: Fleet, records: Sequence[TrafficRecord], *topics: str) -> None:
    """One record of each event led to its email, the other one is a duplicate; none is silent."""
    tracked = fleet.tracked([Kind.ACCEPTED, Kind.DUPLICATE])
    told: dict[str | None, Counter[Kind]] = defaultdict(Counter)
    for record in tracked:
        told[record.event.id][record.kind] += 1
    once_each = {Kind.ACCEPTED: 1, Kind.DUPLICATE: 1}
    assert told == dict.fromkeys(decoded(records), once_each)
    read = Counter(record.source[0] for record in tracked if record.source)
    assert read == dict.fromkeys(topics, len(records))


def test_mirrored_topics_notify_once(tmp_path: Path, kafka: Kafka) -> None:
    """One group reads both; the copies meet in the same process or in another."""
    with Fleet(tmp_path, kafka) as fleet:
        records = load(240)
        mirror = kafka.create_topic("alarm-events-mirror", 4)
        both = {"kafka.events_topic": f"{fleet.events},{mirror}"}
        fleet.slow_provider(0.05)
        fleet.start("one", both)
        fleet.until_logged("one", "partitions.assigned")
        fleet.start("two", both)
        fleet.until_logged("two", "partitions.assigned")
        fleet.feed(records, fleet.events)
        fleet.feed(records, mirror)
        fleet.until_done(240)
        until(lambda: sum(kafka.committed(fleet.group, mirror).values()) == 240, "the mirror's end")
        assert_promise_kept(fleet, records)
        assert_each_record_told(fleet, records, fleet.events, mirror)


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_two_groups_with_one_ledger_notify_once(
    tmp_path: Path, kafka: Kafka, store: str, request: pytest.FixtureRequest
) -> None:
    """Two sites, each with its topic and its group, alive at the same time."""
    url = None
    if store == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.new_database()
    with Fleet(tmp_path, kafka, ledger_url=url) as fleet:
        records = load(240)
        mirror = kafka.create_topic("alarm-events-mirror", 4)
        assert fleet.command("ledger", "upgrade").returncode == 0
        fleet.slow_provider(0.05)
        fleet.start("east")
        other = f"{fleet.group}-west"
        fleet.start("west", {"kafka.group_id": other, "kafka.events_topic": mirror})
        fleet.until_logged("east", "partitions.assigned")
        fleet.until_logged("west", "partitions.assigned")
        # Of half the alarms the copy comes later, of the other half the original.
        half = {record.key for record in records[:100]}
        first = [record for record in records if record.key in half]
        second = [record for record in records if record.key not in half]
        fleet.feed(first, fleet.events)
        fleet.feed(second, mirror)
        fleet.feed(second, fleet.events)
        fleet.feed(first, mirror)
        fleet.until_done(240)
        until(lambda: sum(kafka.committed(other, mirror).values()) == 240, "the other group's end")
        assert_promise_kept(fleet, records)
        assert_each_record_told(fleet, records, fleet.events, mirror)
        working = Counter(record.worker for record in fleet.tracked([Kind.ACCEPTED]))
        assert working.keys() == {"east", "west"}, "both sites sent"
