"""`messenger suppressions` and `messenger stats`, against the fake Mailgun."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from consumer.adapters.ledger import upgrade
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.reasons import Kind
from consumer.domain.record import Record
from consumer.sandbox.mailgun import FakeMailgun, Options
from consumer.wire import encode_tracking
from tests.unit.cli.conftest import Run
from tests.unit.feedback.test_stats import step

DOMAIN, KEY = "alerts.example.com", "key-s3cret-to-look-up"
#: By its name in sys.modules: the package has the command itself under this name.
STATS = sys.modules["consumer.cli.stats"]


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeMailgun]:
    with FakeMailgun(Options(api_keys={KEY: "full"}, domains={DOMAIN})) as running:
        yield running


@pytest.fixture
def command(
    fake: FakeMailgun, run: Run, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    fake.reset()
    upgrade(f"sqlite:///{tmp_path}/ledger.db")
    monkeypatch.setenv("MESSENGER_MAILGUN__BASE_URL", fake.url)
    return lambda *arguments: run(*arguments, "--config", config)


def at_mailgun(fake: FakeMailgun, of: str) -> list[str]:
    answer = requests.get(f"{fake.url}/v3/{DOMAIN}/{of}", auth=("api", KEY), timeout=10)
    return [item.get("address", item.get("value")) for item in answer.json()["items"]]


def listed(command: Run) -> list[tuple[str, str]]:
    found = json.loads(command("suppressions", "list", "--json").out)["entries"]
    return [(entry["list"], entry["address"]) for entry in found]


def test_add_and_remove_act_at_mailgun_and_in_the_ledger(command: Run, fake: FakeMailgun) -> None:
    for of in ("bounces", "complaints", "unsubscribes", "whitelists"):
        added = command("suppressions", "add", "A+b@example.com", "--list", of, "--why", "left")
        assert added.code == 0, added.err
        assert at_mailgun(fake, of) == ["a+b@example.com"]
    assert [of for of, _ in listed(command)] == [
        "bounces",
        "complaints",
        "unsubscribes",
        "whitelists",
    ]
    removed = command("suppressions", "remove", "a+b@example.com")
    assert (removed.code, removed.out) == (
        0,
        "a+b@example.com is off the list of bounces and complaints and unsubscribes\n",
    )
    assert at_mailgun(fake, "bounces") == []
    assert listed(command) == [("whitelists", "a+b@example.com")]
    again = command("suppressions", "remove", "a+b@example.com")
    assert (again.code, "is not on any list" in again.err) == (1, True)


def test_sync_makes_the_ledger_what_mailgun_has(command: Run, fake: FakeMailgun) -> None:
    addresses = [{"address": f"r{n:04}@example.com"} for n in range(1_000)]
    for part in (addresses, [{"address": "one-more@example.com", "error": "No such user"}]):
        requests.post(
            f"{fake.url}/v3/{DOMAIN}/bounces", json=part, auth=("api", KEY), timeout=10
        ).raise_for_status()
    done = command("suppressions", "sync", "--json")
    assert json.loads(done.out)["entries"]["bounces"] == 1_001
    assert len(listed(command)) == 1_001
    requests.delete(f"{fake.url}/v3/{DOMAIN}/bounces", auth=("api", KEY), timeout=10)
    assert command("suppressions", "sync").code == 0
    assert listed(command) == []


def test_what_is_no_address_is_refused_before_anything_is_asked(command: Run) -> None:
    for arguments in (["add", "nobody"], ["remove", "example.com"]):
        refused = command("suppressions", *arguments)
        assert (refused.code, "not an email address" in refused.err) == (2, True)
    assert command("suppressions", "add", "example.com", "--list", "whitelists").code == 0


def test_mailgun_away_is_exit_code_3_and_changes_nothing(
    command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESSENGER_MAILGUN__BASE_URL", "http://127.0.0.1:1")
    for arguments in (["add", "a@example.com"], ["remove", "a@example.com"], ["sync"]):
        assert command("suppressions", *arguments).code == 3
    assert listed(command) == []


class TestStats:
    @pytest.fixture
    def topic(self, monkeypatch: pytest.MonkeyPatch) -> None:
        steps = [step(Kind.ACCEPTED, at=1_000), step(Kind.DELIVERED, at=1_000)]
        values = [*map(encode_tracking, steps), b"none of ours"]
        records = [Record("notification-tracking", 0, n, None, v) for n, v in enumerate(values)]
        monkeypatch.setattr(STATS, "read_topic", lambda *_: iter(records))

    @pytest.mark.usefixtures("topic")
    def test_our_figures_stand_beside_mailguns(self, command: Run) -> None:
        between = ("--from", "1970-01-01T00:00:00Z", "--to", "1970-01-01T00:01:00Z")
        ran = command("stats", *between, "--mailgun", "--json")
        told = json.loads(ran.out)
        assert "1 records" in ran.err
        assert (told["total"]["accepted"], told["total"]["mailgun"]["accepted"]) == (1, 0)
        assert told["tags"]["critical"]["rates"]["delivered"] == 1.0
        assert told["accounts"]["487000"]["delivered"] == 1
        table = command("stats", *between)
        assert "account 487000" in table.out
        assert "1 (100.0%)" in table.out

    def test_times_that_are_none_or_the_wrong_way_round_are_refused(self, command: Run) -> None:
        assert command("stats", "--from", "yesterday").code == 2
        assert command("stats", "--from", "1h", "--to", "2h").code == 2

    def test_kafka_away_is_exit_code_3(self, command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*_: object) -> Iterator[Record]:
            raise BrokerUnavailable("Kafka does not answer")

        monkeypatch.setattr(STATS, "read_topic", away)
        assert command("stats").code == 3
