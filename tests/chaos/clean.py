"""Traffic with which nothing is wrong: compaction and transactions leave gaps that are legal.

The first part of it waits on the topic, and is compacted, before anybody reads. Neither the gap
check nor the watchdog may raise an alarm then or later.
"""

import time
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from consumer import wire
from tests.chaos import crew as crews
from tests.chaos.checker import check
from tests.chaos.feeding import ABORTED, Feeder, number_of
from tests.chaos.plan import Plan
from tests.chaos.report import Report
from tests.chaos.run import arrivals, await_end, expectations
from tests.chaos.traffic import Item, Label, traffic, write_catalog
from tests.support.kafka import KafkaBroker, until
from tests.support.postgres import PostgresServer

#: Small segments, compacted as soon as the broker can.
_COMPACTED = {
    "message.timestamp.type": "LogAppendTime",
    "cleanup.policy": "compact",
    "segment.ms": "2000",
    "min.cleanable.dirty.ratio": "0.01",
    "min.compaction.lag.ms": "0",
    "delete.retention.ms": "0",
}
_PARTITIONS = 4
#: The broker looks for something to compact every 15 s, and what it compacts it removes later.
_COMPACTION_SECONDS = 90.0
#: Alarms that nobody may raise.
_ALARMS = ("offsets.gap_healed", "partition.stalled")
_BELIEVED = "offsets.gap_believed"


def run(plan: Plan, folder: Path, kafka: KafkaBroker, postgres: PostgresServer | None) -> Report:
    """As `run.run`, without anything that disturbs."""
    start_ms = int(time.time() * 1000)
    items = [_keyed(item) for item in traffic(plan.events, plan.seconds, plan.seed, start_ms)]
    with crews.MessengerCrew(
        folder,
        kafka,
        partitions=_PARTITIONS,
        ledger_url=None if postgres is None else postgres.new_database(),
        options=crews.options(plan),
        overrides=crews.overrides(plan) | {"telemetry.log_level": "debug"},
        events_config=_COMPACTED,
    ) as ours:
        write_catalog(ours.catalog)
        ours.command("ledger", "upgrade")
        feeder = Feeder(folder, kafka.bootstrap, ours.events, items, "clean-traffic")
        feeder.start()
        try:
            until(
                lambda: _is_compacted(kafka, ours.events, items),
                "a compacted log",
                _COMPACTION_SECONDS,
            )
            for name in plan.names:
                ours.start(name)
            feeder.join()
        finally:
            feeder.stop()
        records = [r for r in kafka.read_all(ours.events) if ABORTED not in dict(r.headers)]
        left = await_end(kafka, records, ours, None, plan.patience)
        for name in plan.names:
            ours.terminate(name)
        return _report(plan, ours, items, records, left)


def _keyed(item: Item) -> Item:
    """Repeats share a few keys, and are compacted; all others have a key of their own."""
    partition = zlib.crc32(item.key) % _PARTITIONS
    repeat = item.label is Label.REPEAT
    key = f"repeat-{item.number % 3}" if repeat else f"{item.atom}#{item.number}"
    return msgspec.structs.replace(item, key=key.encode(), partition=partition)


def _is_compacted(kafka: KafkaBroker, topic: str, items: Sequence[Item]) -> bool:
    """The first repeat was on the topic, and is not any more."""
    first = next(item.number for item in items if item.label is Label.REPEAT)
    numbers = {number_of(record) for record in kafka.read_all(topic)}
    return first not in numbers and max(numbers, default=0) > first


def _report(
    plan: Plan,
    ours: crews.MessengerCrew,
    items: Sequence[Item],
    records: Sequence[Any],
    left: dict[str, int],
) -> Report:
    wanted, ends = expectations(items, records)
    told = [wire.decode_tracking(r.value) for r in ours.kafka.read_all(ours.tracking)]
    logged = Counter(line["event"] for name in plan.names for line in ours.log(name))
    found = check(wanted, arrivals(ours.fake), ends=ends, told=told, visibility=plan.visibility)
    return Report(
        plan=plan,
        events=len(records),
        disturbances={"gap that was believed": logged[_BELIEVED]},
        faults=ours.fake.stats()["faults_served"],
        ended=[],
        by_itself=0,
        uncommitted=left,
        false_alarms=sum(logged[alarm] for alarm in _ALARMS),
        columns={"messenger": found},
    )
