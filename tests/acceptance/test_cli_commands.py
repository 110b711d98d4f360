"""check-config, send-test, preview and trace as an operator runs them: processes."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from consumer.adapters.ledger import open_ledger, upgrade
from consumer.domain.reasons import Kind
from consumer.sandbox.mailgun import FakeMailgun, Options
from consumer.wire import encode_tracking
from tests.support import process
from tests.support.kafka import Kafka
from tests.unit.tracing_rig import EVENT, MESSAGE_ID, UID, attempt, sent

ROOT = Path(__file__).parents[2]
EVENT_FILE = ROOT / "schemas/examples/alarm-state-event.v1/valid/critical-with-everything.json"
DOMAIN = "alerts.example.com"
KEY = "key-0123456789abcdef0123456789abcdef"

Messenger = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def messenger(tmp_path: Path) -> Messenger:
    """Runs the command in a directory of its own."""

    def run(*arguments: str | Path, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return process.run("consumer", *arguments, cwd=tmp_path, text=stdin)

    return run


def write_config(directory: Path, *, mailgun: str = "https://api.mailgun.net", kafka: str) -> Path:
    account = directory / "catalog" / "487000" / "account.json"
    account.parent.mkdir(parents=True)
    account.write_text('{"id": "acT3stAcct"}', encoding="utf-8")
    (directory / "key").write_text(f"{KEY}\n", encoding="utf-8")
    file = directory / "messenger.toml"
    file.write_text(
        f"""
        [kafka]
        {kafka}
        [mailgun]
        base_url = "{mailgun}"
        domain = "{DOMAIN}"
        api_key_file = "key"
        lookup_key_file = "key"
        from_address = "Alarms <alarms@{DOMAIN}>"
        """,
        encoding="utf-8",
    )
    return file


def test_check_config_says_fine_or_all_that_is_wrong(messenger: Messenger, tmp_path: Path) -> None:
    config = write_config(tmp_path, kafka='bootstrap_servers = "127.0.0.1:1"')
    fine = messenger("check-config", "--config", config, "--show")
    assert (fine.returncode, fine.stderr) == (0, f"{config}: fine\n")
    assert KEY not in fine.stdout
    config.write_text("[kafka]\nformats = 3\nsenders = 1\n", encoding="utf-8")
    wrong = messenger("check-config", "--config", config)
    assert wrong.returncode == 2
    assert "[kafka] formats" in wrong.stderr
    assert "[kafka] senders: unknown key" in wrong.stderr
    assert "[mailgun]: is missing" in wrong.stderr


def test_check_config_and_trace_with_a_real_kafka(
    messenger: Messenger, tmp_path: Path, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, tracking, dead = (
        kafka.create_topic(name, partitions=2) for name in ("events", "tracking", "dead")
    )
    config = write_config(
        tmp_path,
        kafka=f"""
        bootstrap_servers = "{kafka.bootstrap}"
        events_topic = "{events}"
        tracking_topic = "{tracking}"
        dead_letter_topic = "{dead}"
        """,
    )
    with FakeMailgun(Options(api_keys={KEY: "full"}, domains={DOMAIN})) as mailgun:
        monkeypatch.setenv("MESSENGER_MAILGUN__BASE_URL", mailgun.url)
        connected = messenger("check-config", "--config", config, "--connect")
        assert (connected.returncode, connected.stderr) == (0, "")

    url = f"sqlite:///{tmp_path}/messenger.db"
    upgrade(url)
    ledger = open_ledger(url)
    sent(ledger)
    ledger.close()
    steps = [attempt(Kind.DEFERRED, 1), attempt(Kind.ACCEPTED, 2), attempt(Kind.ACCEPTED, 2)]
    values = [(b"key", encode_tracking(step)) for step in steps]
    kafka.produce(tracking, [*values, (b"other", b"no tracking record")])
    for reference in (EVENT, UID, MESSAGE_ID, "oncall@example.com"):
        found = messenger("trace", reference, "--config", config, "--json")
        assert (found.returncode, found.stderr) == (0, "")
        (event,) = json.loads(found.stdout)["events"]
        assert [step["kind"] for step in event["steps"]] == ["deferred", "accepted"]
        assert [row["state"] for row in event["ledger"]] == ["accepted"]
    unknown = messenger("trace", "nobody", "--config", config)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "no event and no notification with this id" in unknown.stderr

    monkeypatch.setenv("MESSENGER_LEDGER__URL", "postgresql+psycopg://me:s3cret@127.0.0.1:1/db")
    away = messenger("check-config", "--config", config, "--connect")
    assert away.returncode == 3
    assert "messenger: ledger (PostgreSQL" in away.stderr
    assert "s3cret" not in away.stderr


def test_send_test_reaches_mailgun_once_and_reports(messenger: Messenger, tmp_path: Path) -> None:
    with FakeMailgun(Options(api_keys={KEY: "sending"}, domains={DOMAIN})) as mailgun:
        config = write_config(tmp_path, mailgun=mailgun.url, kafka="")
        ran = messenger("send-test", "ops@example.com", "--config", config, "--test-mode")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.startswith("accepted by mailgun in ")
        (mail,) = mailgun.messages()
        assert mail["recipient"] == "ops@example.com"
        assert mail["test_mode"] is True
        assert "test" in mail["tags"]
        (tmp_path / "key").write_text("key-of-somebody-else", encoding="utf-8")
        refused = messenger("send-test", "ops@example.com", "--config", config, "--json")
        assert refused.returncode == 1
        assert json.loads(refused.stdout)["result"]["code"] == 401
        assert "status 401" in refused.stderr
        assert "key-of-somebody-else" not in refused.stdout + refused.stderr
        assert len(mailgun.messages()) == 1


def test_send_test_to_no_address_is_wrong_usage(messenger: Messenger) -> None:
    ran = messenger("send-test", "ops")
    assert ran.returncode == 2
    assert ran.stderr == "messenger: ops: not an email address; write name@example.com\n"


def test_preview_without_any_settings(messenger: Messenger, tmp_path: Path) -> None:
    ran = messenger("preview", "-", "--out", "mails", stdin=EVENT_FILE.read_text())
    assert ran.returncode == 0
    files = [tmp_path / line for line in ran.stdout.splitlines()[2:]]
    assert len(files) == 4
    assert all(file.is_file() for file in files)


def test_preview_of_something_else_is_one_clear_line(messenger: Messenger) -> None:
    ran = messenger("preview", "-", stdin="<xml/>")
    assert ran.returncode == 1
    assert ran.stderr.startswith("messenger: standard input: not_json: ")
    assert ran.stderr.count("\n") == 1
