"""The connection to the catalog's database: addresses, time limits, errors without secrets."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from consumer.adapters.postgres import limit_answers
from consumer.domain.errors import CatalogUnavailable, SettingsError

#: Seconds to connect, to wait for a free connection, and for one statement.
_TIMEOUT: Final = 5


def open_engine(address: str) -> Engine:
    """An engine that has not connected yet. Raises SettingsError."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise SettingsError(["catalog.url: not a database address"]) from None
    if url.drivername == "sqlite" and url.database not in (None, "", ":memory:"):
        arguments: dict[str, Any] = {"timeout": _TIMEOUT}
    elif url.drivername == "postgresql+psycopg":
        arguments = {
            "connect_timeout": _TIMEOUT,
            "tcp_user_timeout": _TIMEOUT * 1000,
            "options": f"-c statement_timeout={_TIMEOUT * 1000}",
            "application_name": "messenger-catalog",
        }
        # What the address itself says wins.
        arguments |= {key: url.query[key] for key in arguments if key in url.query}
    else:
        raise SettingsError(
            [
                f"catalog.url: cannot use {url.drivername}; "
                "write file:DIRECTORY, sqlite:///FILE or postgresql+psycopg://…"
            ]
        )
    try:
        engine = create_engine(
            url,
            connect_args=arguments,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=2,
            pool_timeout=_TIMEOUT,
        )
    except ImportError:
        problem = "catalog.url: the PostgreSQL driver is not installed; pip install psycopg[binary]"
        raise SettingsError([problem]) from None
    if url.drivername != "sqlite":
        limit_answers(engine, int(arguments["tcp_user_timeout"]) / 1000)
    return engine


@contextmanager
def catalog_errors(engine: Engine, *, may_create: bool = False) -> Iterator[None]:
    """Turn what the driver raises into CatalogUnavailable, in one line."""
    try:
        if not may_create:
            _refuse_missing_file(engine.url)
        yield
    except SQLAlchemyError as error:
        raise CatalogUnavailable(_in_one_line(engine.url, error)) from None


def _refuse_missing_file(url: URL) -> None:
    """SQLite would make an empty database of a mistyped name."""
    if url.drivername == "sqlite" and not Path(url.database or "").exists():
        raise CatalogUnavailable(f"catalog {url.database}: no such file; import a catalog first")


def _in_one_line(url: URL, error: SQLAlchemyError) -> str:
    """The driver's first line, without the passwords that the address holds.

    The cause is left out of the chain: drivers quote addresses in it.
    """
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    text = f"catalog {url.set(query={}).render_as_string(hide_password=True)}: {lines[0]}"
    for secret in (url.password, url.query.get("password")):
        if isinstance(secret, str) and secret:
            text = text.replace(secret, "***")
    return text
