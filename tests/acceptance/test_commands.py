"""The command as its users run it: what it prints, and its exit codes."""

import os
import signal
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from consumer.domain.reasons import Kind
from consumer.sandbox.catalog import write_sample_catalog
from consumer.sandbox.traffic import Label, generate
from tests.support.kafka import Kafka, until
from tests.support.messenger import Messenger
from tests.support.process import Process, run

#: Nothing listens here: the discard port is nobody's on these machines.
_NOBODY = "127.0.0.1:9"


def messenger(
    *arguments: str | Path, text: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"COLUMNS": "200"} | environment
    return run("consumer", *arguments, text=text, env=env)


COMMANDS = (
    ("demo",),
    ("run",),
    ("check-config",),
    ("topics", "create"),
    ("topics", "describe"),
    ("catalog", "import"),
    ("ledger", "upgrade"),
    ("ledger", "prune"),
    ("ledger", "show"),
    ("dead-letters", "list"),
    ("dead-letters", "show"),
    ("dead-letters", "redrive"),
    ("produce",),
    ("send-test",),
    ("preview",),
    ("trace",),
    ("tap",),
    ("feedback",),
    ("sandbox", "mailgun"),
    ("sandbox", "broker"),
    ("sandbox", "traffic"),
    ("bench", "storm"),
    ("bench", "single"),
    ("bench", "fairness"),
    ("bench", "tap"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command: tuple[str, ...]) -> None:
    done = messenger(*command, "--help")
    assert done.returncode == 0
    assert "Usage: " in done.stdout
    assert "--help" in done.stdout


@pytest.mark.parametrize("command", [("run",), ("topics", "create"), ("ledger", "show")])
def test_missing_settings_are_one_line_each_and_exit_2(command: tuple[str, ...]) -> None:
    """No domain, no key, no sender: all told at once, no traceback."""
    done = messenger(*command)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert all(line.startswith("messenger: ") for line in lines), done.stderr
    assert any("[mailgun]" in line for line in lines)


@pytest.mark.parametrize("command", [("run",), ("send-test", "you@example.com")])
def test_a_sender_that_is_none_is_refused_before_anything_is_sent(
    offline: Path, command: tuple[str, ...]
) -> None:
    offline.write_text(offline.read_text().replace('"alarms@alerts.example.com"', '"foo"'))
    done = messenger(*command, "-c", offline)
    assert done.returncode == 2
    assert "[mailgun] from_address: is no sender" in done.stderr


def test_a_settings_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    done = messenger("run", "--config", tmp_path / "nowhere.toml")
    assert done.returncode == 2
    assert "nowhere.toml: no such file" in done.stderr


def test_an_unknown_option_is_wrong_usage() -> None:
    assert messenger("run", "--fast").returncode == 2


SETTINGS = """
[kafka]
bootstrap_servers = "{kafka}"
[mailgun]
domain = "alerts.example.com"
api_key = "key-very-secret"
from_address = "alarms@alerts.example.com"
[ledger]
url = "{ledger}"
"""


@pytest.fixture
def offline(tmp_path: Path) -> Path:
    """Settings whose Kafka does not exist."""
    path = tmp_path / "offline.toml"
    path.write_text(SETTINGS.format(kafka=_NOBODY, ledger=f"sqlite:///{tmp_path}/m.db"))
    return path


@pytest.mark.parametrize(
    "command", [("topics", "describe"), ("topics", "create"), ("produce", "-")]
)
def test_a_kafka_that_is_away_is_exit_3_and_one_line(
    offline: Path, command: tuple[str, ...]
) -> None:
    done = messenger(*command, "--config", offline)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1, done.stderr
    assert _NOBODY in done.stderr
    assert "key-very-secret" not in done.stderr


def test_produce_looks_at_its_own_arguments_first(offline: Path) -> None:
    """No waiting for Kafka to hear of a misspelt file or format."""
    done = messenger("produce", "nowhere.ndjson", "-c", offline)
    assert (done.returncode, done.stderr) == (
        2,
        "messenger: nowhere.ndjson: No such file or directory\n",
    )
    done = messenger("produce", "-", "--format", "nagios", "-c", offline)
    assert done.returncode == 2
    assert "alarm-state-event" in done.stderr


def test_a_ledger_that_is_away_is_exit_3_and_keeps_its_password(tmp_path: Path) -> None:
    path = tmp_path / "away.toml"
    url = f"postgresql+psycopg://messenger:geheim@{_NOBODY}/messenger"
    path.write_text(SETTINGS.format(kafka=_NOBODY, ledger=url))
    done = messenger("ledger", "show", "--config", path)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1, done.stderr
    assert "geheim" not in done.stdout + done.stderr


def test_ledger_upgrade_show_and_prune(offline: Path) -> None:
    assert messenger("ledger", "show", "-c", offline).returncode == 2, "no tables yet"
    assert "upgraded" in messenger("ledger", "upgrade", "-c", offline).stdout
    assert "up to date" in messenger("ledger", "upgrade", "-c", offline).stdout
    shown = messenger("ledger", "show", "--json", "-c", offline)
    assert isinstance(msgspec.json.decode(shown.stdout), dict)
    assert "0 rows" in messenger("ledger", "prune", "-c", offline).stdout


def test_a_directory_is_imported_into_the_sql_catalog(tmp_path: Path) -> None:
    """The import tells its counts; a directory as the goal is refused with what to do."""
    write_sample_catalog(tmp_path / "catalog")
    path = tmp_path / "sql.toml"
    text = SETTINGS.format(kafka=_NOBODY, ledger="sqlite:///x.db")
    path.write_text(f'{text}\n[catalog]\nurl = "sqlite:///{tmp_path}/catalog.db"\n')
    done = messenger("catalog", "import", tmp_path / "catalog", "--json", "-c", path)
    assert done.returncode == 0, done.stderr
    assert msgspec.json.decode(done.stdout)["alarms"] == 28
    path.write_text(f'{text}\n[catalog]\nurl = "file:{tmp_path}/catalog"\n')
    refused = messenger("catalog", "import", tmp_path / "catalog", "-c", path)
    assert refused.returncode == 2
    assert "names a directory" in refused.stderr


def test_topics_are_created_once_and_described(tmp_path: Path, kafka: Kafka) -> None:
    path = tmp_path / "topics.toml"
    name = tmp_path.name.replace("_", "-")
    path.write_text(
        SETTINGS.format(kafka=kafka.bootstrap, ledger="sqlite:///x.db").replace(
            "[mailgun]",
            f'events_topic = "{name}-a"\ntracking_topic = "{name}-b"\n'
            f'dead_letter_topic = "{name}-c"\n[mailgun]',
        )
    )
    first = messenger("topics", "create", "--partitions", "3", "-c", path)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count(": created") == 3
    assert messenger("topics", "create", "-c", path).stdout.count(": exists") == 3
    described = msgspec.json.decode(messenger("topics", "describe", "--json", "-c", path).stdout)
    assert len(described) == 9
    assert {state["topic"] for state in described} == {f"{name}-{part}" for part in "abc"}


def test_produce_takes_the_good_lines_and_numbers_the_bad(tmp_path: Path, kafka: Kafka) -> None:
    """Every record of the sample traffic is either produced or told with its line number."""
    with Messenger(tmp_path, kafka) as setup:
        write_sample_catalog(setup.catalog)
        records = [r for r in generate(200, 5, int(time.time() * 1000)) if b"\n" not in r.value]
        file = tmp_path / "events.ndjson"
        file.write_bytes(b"".join(record.value + b"\n" for record in records))
        done = setup.command("produce", str(file), "--json")
        counts = msgspec.json.decode(done.stdout)
        kept = [r for r in records if r.label is not Label.BROKEN]
        broken = [
            n for n, r in enumerate(records, 1) if r.label is Label.BROKEN and r.value.strip()
        ]
        assert done.returncode == 1
        assert counts == {"produced": len(kept), "rejected": len(broken), "failed": 0}
        for number in broken:
            assert f"messenger: line {number}: " in done.stderr
        assert [r.key for r in setup.kafka.read_all(setup.events)].sort() == [
            r.key for r in kept
        ].sort()


def test_traffic_produced_from_a_pipe_becomes_emails(tmp_path: Path, kafka: Kafka) -> None:
    """`sandbox traffic | produce`, a consumer beside it: emails arrive, SIGTERM ends it with 0."""
    with Messenger(tmp_path, kafka) as setup:
        traffic = messenger("sandbox", "traffic", "--count", "60", "--catalog", setup.catalog)
        assert traffic.returncode == 0, traffic.stderr
        produced = messenger("produce", "-", "-c", setup.config, "--json", text=traffic.stdout)
        number = msgspec.json.decode(produced.stdout)["produced"]
        setup.start("one")
        setup.until_done(number)
        accepted = setup.tracked([Kind.ACCEPTED])
        assert accepted
        assert len(accepted) == setup.fake.stats()["accepted_messages"]
        assert setup.terminate("one") == 0


def test_run_answers_health_and_metrics(tmp_path: Path, kafka: Kafka) -> None:
    """The pages are on the port that the log names."""
    import requests

    with Messenger(tmp_path, kafka) as setup:
        write_sample_catalog(setup.catalog)
        setup.start("one")
        setup.until_logged("one", "partitions.assigned")
        address = next(
            line["address"] for line in setup.log("one") if line["event"] == "telemetry.listening"
        )
        with requests.Session() as session:
            session.trust_env = False
            assert session.get(f"{address}/healthz").status_code == 200
            ready = session.get(f"{address}/readyz")
            assert ready.status_code == 200
            assert len(ready.json()["partitions"]) == 4
            metrics = session.get(f"{address}/metrics").text
        assert 'messenger_tracking_records_total{kind="accepted"} 0.0' in metrics


def test_supervisor_ends_when_every_start_would_fail_alike(tmp_path: Path, kafka: Kafka) -> None:
    """No catalog: told once by each process, exit code 2, no restart."""
    with Messenger(tmp_path, kafka) as setup:
        done = messenger("run", "-c", setup.config, "--processes", "2")
        assert done.returncode == 2
        assert "holds no catalog file" in done.stderr
        assert "supervisor.restarting" not in done.stderr


def test_supervisor_restarts_and_passes_the_signal_on(tmp_path: Path, kafka: Kafka) -> None:
    """`--processes 2`: both work, SIGTERM ends both, the exit code is 0."""
    with Messenger(tmp_path, kafka) as setup:
        write_sample_catalog(setup.catalog)
        process = Process(
            *("consumer", "run", "-c", str(setup.config), "--processes", "2"),
            stdout=tmp_path / "supervisor.log",
        )
        try:
            until(
                lambda: (
                    [line["event"] for line in setup.log("supervisor")].count("app.started") == 2
                ),
                "two started processes",
            )
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
        stopped = [line for line in setup.log("supervisor") if line["event"] == "app.stopped"]
        assert len(stopped) == 2
