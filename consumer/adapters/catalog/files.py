"""The catalog from a directory of files, read again when one of them changes."""

import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import msgspec

from consumer.adapters.catalog.index import CatalogSnapshot, Index
from consumer.adapters.catalog.rows import Row
from consumer.adapters.catalog.tree import SourceFile, Tree, list_files, read_tree
from consumer.domain.errors import CatalogUnavailable, SettingsError
from consumer.ports import Clock, LookupKey, Snapshot

#: Seconds between two looks at the files' sizes and times.
_LOOK_EVERY: Final = 1.0


class _Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What is served, swapped as a whole."""

    tree: Tree
    index: Index
    #: The listing last read, whether it could be used or not.
    files: list[SourceFile]
    #: Why the newest files are not what is served.
    refused: Sequence[str] = ()


class FileCatalog:
    """All rows in memory. A directory that breaks later keeps its last good content.

    Raises SettingsError, with every problem, when the directory cannot be used at the start.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._reloading = threading.Lock()
        try:
            files = list_files(directory)
        except OSError as error:
            raise SettingsError([_unreadable(directory, error)]) from error
        tree = read_tree(directory, files)
        if tree.broken:
            raise SettingsError(tree.broken)
        self._loaded = _Loaded(tree=tree, index=Index(tree.rows), files=files)
        self._looked_at = clock.monotonic()

    def snapshot(self, keys: Collection[LookupKey]) -> Snapshot:  # noqa: ARG002 - all is here
        self._look()
        loaded = self._loaded
        return CatalogSnapshot(loaded.index, degraded=bool(loaded.refused))

    def problems(self) -> list[str]:
        """What is wrong or was ignored, one line each."""
        loaded = self._loaded
        return [*loaded.refused, *loaded.tree.doubled, *loaded.tree.ignored]

    def read_all(self) -> tuple[list[Row], list[str]]:
        """Every row, and what is wrong with others."""
        loaded = self._loaded
        return loaded.tree.rows, [*loaded.refused, *loaded.tree.doubled]

    def ping(self) -> None:
        try:
            list_files(self._directory)
        except OSError as error:
            raise CatalogUnavailable(_unreadable(self._directory, error)) from error

    def close(self) -> None:
        """Nothing is held open."""

    def _look(self) -> None:
        """Read again what changed; one thread does, the others go on with what is there."""
        now = self._clock.monotonic()
        if now - self._looked_at < _LOOK_EVERY or not self._reloading.acquire(blocking=False):
            return
        try:
            self._looked_at = now
            self._loaded = self._reloaded()
        finally:
            self._reloading.release()

    def _reloaded(self) -> _Loaded:
        old = self._loaded
        try:
            files = list_files(self._directory)
        except OSError as error:
            # An empty listing: whatever is there next is news.
            problem = _unreadable(self._directory, error)
            return msgspec.structs.replace(old, files=[], refused=[problem])
        if files == old.files:
            return old
        tree = read_tree(self._directory, files)
        if tree.broken:
            return msgspec.structs.replace(old, files=files, refused=tree.broken)
        return _Loaded(tree=tree, index=Index(tree.rows), files=files)


def _unreadable(directory: Path, error: OSError) -> str:
    return f"catalog directory {directory}: {error.strerror or error}"
