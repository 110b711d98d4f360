"""One run from end to end: traffic, disturbances, the wait for the rest, the comparison."""

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from consumer import wire
from consumer.domain.reasons import Kind
from consumer.sandbox.mailgun import FakeMailgun
from tests.chaos import crew as crews
from tests.chaos import faults
from tests.chaos.checker import Arrived, Findings, Place, Wanted, check
from tests.chaos.director import Director
from tests.chaos.feeding import Feeder, number_of
from tests.chaos.plan import Plan, schedule
from tests.chaos.report import Report
from tests.chaos.traffic import ENDS, Item, Label, addresses, traffic, write_catalog
from tests.support.kafka import Kafka, KafkaBroker
from tests.support.postgres import PostgresServer

_LIMIT = 1_000_000
#: A process of ours that nobody told to end.
_DEFECT = ("messenger", "by itself")


def run(plan: Plan, folder: Path, kafka: KafkaBroker, postgres: PostgresServer | None) -> Report:
    """`folder` gets the logs of all processes; the two servers are disturbed too."""
    items = traffic(plan.events, plan.seconds, plan.seed, int(time.time() * 1000))
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(
            crews.MessengerCrew(
                folder,
                kafka,
                ledger_url=None if postgres is None else postgres.new_database(),
                options=crews.options(plan),
                overrides=crews.overrides(plan),
                # Delays count from the moment when the broker has the event.
                events_config={"message.timestamp.type": "LogAppendTime"},
            )
        )
        write_catalog(ours.catalog)
        upgraded = ours.command("ledger", "upgrade")
        assert upgraded.returncode == 0, upgraded.stderr
        naive = _naive(plan, ours, stack) if plan.naive else None
        feeder = Feeder(folder, kafka.bootstrap, ours.events, items)
        stack.callback(feeder.stop)
        director = _disturbed(plan, ours, naive, feeder, kafka, postgres)
        records = kafka.read_all(ours.events)
        left = await_end(kafka, records, ours, naive, plan.patience)
        director.stop_watching()
        for name in ours.names:
            director.ended["messenger", "at the end", ours.terminate(name)] += 1
        return _report(plan, ours, naive, items, records, director, left)


def _naive(plan: Plan, ours: crews.MessengerCrew, stack: contextlib.ExitStack) -> crews.NaiveCrew:
    path = ours.folder / "recipients.json"
    path.write_text(json.dumps(addresses()), encoding="utf-8")
    naive = crews.NaiveCrew(ours.folder, ours.kafka, ours.events, path, crews.options(plan))
    stack.callback(naive.stop)
    naive.fake.start()
    return naive


def _disturbed(
    plan: Plan,
    ours: crews.MessengerCrew,
    naive: crews.NaiveCrew | None,
    feeder: Feeder,
    kafka: KafkaBroker,
    postgres: PostgresServer | None,
) -> Director:
    """Traffic and disturbances, until both are over. The provider stays as bad as it was."""
    who: dict[str, list[crews.Crew]] = {name: [ours] for name in (*plan.names, "extra")}
    providers = [ours.fake]
    for name in plan.names:
        ours.start(name)
    if naive is not None:
        providers.append(naive.fake)
        for name in plan.names:
            who[name].append(naive)
            naive.start(name)
    ours.until_logged(plan.names[0], "partitions.assigned")
    for provider in providers:
        provider.script(*faults.always(plan.seed))
    director = Director(schedule(plan), who, providers, kafka, postgres)
    feeder.start()
    director.run()
    feeder.join()
    return director


def await_end(
    kafka: Kafka,
    records: Sequence[Any],
    ours: crews.MessengerCrew,
    naive: crews.NaiveCrew | None,
    patience: float,
) -> dict[str, int]:
    """Wait until the groups have committed everything; returns what they have not, by group."""
    last = {record.partition: record.offset for record in records}
    groups = [ours.group] + ([naive.group] if naive is not None else [])
    deadline = time.monotonic() + patience
    while True:
        left = {group: _left(kafka.committed(group, ours.events), last) for group in groups}
        if not any(left.values()) or time.monotonic() > deadline:
            return left
        time.sleep(0.5)  # between two looks


def _left(committed: Mapping[int, int], last: Mapping[int, int]) -> int:
    return sum(max(0, offset + 1 - committed.get(place, 0)) for place, offset in last.items())


def _report(
    plan: Plan,
    ours: crews.MessengerCrew,
    naive: crews.NaiveCrew | None,
    items: Sequence[Item],
    records: Sequence[Any],
    director: Director,
    left: Mapping[str, int],
) -> Report:
    wanted, ends = expectations(items, records)
    told = [wire.decode_tracking(r.value) for r in ours.kafka.read_all(ours.tracking)]
    columns: dict[str, Findings] = {
        "messenger": check(
            wanted, arrivals(ours.fake), ends=ends, told=told, visibility=plan.visibility
        )
    }
    if naive is not None:
        columns["naive loop"] = check(wanted, arrivals(naive.fake), ends={}, told=None)
    return Report(
        plan=plan,
        events=len(records),
        disturbances=dict(sorted(director.done.items())),
        faults=ours.fake.stats()["faults_served"],
        ended=_ended(director),
        by_itself=sum(n for (who, how, _), n in director.ended.items() if (who, how) == _DEFECT),
        uncommitted=dict(left),
        columns=columns,
    )


def _ended(director: Director) -> list[str]:
    return [
        f"{who} {how} {code} ({count} times)"
        for (who, how, code), count in sorted(director.ended.items())
    ]


def expectations(
    items: Sequence[Item], records: Sequence[Any]
) -> tuple[list[Wanted], dict[Place, Kind | None]]:
    """From what is on the topic; a record that the producer wrote twice is one more repeat.

    Repeats may have gone from the topic by compaction.
    """
    wanted, ends = [], {}
    seen: set[int] = set()
    for record in sorted(records, key=lambda r: (r.partition, r.offset)):
        item = items[number_of(record)]
        again = item.number in seen
        seen.add(item.number)
        ends[record.partition, record.offset] = Kind.DUPLICATE if again else ENDS.get(item.label)
        if again or item.event_id is None:
            continue
        wanted += [
            Wanted(
                email=(item.event_id, recipient),
                atom=item.atom,
                timestamp=item.timestamp,
                appended=record.timestamp / 1000,
            )
            for recipient in item.recipients
        ]
    gone = [item for item in items if item.number not in seen and item.label is not Label.REPEAT]
    assert not gone, f"{len(gone)} events did not reach the topic"
    return wanted, ends


def arrivals(fake: FakeMailgun) -> list[Arrived]:
    """What the provider accepted, in its order."""
    return [
        Arrived(
            email=(mail["variables"].get("event_id", ""), mail["recipient"]),
            message_id=mail["message_id"],
            at=mail["accepted_at"],
        )
        for mail in fake.messages(limit=_LIMIT)
    ]
