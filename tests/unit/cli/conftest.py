"""The command line in this process: arguments in; exit code, stdout and stderr out."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from consumer.cli import main

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
