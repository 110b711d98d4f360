"""What waits for a provider that is away costs memory up to a limit; the rest stays in Kafka."""

import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from consumer.sandbox.catalog import write_load_catalog
from tests.support.fleet import Fleet
from tests.support.kafka import Kafka, until
from tests.support.load import RECIPIENTS, load
from tests.support.outages import NAME, QUICK

LIMIT, FIRST, ALL = 1_000, 1_500, 10_000
#: Bytes by which the process may grow meanwhile. Measured: 1 MB; in memory it would be 50 or more.
ROOM = 8 * 1024 * 1024


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no resident size")


class Process(Fleet):
    """One that says how it fares."""

    def metric(self, name: str) -> float:
        """The sum over the labels."""
        heard = next(line for line in self.log(NAME) if line["event"] == "telemetry.listening")
        with urllib.request.urlopen(f"{heard['address']}/metrics", timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        return sum(s.value for f in families for s in f.samples if s.name == name)

    def until_held(self, records: int) -> None:
        """It has paused, and knows of so many records; what is beyond the limit lies in Kafka."""
        beyond = records - 2 * LIMIT  # it pauses at the limit, after the batch in which it was met
        until(
            lambda: (
                self.metric("messenger_paused") == 1
                and self.metric("messenger_consumer_lag") >= beyond
            ),
            f"a pause with {records} records known",
        )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no sizes of processes here")
def test_eight_times_as_many_events_cost_no_more_memory(tmp_path: Path, kafka: Kafka) -> None:
    limit = {"delivery.max_waiting_events": LIMIT}
    with Process(tmp_path, kafka, overrides=QUICK | limit) as process:
        write_load_catalog(process.catalog, 500, RECIPIENTS)
        process.fake.script({"kind": "status", "status": 500, "count": None})
        records = load(ALL, atoms=500)
        process.start(NAME)
        process.until_logged(NAME, "partitions.assigned")
        process.feed(records[:FIRST])
        process.until_held(FIRST)
        before = resident_bytes(process.pid(NAME))
        process.feed(records[FIRST:])
        process.until_held(ALL)
        grown = resident_bytes(process.pid(NAME)) - before
        assert grown < ROOM, f"{grown / 1024 / 1024:.0f} MB for what lies in Kafka"
