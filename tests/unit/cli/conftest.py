"""The command line in this process: arguments in; exit code, stdout and stderr out."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from consumer.adapters.ledger import upgrade
from consumer.cli import main
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.record import Record
from tests.support.letters import letter_record
from tests.support.worker_fakes import FakeSink

#: In each place where a secret can be written. None of them may ever be printed.
SECRETS = ("key-s3cret-of-mailgun", "s3cret-of-the-ledger", "s3cret-of-the-catalog", "s3cret-sasl")

SETTINGS = """\
[kafka]
bootstrap_servers = "127.0.0.1:1"

[mailgun]
domain = "alerts.example.com"
api_key = "key-s3cret-of-mailgun"
lookup_key = "key-s3cret-to-look-up"
from_address = "Alarms <alarms@alerts.example.com>"

[ledger]
url = "sqlite:///{directory}/ledger.db"

[catalog]
url = "file:{directory}/catalog"
"""


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Ran]
SetTopic = Callable[..., None]
#: By its name in sys.modules: the package has the command itself under this name.
REDRIVE = sys.modules["consumer.cli.redrive"]
LETTERS = (
    letter_record(0),
    letter_record(1, reason="too_old"),
    letter_record(2, reason="not_json", key=None, value=b'{"a": "\x1b[31m\xff'),
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `messenger` with these arguments."""

    def messenger(*arguments: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["messenger", *map(str, arguments)])
        capsys.readouterr()
        try:
            code = main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return messenger


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Sound settings, with a catalog that has one account."""
    account = tmp_path / "catalog" / "487000" / "account.json"
    account.parent.mkdir(parents=True)
    account.write_text('{"id": "acT3stAcct"}', encoding="utf-8")
    file = tmp_path / "messenger.toml"
    file.write_text(SETTINGS.format(directory=tmp_path), encoding="utf-8")
    return file


# -- dead letters ------------------------------------------------------------------------------


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> SetTopic:
    """Decides what the dead-letter topic holds; no argument: Kafka is away."""

    def hold(*records: Record) -> None:
        def read(_kafka: object, topic: str) -> Iterator[Record]:
            assert topic == "alarm-events-dead-letter"
            if not records:
                raise BrokerUnavailable("Kafka at 127.0.0.1:1 does not answer")
            yield from records

        monkeypatch.setattr("consumer.cli.letter_source.read_topic", read)

    return hold


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeSink:
    """Where records go, with a ledger beside it."""
    upgrade(f"sqlite:///{tmp_path}/ledger.db")
    made = FakeSink()
    monkeypatch.setattr(REDRIVE, "KafkaSink", lambda _kafka: made)
    monkeypatch.setattr(REDRIVE, "ensure_reachable", lambda _kafka: None)
    return made


@pytest.fixture
def command(run: Run, config: Path, sink: FakeSink) -> Run:
    return lambda *arguments: run("dead-letters", *arguments, "--config", config)
