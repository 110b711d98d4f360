"""From the address in the settings to a catalog."""

from pathlib import Path

from consumer.adapters.catalog.cache import CachedCatalog
from consumer.adapters.catalog.files import FileCatalog
from consumer.adapters.catalog.sql import SqlSource
from consumer.ports import Clock


def open_catalog(
    url: str, *, clock: Clock, max_age_seconds: float = 30.0, stale_seconds: float = 86_400.0
) -> FileCatalog | CachedCatalog:
    """The catalog at `url`: `file:DIRECTORY`, `sqlite:///FILE` or `postgresql+psycopg://…`.

    A directory is read at once; a database is connected to when it is first asked. Its answers
    are as good as new for `max_age_seconds`, and serve as degraded ones up to `stale_seconds`
    while it is away. Raises SettingsError, with every problem.
    """
    if url.startswith("file:"):
        return FileCatalog(directory_of(url), clock)
    return CachedCatalog(
        SqlSource(url), clock=clock, max_age_seconds=max_age_seconds, stale_seconds=stale_seconds
    )


def directory_of(url: str) -> Path:
    """The path in `file:DIRECTORY`, which may be relative, or in `file:///DIRECTORY`."""
    path = url.removeprefix("file:")
    return Path(path.removeprefix("//") if path.startswith("///") else path).expanduser()
