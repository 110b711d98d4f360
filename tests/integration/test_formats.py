"""Messages of other systems on the events topic, side by side, through the real process."""

import json
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from consumer.domain.reasons import Kind
from consumer.sandbox.catalog import LOAD_TENANT, write_load_catalog
from tests.support.kafka import Kafka
from tests.support.messenger import Messenger
from tests.unit.formats.samples import alertmanager, cloudevents, grafana, monasca

PLAN = "npLoad000000"
SETTINGS = f"""
[kafka.mapping.alertmanager]
default_tenant = "{LOAD_TENANT}"
plan = "plan"
[kafka.mapping.grafana]
default_tenant = "{LOAD_TENANT}"
plan = "plan"
states = {{ DatasourceNoData = "warning" }}
"""


def written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def messages(now: float) -> list[tuple[Any, list[tuple[str, bytes]]]]:
    labels = {"tenant": None, "plan": PLAN}
    fires: dict[str, Any] = {"labels": labels, "startsAt": written(now - 60)}
    group = alertmanager.group(alertmanager.alert(**fires), {"status": "firing"})
    over = alertmanager.resolved(written(now - 1), **fires)
    no_data = grafana.stand_in("DatasourceNoData", startsAt=written(now), fingerprint="2b41")
    no_data["labels"] |= {"plan": PLAN, "instance": "web-3"}
    del no_data["labels"]["tenant"]
    dimensions = {"hostname": "web-4", "notification_plan": PLAN}
    transition = monasca.transition(
        tenantId=LOAD_TENANT,
        metrics=[{"name": "cpu", "dimensions": dimensions}],
        timestamp=int(now),
    )
    return [
        (group, []),
        (group, []),
        (grafana.group(no_data), list(cloudevents.headers())),
        (alertmanager.group(over), []),
        (cloudevents.structured(data=transition), []),
    ]


def test_every_alarm_is_mailed_once_and_what_is_broken_is_a_dead_letter(
    tmp_path: Path, kafka: Kafka
) -> None:
    """One alert of a group is broken, the group is sent again, and envelopes are opened."""
    with Messenger(tmp_path, kafka, partitions=1, settings=SETTINGS) as messenger:
        write_load_catalog(messenger.catalog, 1, 1)
        sent = messages(time.time())
        with closing(KafkaProducer(bootstrap_servers=kafka.bootstrap)) as producer:
            for value, headers in sent:
                producer.send(messenger.events, value=json.dumps(value).encode(), headers=headers)
            producer.flush(timeout=30)
        messenger.start("one")
        messenger.until_accepted(4)
        messenger.until_done(len(sent))

        subjects = [mail["subject"] for mail in messenger.fake.messages()]
        assert sorted(subjects) == [
            "** CRITICAL: HighLatency on web-1:9100 **",
            "** CRITICAL: cpu high on web-4 **",
            "** OK: HighLatency on web-1:9100 **",
            "** WARNING: High latency: DatasourceNoData on web-3 **",
        ]
        assert len(messenger.tracked([Kind.DUPLICATE])) == 1
        refused = messenger.tracked([Kind.INVALID])
        assert {each.outcome.message for each in refused} == {"alerts[1].labels: missing"}
        letters = kafka.read_all(messenger.dead_letters)
        assert len(letters) == len(refused) == 2, "one for each time the group was sent"
