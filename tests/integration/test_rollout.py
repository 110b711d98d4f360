"""A route's share is moved while processes run, and taken back when the route turns bad."""

import json
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.reasons import Kind
from consumer.domain.tracking import TrackingEvent
from consumer.pipeline.deliver import tenant_bucket
from consumer.sandbox.catalog import LOAD_TENANT, write_load_catalog
from tests.support.kafka import Kafka, until
from tests.support.load import RECIPIENTS, decoded, load
from tests.support.messenger import Messenger
from tests.support.smtp import FakeSmtp

TENANTS: Final = tuple(f"{487_000 + number}" for number in range(12))
#: Those that half of the share takes.
MOVED: Final = frozenset(tenant for tenant in TENANTS if tenant_bucket(tenant) < 5_000)
EACH: Final = 60
SETTINGS: Final = """
[smtp]
host = "127.0.0.1"
port = {port}
tls = "none"

[[routes]]
name = "new"
transport = "mailgun"
percent = 0
guard = true

[[routes]]
name = "old"
transport = "smtp"

[rollout.guard]
minimum_emails = 5
cool_down_seconds = 0
interval_seconds = 0.5
"""


def of_many_tenants(messenger: Messenger) -> list[AlarmEvent]:
    """Events as `load` makes them, each alarm of one of the tenants."""
    write_load_catalog(messenger.catalog, 4 * EACH, RECIPIENTS)
    for tenant in TENANTS:
        folder = messenger.catalog / tenant
        shutil.copytree(messenger.catalog / LOAD_TENANT, folder)
        account = {"id": f"ac{tenant}", "external_id": tenant}
        (folder / "account.json").write_text(json.dumps(account))
    events = decoded(load(4 * EACH, atoms=4 * EACH)).values()
    return [
        msgspec.structs.replace(event, tenant_id=TENANTS[int(event.alarm_id[-6:]) % len(TENANTS)])
        for event in events
    ]


def produce(kafka: Kafka, messenger: Messenger, events: list[AlarmEvent]) -> None:
    records = [(each.atom.encode(), msgspec.json.encode(each)) for each in events]
    kafka.produce(messenger.events, records)


def assert_in_order(tracked: list[TrackingEvent], events: Mapping[str, AlarmEvent]) -> None:
    times = defaultdict(list)
    for record in tracked:
        assert record.event.id is not None
        event = events[record.event.id]
        times[event.atom].append(event.timestamp)
    assert all(each == sorted(each) for each in times.values())


def said(messenger: Messenger, what: str) -> list[str]:
    """Which processes did."""
    names = ("one", "two")
    return [name for name in names for line in messenger.log(name) if line["event"] == what]


def test_a_share_is_moved_live_and_taken_back_once_when_the_route_fails(
    tmp_path: Path, kafka: Kafka
) -> None:
    with (
        FakeSmtp() as smtp,
        Messenger(tmp_path, kafka, settings=SETTINGS.format(port=smtp.port)) as messenger,
    ):
        events = of_many_tenants(messenger)
        phases = [events[start : start + EACH] for start in range(0, 4 * EACH, EACH)]
        messenger.start_pair("one", "two")
        produce(kafka, messenger, phases[0])
        until(lambda: len(smtp.messages) == EACH, "all go the old way")

        ran = messenger.command("rollout", "set", "new", "--percent", "50", "--yes")
        assert ran.returncode == 0, ran.stderr
        for name in ("one", "two"):
            messenger.until_logged(name, "rollout.share_set", percent=50.0)
        produce(kafka, messenger, phases[1])
        messenger.until_done(2 * EACH)
        went = {mail["variables"]["tenant_id"] for mail in messenger.fake.messages(limit=999)}
        assert went == MOVED, "exactly the tenants of the share"

        messenger.fake.script({"kind": "status", "status": 500, "count": None})
        produce(kafka, messenger, phases[2])
        until(lambda: said(messenger, "rollout.moved_back"), "the guard takes it back")
        until(lambda: len(said(messenger, "rollout.is_back")) == 2, "both hear of it")
        check = messenger.command("rollout", "status", "--check")
        assert check.returncode == 1
        assert "TAKEN BACK" in check.stdout
        assert "taken back by its guard: new" in check.stderr

        produce(kafka, messenger, phases[3])
        stayed = sum(event.tenant_id not in MOVED for event in phases[1] + phases[2])
        until(lambda: len(smtp.messages) >= 2 * EACH + stayed, "all go the old way again")
        messenger.fake.forget_faults()
        messenger.until_done(4 * EACH)

        by_mailgun = {mail["message_id"].strip("<>") for mail in messenger.fake.messages(limit=999)}
        by_smtp = {message.message_id.strip("<>") for message in smtp.messages}
        assert not by_mailgun & by_smtp, "nothing went both ways"
        accepted = messenger.tracked([Kind.ACCEPTED])
        assert {r.event.id for r in accepted} == {event.id for event in events}
        assert len(by_mailgun) + len(by_smtp) == len(events)
        assert_in_order(accepted, {event.id: event for event in events})
        back = {event.id for event in phases[3]}
        assert {r.route for r in accepted if r.event.id in back} == {"old"}
        assert len(said(messenger, "rollout.moved_back")) == 1, "one process decides, once"
        ways = {(r.route, r.provider.name) for r in accepted if r.provider is not None}
        assert ways == {("new", "mailgun"), ("old", "smtp")}
