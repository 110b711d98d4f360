"""A Kafka client that skips records, or goes silent on a partition, loses nothing."""

import time
from pathlib import Path

import pytest

from tests.chaos.scenario import Scenario
from tests.chaos.traffic import traffic
from tests.support.kafka import Kafka

_FIRST, _EVENTS = 60, 120


def _healed(folder: Path, kafka: Kafka, client: str) -> list[dict[str, object]]:
    """The log of a process on such a client, that had two portions of traffic and lost nothing."""
    items = traffic(_EVENTS, 0.0, seed=5, start_ms=int(time.time() * 1000))
    settings = {"kafka.stall_seconds": 1.5}
    with Scenario(folder, kafka, items, mutation=client, overrides=settings) as scenario:
        scenario.start("one")
        scenario.feed(items[:_FIRST])
        # In the first portion a skip may go unseen until the second comes.
        scenario.until_accepted(_FIRST // 4)
        scenario.feed(items[_FIRST:])
        scenario.until_done(_EVENTS)
        assert scenario.terminate("one") == 0
        assert scenario.findings().broken == []
        return scenario.log("one")


def test_records_that_the_client_skipped_are_read_after_all(tmp_path: Path, kafka: Kafka) -> None:
    log = _healed(tmp_path, kafka, "skipping")
    healed = [line for line in log if line["event"] == "offsets.gap_healed"]
    assert len({line["partition"] for line in healed}) == 2


@pytest.mark.parametrize(
    ("client", "remedies"),
    [("silent-until-seek", ["seek"]), ("silent-until-rejoin", ["seek", "rejoin"])],
)
def test_partition_that_went_silent_speaks_again(
    tmp_path: Path, kafka: Kafka, client: str, remedies: list[str]
) -> None:
    log = _healed(tmp_path, kafka, client)
    stalls = [line for line in log if line["event"] == "partition.stalled"]
    for partition in {line["partition"] for line in stalls}:
        assert [s["remedy"] for s in stalls if s["partition"] == partition] == remedies
    assert stalls
