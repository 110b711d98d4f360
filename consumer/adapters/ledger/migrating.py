"""The schema's revision: read, checked, and brought up to date with the packaged migrations."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, func, select

from consumer.adapters.ledger.database import Database
from consumer.adapters.ledger.engine import build_engine, is_memory, parse_url
from consumer.domain.errors import SettingsError

_MIGRATIONS: Final = Path(__file__).parent / "migrations"

#: Key of the advisory lock that lets one process upgrade at a time: "ledger" in ASCII.
_LOCK_KEY: Final = 0x6C6564676572

#: Upgrades may move much data, and wait for another process that upgrades.
_TIMEOUT_SECONDS: Final = 600.0


def upgrade(url: str) -> str:
    """Bring the ledger's tables up to date; returns the revision. Two at once are safe.

    Raises SettingsError for a URL we cannot use or a schema newer than this program, and
    LedgerUnavailable.
    """
    parsed = parse_url(url)
    if is_memory(parsed):
        raise SettingsError(["ledger.url: a ledger in memory has nothing to upgrade"])
    database = _database(parsed)
    try:
        upgrade_database(database)
    finally:
        database.close()
    return _newest(_config())


def current_revision(url: str) -> str | None:
    """The schema's revision; None: there are no tables yet."""
    parsed = parse_url(url)
    if _is_missing(parsed):
        return None
    database = _database(parsed)
    try:
        return database.read(_revision)
    finally:
        database.close()


def check(url: URL, database: Database) -> None:
    """Raise SettingsError unless the schema is the one this program knows."""
    revision = None if _is_missing(url) else database.read(_revision)
    config = _config()
    if revision == _newest(config):
        return
    _refuse_unknown(config, revision)
    state = "has no tables yet" if revision is None else f"is at the older revision {revision}"
    raise SettingsError([f"the ledger {state}: run `messenger ledger upgrade`"])


def upgrade_database(database: Database) -> None:
    """All of the upgrade is one transaction: done, or not begun."""
    database.write(_upgrade)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_KEY)))
    config = _config()
    _refuse_unknown(config, _revision(connection))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _refuse_unknown(config: Config, revision: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise SettingsError(
            [
                f"the ledger is at revision {revision}, which this version does not know: "
                "install the newer alarm-messenger that wrote it"
            ]
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _newest(config: Config) -> str:
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None  # the migrations are packaged with this file
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _database(url: URL) -> Database:
    engine = build_engine(
        url, pool_size=1, timeout_seconds=_TIMEOUT_SECONDS, connect_timeout_seconds=5.0
    )
    return Database(engine, _TIMEOUT_SECONDS)


def _is_missing(url: URL) -> bool:
    """Whether asking SQLite would only create an empty file."""
    if url.drivername != "sqlite" or "uri" in url.query:
        return False
    return url.database is not None and not Path(url.database).exists()
