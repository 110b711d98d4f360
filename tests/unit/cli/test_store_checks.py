"""What the catalog, the ledger and the templates can be wrong about."""

import json
from pathlib import Path
from typing import Any

import pytest

from consumer.adapters.catalog import import_directory
from consumer.adapters.ledger import upgrade
from consumer.cli.findings import Level, texts
from consumer.cli.store_checks import check_catalog, check_ledger, check_templates
from consumer.domain.catalog import Account
from consumer.settings import Settings
from tests.support.clock import ManualClock

NOW_MS = 1_392_138_740_000


def settings(**sections: dict[str, Any]) -> Settings:
    mailgun = {"domain": "alerts.example.com", "api_key": "key-1", "from_address": "a@b.example"}
    return Settings.model_validate({"mailgun": mailgun} | sections)


def write(file: Path, rows: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(rows), encoding="utf-8")


def test_a_catalog_directory_is_read_with_its_accounts(tmp_path: Path) -> None:
    write(tmp_path / "487000" / "account.json", {"id": "acOne", "template": "acme"})
    write(tmp_path / "487000" / "nothing-of-ours.json", [])
    given = settings(catalog={"url": f"file:{tmp_path}"})
    findings, accounts = check_catalog(given, ManualClock(), connect=False)
    assert [account.template for account in accounts] == ["acme"]
    assert texts(findings, Level.PROBLEM) == []
    (ignored,) = texts(findings, Level.WARNING)
    assert "nothing-of-ours.json" in ignored


def test_every_broken_row_of_a_directory_is_told(tmp_path: Path) -> None:
    write(tmp_path / "487000" / "alarms.json", [{"label": "no id"}])
    (tmp_path / "487000" / "checks.json").write_text("{", encoding="utf-8")
    given = settings(catalog={"url": f"file:{tmp_path}"})
    findings, accounts = check_catalog(given, ManualClock(), connect=False)
    told = texts(findings, Level.PROBLEM)
    assert len(told) == 2
    assert all(line.startswith("catalog: 487000/") for line in told)
    assert accounts == []


def test_a_missing_directory_names_the_key(tmp_path: Path) -> None:
    given = settings(catalog={"url": f"file:{tmp_path}/nowhere"})
    findings, _ = check_catalog(given, ManualClock(), connect=False)
    (told,) = texts(findings, Level.PROBLEM)
    assert told.startswith("[catalog] url: catalog directory")


def test_a_catalog_in_a_file_is_read_and_one_on_a_server_waits_for_connect(tmp_path: Path) -> None:
    write(tmp_path / "c" / "487000" / "alarms.json", [{"id": "alOne", "check_id": "chNone"}])
    url = f"sqlite:///{tmp_path}/catalog.db"
    import_directory(url, tmp_path / "c")
    findings, _ = check_catalog(settings(catalog={"url": url}), ManualClock(), connect=False)
    assert any("there is no check chNone" in line for line in texts(findings, Level.PROBLEM))
    remote = settings(catalog={"url": "postgresql+psycopg://127.0.0.1:1/db"})
    findings, _ = check_catalog(remote, ManualClock(), connect=False)
    assert texts(findings, Level.PROBLEM) == []
    assert texts(findings, Level.WARNING) == [
        "[catalog] url: its content is not checked; --connect does it"
    ]


def test_a_catalog_file_that_is_not_there_is_a_problem_and_with_connect_it_is_away(
    tmp_path: Path,
) -> None:
    given = settings(catalog={"url": f"sqlite:///{tmp_path}/none.db"})
    for connect, level in ((False, Level.PROBLEM), (True, Level.AWAY)):
        findings, _ = check_catalog(given, ManualClock(), connect=connect)
        (told,) = texts(findings, level)
        assert "no such file" in told


def test_a_ledger_file_may_be_missing_or_ready(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    given = settings(ledger={"url": url})
    assert list(check_ledger(given, connect=True)) == []
    assert not (tmp_path / "ledger.db").exists()
    upgrade(url)
    assert list(check_ledger(given, connect=True)) == []


def test_a_ledger_whose_directory_is_missing(tmp_path: Path) -> None:
    given = settings(ledger={"url": f"sqlite:///{tmp_path}/none/ledger.db"})
    for connect in (False, True):
        told = texts(check_ledger(given, connect=connect), Level.PROBLEM)
        assert told == [f"[ledger] url: directory {tmp_path}/none does not exist"]


def test_a_ledger_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is root may write everywhere, so it is said to be forbidden here."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    upgrade(url)
    monkeypatch.setattr("consumer.cli.store_checks.os.access", lambda path, _: path.is_dir())
    told = texts(check_ledger(settings(ledger={"url": url}), connect=False), Level.PROBLEM)
    assert told == [f"[ledger] url: file {tmp_path}/ledger.db is not writable"]
    monkeypatch.setattr("consumer.cli.store_checks.os.access", lambda path, _: path.is_file())
    told = texts(check_ledger(settings(ledger={"url": url}), connect=False), Level.PROBLEM)
    assert told == [f"[ledger] url: directory {tmp_path} is not writable"]


def test_a_ledger_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("this is no database, whatever its name says")
    for url, part in (
        ("sqlite://", "[ledger] url: a ledger in memory forgets"),
        ("oracle://x", "[ledger] url: oracle:// is not supported"),
        (f"sqlite:///{tmp_path}/ledger.db", "ledger (SQLite"),
    ):
        (told,) = texts(check_ledger(settings(ledger={"url": url}), connect=False), Level.PROBLEM)
        assert told.startswith(part)


def test_each_template_is_rendered_and_the_broken_ones_are_named(tmp_path: Path) -> None:
    write(tmp_path / "good" / "subject.txt", "{{ headline }}")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "body.txt").write_text("{% if %}", encoding="utf-8")
    (tmp_path / "only-ok").mkdir()
    (tmp_path / "only-ok" / "body.txt").write_text(
        "text{% if state == 'OK' %}{{ nothing }}{% endif %}", encoding="utf-8"
    )
    (tmp_path / ".git").mkdir()
    accounts = [
        Account(id="acOne", template="broken"),
        Account(id="acTwo", template="missing"),
        Account(id="acGone", template="also-missing", deleted_at=1),
        Account(id="acPlain"),
    ]
    given = settings(delivery={"template_directory": str(tmp_path)})
    told = texts(check_templates(given, accounts, NOW_MS), Level.PROBLEM)
    assert len(told) == 3
    assert f"template in {tmp_path}, of account acOne: broken: body.txt line 1" in told[0]
    assert "only-ok: body.txt" in told[1]
    assert "OK emails would be the built-in ones" in told[1]
    assert "of account acTwo: missing: its folder has none of" in told[2]


def test_templates_without_a_directory_are_warned_of() -> None:
    accounts = [Account(id="acOne", template="acme")]
    (told,) = texts(check_templates(settings(), accounts, NOW_MS), Level.WARNING)
    assert told.startswith("account acOne: template 'acme' is not used")


def test_a_template_directory_that_is_missing_names_the_key(tmp_path: Path) -> None:
    given = settings(delivery={"template_directory": str(tmp_path / "none")})
    (told,) = texts(check_templates(given, [], NOW_MS), Level.PROBLEM)
    assert told.startswith("[delivery] template_directory: ")
