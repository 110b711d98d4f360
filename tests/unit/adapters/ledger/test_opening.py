"""Which URLs are taken, and what is said of those that are not."""

import sqlite3
import sys
import traceback
from pathlib import Path

import pytest

from consumer.adapters.ledger import current_revision, open_ledger, upgrade
from consumer.domain.errors import LedgerUnavailable, SettingsError

PASSWORD = "s3cret-of-the-ledger"  # invented


def printed(error: BaseException) -> str:
    """All that a log with traceback could show of the error."""
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"mysql://messenger:{PASSWORD}@db/ledger", "mysql:// is not supported"),
        (f"postgresql://messenger:{PASSWORD}@db/ledger", "postgresql+psycopg://user@host"),
        (f"postgres {PASSWORD}", "not a database URL"),
        (f"postgresql+psycopg://messenger:{PASSWORD}@db:port/ledger", "not a database URL"),
        ("", "not a database URL"),
    ],
)
def test_url_we_cannot_use_is_a_settings_error_without_the_password(url: str, said: str) -> None:
    for ask in (open_ledger, upgrade, current_revision):
        with pytest.raises(SettingsError) as caught:
            ask(url)
        assert said in str(caught.value)
        assert PASSWORD not in printed(caught.value)


def test_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError, match=r"alarm-messenger\[postgres\]"):
        open_ledger("postgresql+psycopg://db/ledger")


def test_old_sqlite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 37, 2))
    with pytest.raises(SettingsError, match=r"3\.38 or newer"):
        open_ledger("sqlite:///ledger.db")


def test_missing_file_is_not_created_by_looking(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    assert current_revision(f"sqlite:///{file}") is None
    with pytest.raises(SettingsError, match="messenger ledger upgrade"):
        open_ledger(f"sqlite:///{file}")
    assert not file.exists()


@pytest.mark.parametrize(
    "content", [b"this is no database, and long enough to be read as one" * 20]
)
def test_file_that_is_no_database_is_unavailable(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ledger.db"
    file.write_bytes(content)
    with pytest.raises(LedgerUnavailable, match="not a database"):
        open_ledger(f"sqlite:///{file}")


def test_folder_that_does_not_exist_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="unable to open"):
        upgrade(f"sqlite:///{tmp_path / 'nowhere' / 'ledger.db'}")


def test_ledger_in_memory_has_its_tables_at_once_and_is_shared_by_threads() -> None:
    ledger = open_ledger("sqlite://")
    ledger.heartbeat("a", 0.0, 30)
    assert ledger.counts()["owners"] == 1
    ledger.close()


def test_ledger_in_memory_cannot_be_upgraded_from_outside() -> None:
    with pytest.raises(SettingsError, match="in memory"):
        upgrade("sqlite:///:memory:")
