"""A candidate beside production on real Kafka: compared, and production none the wiser."""

import json
import sys
from pathlib import Path

from consumer.adapters.clock import SystemClock
from consumer.sandbox.mailgun import FakeMailgun, Options
from consumer.wire import encode_event
from tests.support.factories import make_event
from tests.support.kafka import Kafka
from tests.support.messenger import KEY, Messenger

#: Kafka dates them now: older ones would come too late to be sent.
NOW = int(SystemClock().now() * 1000)
EVENTS = [make_event(id=f"event-{n}", alarm_id=f"al{n}", timestamp=NOW + n) for n in range(6)]


def test_a_past_interval_is_compared_and_only_a_sandbox_gets_emails(
    tmp_path: Path, kafka: Kafka
) -> None:
    with Messenger(tmp_path, kafka, partitions=2) as messenger:
        _fill_catalog(messenger.catalog)
        kafka.produce(
            messenger.events,
            [(e.atom.encode(), encode_event(e), n % 2) for n, e in enumerate(EVENTS)],
        )
        kafka.produce(messenger.events, [(b"k", b"{", 0)])
        candidate = tmp_path / "new.toml"
        text = messenger.config.read_text(encoding="utf-8")
        candidate.write_text(
            f'{text}\n[delivery]\nproduct_name = "Next"\nmax_age_seconds.ok = 60\n'
        )
        options = Options(api_keys={KEY: "full"})
        with FakeMailgun(options) as sandbox:
            _compare(messenger, candidate, sandbox)
        assert messenger.fake.stats()["accepted_messages"] == 0
        assert kafka.committed(messenger.group, messenger.events) == {}
        assert kafka.read_all(messenger.tracking) == []
        assert not (tmp_path / "messenger.db").exists()


def _compare(messenger: Messenger, candidate: Path, sandbox: FakeMailgun) -> None:
    asked = ("shadow", "--from", "beginning", "--no-timing", "--json")
    same = messenger.command(*asked, "--candidate-python", sys.executable)
    assert same.returncode == 0, same.stderr
    counts = json.loads(same.stdout)["counts"]
    assert (counts["records"], counts["events"], counts["different"]) == (7, 7, 0)
    assert counts["emails"] == [6, 6]

    report = messenger.folder / "report.html"
    differs = messenger.command(
        *(*asked, "--candidate", str(candidate), "--max-differences", "5", "--report", str(report)),
        *("--send", "sandbox", "--sandbox-url", sandbox.url),
    )
    assert differs.returncode == 1, differs.stderr
    data = json.loads(differs.stdout)
    assert data["counts"]["texts"] == data["counts"]["different"] == 6
    assert data["sent"] == {"accepted": 6, "refused": 0, "why": ""}
    assert sandbox.stats()["accepted_messages"] == 6
    assert KEY not in report.read_text(encoding="utf-8") + differs.stdout + differs.stderr


def _fill_catalog(catalog: Path) -> None:
    tenant = catalog / "487000"
    tenant.mkdir(parents=True)
    rows = {
        "account": {"id": "acT3stAcct"},
        "entities": [{"id": "enW3bSrv01", "label": "shop"}],
        "checks": [{"id": "chHttpW3b1", "entity_id": "enW3bSrv01", "label": "front page"}],
        "alarms": [
            {"id": each.alarm_id, "entity_id": "enW3bSrv01", "notification_plan_id": "npOnCall01"}
            for each in EVENTS
        ],
        "notification_plans": [{"id": "npOnCall01", "critical_state": ["nt"]}],
        "notifications": [
            {"id": "nt", "type": "email", "details": {"address": "oncall@example.com"}}
        ],
    }
    for name, value in rows.items():
        (tenant / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
