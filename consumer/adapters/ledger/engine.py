"""From a URL to an engine: which databases, and how their connections are set up."""

import sqlite3
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from consumer.adapters.postgres import limit_answers
from consumer.domain.errors import SettingsError

#: Upserts with RETURNING came with 3.35, the JSON operator `->>` with 3.38.
_OLDEST_SQLITE: Final = (3, 38, 0)

#: Execution option that says how SQLite begins a transaction.
BEGIN: Final = "sqlite_begin"
#: A deferred transaction that reads first and writes later fails at once when another process
#: wrote in between; taking the write lock first waits for it instead.
TO_WRITE: Final = "BEGIN IMMEDIATE"
TO_READ: Final = "BEGIN"


def parse_url(url: str) -> URL:
    """The URL's parts. Raises SettingsError, which never quotes the URL: it may hold a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Not chained: the cause may quote the URL.
        raise SettingsError(["ledger.url is not a database URL"]) from None
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise SettingsError(
            [
                f"ledger.url: {parsed.drivername}:// is not supported, "
                "use sqlite:///path or postgresql+psycopg://user@host/database"
            ]
        )
    return parsed


def is_memory(url: URL) -> bool:
    """A SQLite database that lives as long as its one connection."""
    return url.drivername == "sqlite" and url.database in (None, "", ":memory:")


def build_engine(
    url: URL, *, pool_size: int, timeout_seconds: float, connect_timeout_seconds: float
) -> Engine:
    """Nothing is connected yet. `timeout_seconds` limits a statement, and the wait for a lock."""
    if url.drivername == "sqlite":
        return _sqlite(url, pool_size, timeout_seconds)
    return _postgresql(url, pool_size, timeout_seconds, connect_timeout_seconds)


def _sqlite(url: URL, pool_size: int, timeout_seconds: float) -> Engine:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise SettingsError(
            [
                f"ledger.url: SQLite {sqlite3.sqlite_version} is too old, "
                "3.38 or newer is needed; or use PostgreSQL"
            ]
        )
    memory = is_memory(url)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1 if memory else pool_size,  # a second connection would be a second database
        max_overflow=0,
        pool_timeout=timeout_seconds,
        hide_parameters=True,
        connect_args={
            "timeout": timeout_seconds,
            "check_same_thread": False,  # the pool lends a connection to one thread at a time
            "isolation_level": None,  # the driver must not begin transactions by itself
        },
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        if not memory:
            connection.execute("PRAGMA journal_mode = WAL")
            # In WAL mode, NORMAL may lose the last commits when the power goes. A lost SENDING
            # row would turn a send in doubt into a second email, so each commit is synced.
            connection.execute("PRAGMA synchronous = FULL")
            # An upsert of many rows notes what it would take back; not in a file of its own.
            connection.execute("PRAGMA temp_store = MEMORY")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        how = connection.get_execution_options().get(BEGIN, TO_WRITE)
        driver: Any = connection.connection.driver_connection
        driver.execute(how)

    return engine


def _postgresql(
    url: URL, pool_size: int, timeout_seconds: float, connect_timeout_seconds: float
) -> Engine:
    milliseconds = round(timeout_seconds * 1000)
    # A process that was frozen in mid-transaction must not hold its rows for longer than others
    # are willing to wait for them.
    limits = (
        f"-c statement_timeout={milliseconds} "
        f"-c idle_in_transaction_session_timeout={milliseconds // 2}"
    )
    connect_args: dict[str, Any] = {
        "connect_timeout": max(2, round(connect_timeout_seconds)),  # libpq knows no less than 2
        # The server's timeout does not help against a network that swallows packets.
        "tcp_user_timeout": milliseconds,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "application_name": "messenger",
    }
    # What the URL says wins; of two options of one name the server takes the last.
    connect_args |= {key: url.query[key] for key in connect_args if key in url.query}
    connect_args["options"] = f"{limits} {url.query.get('options', '')}".strip()
    try:
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=timeout_seconds,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
            connect_args=connect_args,
        )
    except ModuleNotFoundError as error:
        raise SettingsError(
            ["ledger.url: the PostgreSQL driver is missing, install alarm-messenger[postgres]"]
        ) from error
    # Nor do packets that arrive, and are answered by nobody.
    limit_answers(engine, int(connect_args["tcp_user_timeout"]) / 1000)
    return engine
