"""One change of one sample alarm, and how our own format and Rackspace's webhook write it."""

import random
import uuid
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
import yaml

from consumer.domain.alarm import EVENT_SCHEMA, State
from consumer.sandbox.catalog import SampleAlarm

#: An event id names the observation's minute, because checks run every 60 seconds.
BUCKET_MS: Final = 60_000
#: 100-nanosecond steps from the UUID's epoch, 1582-10-15, to 1970-01-01.
_UUID_EPOCH: Final = 0x01B21DD213814000


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one alarm, before it is put into a format."""

    alarm: SampleAlarm
    #: UUID of version 1, whose clock is `at`.
    id: str
    state: State
    previous: State | None
    #: Epoch milliseconds of the observation.
    at: int
    status: str
    #: None where the check could not run.
    metrics: dict[str, Any] | None
    observations: list[dict[str, Any]]

    @property
    def event_id(self) -> str:
        """Rackspace's correlation id: two changes within a minute may share it."""
        bucket = self.at // BUCKET_MS * BUCKET_MS
        row = self.alarm
        ids = (row.account_id, row.entity["id"], row.alarm["id"], row.check["id"])
        return ":".join((*ids, str(bucket), self.state))

    @property
    def target(self) -> str:
        """What remote checks poll; agents have none."""
        return self.alarm.check["target_hostname"] or ""

    @property
    def txn_id(self) -> str:
        return f".rh-sandbox.h-api1.c-{self.id[:8]}.ts-{self.at}.v-0a1b2c3"


def make_change(
    rng: random.Random, alarm: SampleAlarm, state: State, previous: State | None, at: int
) -> Change:
    """What the alarm's check may have seen at `at`."""
    words = _words()[alarm.check["type"]]
    return Change(
        alarm=alarm,
        id=uuid1(rng, at),
        state=state,
        previous=previous,
        at=at,
        status=rng.choice(words[state]),
        metrics=None if rng.random() < 0.05 else _metrics(rng, words["metrics"]),
        observations=_observations(rng, alarm, state, at),
    )


def timed_out(change: Change) -> Change:
    """The same moment, had the check not been able to run: CRITICAL, and no metrics."""
    return msgspec.structs.replace(
        change,
        state=State.CRITICAL,
        status=f"timeout: no answer within {change.alarm.check['timeout']} s",
        metrics=None,
    )


def own_event(change: Change, *, snapshots: bool = True) -> dict[str, Any]:
    """The change as alarm-state-event/1."""
    row = change.alarm
    return {
        "schema": EVENT_SCHEMA,
        "id": change.id,
        "event_id": change.event_id,
        "source": "ele",
        "tenant_id": row.tenant_id,
        "account_id": row.account_id,
        "entity_id": row.entity["id"],
        "check_id": row.check["id"],
        "alarm_id": row.alarm["id"],
        "state": change.state,
        "previous_state": change.previous,
        "status": change.status,
        "timestamp": change.at,
        "produced_at": change.at + 210,
        "txn_id": change.txn_id,
        "notification_plan_id": row.alarm["notification_plan_id"],
        "target": change.target or None,
        "metrics": change.metrics,
        "observations": change.observations,
        "entity": row.entity if snapshots else None,
        "check": row.check if snapshots else None,
        "alarm": row.alarm if snapshots else None,
        "link": _link(change),
        "attributes": {"region": "sandbox"},
    }


def webhook_payload(change: Change) -> dict[str, Any]:
    """The change as Rackspace's webhook payload, which does not tell the previous state."""
    row = change.alarm
    return {
        "event_id": change.event_id,
        "log_entry_id": change.id,
        "details": {
            "target": change.target,
            "timestamp": change.at,
            "metrics": change.metrics,
            "state": change.state,
            "status": change.status,
            "txn_id": change.txn_id,
            "collector_address_v4": "192.0.2.8",
            "collector_address_v6": None,
            "observations": change.observations,
        },
        "entity": row.entity,
        "check": row.check,
        "alarm": row.alarm,
        "tenant_id": row.tenant_id,
        "dashboard_link": _link(change),
    }


def button_payload(change: Change) -> dict[str, Any]:
    """What the API's test button sends: fixed ids, a notification id as log entry."""
    payload = webhook_payload(change)
    zones = zip(("mzord", "mzdfw", "mzlon"), (State.OK, State.WARNING, State.CRITICAL), strict=True)
    payload["details"]["observations"] = [
        _observation(zone, state, f"Test {state}", change.at) for zone, state in zones
    ]
    return payload | {
        "event_id": "test_check",
        "log_entry_id": "ntExAmPl02",
        "entity": change.alarm.entity | {"id": "enTEST"},
        "check": change.alarm.check | {"id": "chTEST"},
        "alarm": change.alarm.alarm | {"id": "alTEST", "check_id": "chTEST", "entity_id": "enTEST"},
    }


def uuid1(rng: random.Random, at: int) -> str:
    """A UUID of version 1 made at `at` (epoch milliseconds), by a random node."""
    steps = at * 10_000 + _UUID_EPOCH + rng.randrange(10_000)
    fields = (
        steps & 0xFFFFFFFF,
        steps >> 32 & 0xFFFF,
        steps >> 48 & 0x0FFF,
        rng.randrange(64),
        rng.randrange(256),
        rng.getrandbits(48),
    )
    return str(uuid.UUID(fields=fields, version=1))


def _link(change: Change) -> str:
    row = change.alarm
    return (
        f"https://intelligence.example/cloud/entities/{row.entity['id']}"
        f"/checks/{row.check['id']}/alarm/{row.alarm['id']}"
    )


def _metrics(rng: random.Random, known: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"type": metric["type"], "data": rng.choice(metric["values"]), "unit": metric["unit"]}
        for name, metric in known.items()
    }


def _observations(
    rng: random.Random, alarm: SampleAlarm, state: State, at: int
) -> list[dict[str, Any]]:
    """Remote checks are seen from several zones, which need not agree; agents from none."""
    texts = _words()[alarm.check["type"]]
    zones = alarm.check["monitoring_zones_poll"]
    if zones is None:
        return [_observation(None, state, texts[state][0], at)]
    told = rng.choice(zones)
    seen = {zone: state if zone == told else rng.choice(list(texts)[:3]) for zone in zones}
    return [
        _observation(
            zone, said, rng.choice(texts[said]), at if zone == told else at - rng.randrange(55_000)
        )
        for zone, said in seen.items()
    ]


def _observation(zone: str | None, state: str, status: str, at: int) -> dict[str, Any]:
    return {
        "monitoring_zone_id": zone,
        "state": state,
        "status": status,
        "timestamp": at,
        "collectorState": "UP",
    }


@cache
def _words() -> dict[str, Any]:
    """Texts and metrics by type of check; the three states come first in each."""
    text = files("consumer.sandbox").joinpath("data/traffic.yaml").read_text("utf-8")
    words: dict[str, Any] = yaml.safe_load(text)
    return words
