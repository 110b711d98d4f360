"""The benchmarks with tiny numbers: what they print is there, and counts and orders are right.

Never a time: that is what they are run for by hand.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consumer.adapters.clock import SystemClock
from consumer.sandbox.bench.fairness import FairnessPlan, fairness
from consumer.sandbox.bench.figures import Report
from consumer.sandbox.bench.latency import LatencyPlan
from consumer.sandbox.bench.place import Place
from consumer.sandbox.bench.single import SinglePlan, single
from consumer.sandbox.bench.storm import StormPlan, storm
from consumer.sandbox.bench.throttled import WAYS, ThrottledPlan, throttled
from tests.support.kafka import Kafka
from tests.support.process import Process

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")


@pytest.fixture
def place(tmp_path: Path, kafka: Kafka) -> Iterator[Place]:
    with Place(tmp_path, kafka.bootstrap, SystemClock(), lambda _: None, start) as place:
        yield place


def start(program: Sequence[str | Path], log: Path, settings: Mapping[str, str]) -> Process:
    module, *arguments = program
    return Process(str(module), *arguments, stdout=log, env=os.environ | settings)


def sections(report: Report) -> dict[str, dict[str, Any]]:
    """By title, by name of the figure; the last one of a name counts."""
    told = json.loads(msgspec.json.encode(report))
    return {
        section["title"]: {figure["name"]: figure["value"] for figure in section["figures"]}
        for section in told["sections"]
    }


def test_storm_sends_each_event_once_either_way(place: Place, kafka: Kafka) -> None:
    report = storm(place, StormPlan(events=40, single_events=10, latency=0.01))
    batch, alone, bare = sections(report).values()
    assert (batch["events"], batch["emails accepted"], batch["accepted twice"]) == (40, 40, 0)
    assert (alone["events"], alone["emails accepted"], alone["accepted twice"]) == (10, 10, 0)
    assert alone["API calls"] == 10
    assert bare["processor time"] is not None
    assert batch["worker's peak memory"] > 20
    assert [ratio.target for ratio in report.ratios] == [10.0, 0.4]
    assert kafka.bootstrap in report.broker


def test_single_keeps_the_order_of_each_alarm_and_tells_both_latencies(place: Place) -> None:
    latency = LatencyPlan(rates=(50.0,), seconds=0.2, warm_up=2, provider_latency=0.0)
    plan = SinglePlan(events=20, senders=4, provider_latencies=(0.0,), latency=latency, alarms=5)
    told = sections(single(place, plan))
    assert told["the fake answers after 0 ms"]["emails accepted"] == 20
    one = told["one partition, random latencies, against a serial loop"]
    assert (one["alarms"], one["out of order"], one["emails accepted"]) == (5, 0, 20)
    assert one["bare loop"] > 0
    quick = told["50 events per second"]
    assert quick["events"] == 10
    assert quick["append to bare consumer, p50"] is not None
    assert quick["append to request, p99"] is not None


def test_throttled_sends_each_event_once_though_it_is_refused(place: Place) -> None:
    *_, batches = WAYS
    plan = ThrottledPlan(events=8, windows=2, window_seconds=1.0, latency=0.0, ways=[batches])
    report = throttled(place, plan)
    share, refused, astray = report.ratios
    assert (astray.value, astray.reached) == (0, True)
    assert share.value is not None
    assert refused.value is not None
    figures = sections(report)[batches.name]
    assert figures["emails accepted"] == 8
    assert figures["windows"] >= 2


def test_fairness_tells_the_quiet_tenant_in_peace_and_in_the_storm(place: Place) -> None:
    plan = FairnessPlan(events=20, quiet_seconds=0.1, interval=0.05, latency=0.01)
    report = fairness(place, plan)
    assert len(report.ratios) == len(report.sections) == 2
    for figures in sections(report).values():
        assert figures["alarms in peace"] >= 1
        assert figures["alarms in the storm"] >= 1
        assert figures["append to request in peace, p99"] is not None
        assert figures["append to request in the storm, p99"] is not None
