"""Zabbix's recoveries name nothing but their problem: its alarm is found all the same."""

import json
import time
from pathlib import Path
from typing import Any

from consumer.domain.reasons import Kind
from consumer.sandbox.catalog import LOAD_TENANT, write_load_catalog
from tests.support.kafka import Kafka
from tests.support.messenger import Messenger
from tests.unit.formats.samples import zabbix

PLAN = "npLoad000000"
SETTINGS = f"""
[kafka.mapping.zabbix]
default_tenant = "{LOAD_TENANT}"
"""
HOST = [{"host": "web-1", "name": "Web 1"}]


def problem(number: int, clock: int) -> dict[str, Any]:
    tags = [{"tag": "notification_plan", "value": PLAN}]
    return zabbix.problem(clock=clock, eventid=number, name="Disk is full", hosts=HOST, tags=tags)


def recovery(number: int, clock: int) -> dict[str, Any]:
    return zabbix.recovery(clock=clock, eventid=number + 1000, p_eventid=number)


def produce(messenger: Messenger, partition: int, *lines: dict[str, Any]) -> None:
    """Keyed by nothing, as most export is: the partition is anybody's guess."""
    messenger.kafka.produce(
        messenger.events, [(None, json.dumps(line).encode(), partition) for line in lines]
    )


def test_an_end_is_told_after_a_crash_and_from_another_partition(
    tmp_path: Path, kafka: Kafka
) -> None:
    """The process that read the problem is killed; another one reads the recovery."""
    now = int(time.time())
    with Messenger(tmp_path, kafka, partitions=2, settings=SETTINGS) as messenger:
        write_load_catalog(messenger.catalog, 1, 1)
        messenger.start("one")
        produce(messenger, 0, problem(7, now - 60))
        messenger.until_accepted(1)
        messenger.kill("one")

        produce(messenger, 1, recovery(7, now - 30), recovery(8, now - 20))
        produce(messenger, 0, problem(7, now - 60), problem(9, now - 10))
        messenger.start("two")
        messenger.until_accepted(3)
        messenger.until_done(5)

        subjects = [mail["subject"] for mail in messenger.fake.messages()]
        assert sorted(subjects) == [
            "** CRITICAL: Disk is full on Web 1 **",
            "** CRITICAL: Disk is full on Web 1 **",
            "** OK: Disk is full on Web 1 **",
        ]
        accepted = messenger.tracked([Kind.ACCEPTED])
        assert len({(each.event.entity_id, each.event.alarm_id) for each in accepted}) == 1
        (given_up,) = messenger.tracked([Kind.LOOKUP_FAILED])
        assert given_up.event.event_id == "8"
        assert len(kafka.read_all(messenger.dead_letters)) == 1
