"""A cache in front of a slow source: young answers are served from it, old ones in need."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable
from typing import TypeAlias

import msgspec

from consumer.adapters.catalog.gather import gather
from consumer.adapters.catalog.index import CatalogSnapshot
from consumer.adapters.catalog.rows import Row, ValueType
from consumer.adapters.catalog.source import WHOLE, Fetched, Source, Wanted
from consumer.domain.errors import CatalogUnavailable
from consumer.ports import Clock, LookupKey, Snapshot

_CacheKey: TypeAlias = tuple[ValueType, Wanted]


class _Entry(msgspec.Struct, frozen=True):
    rows: tuple[Row, ...]
    #: Monotonic seconds.
    fetched_at: float


class CachedCatalog:
    """The catalog of a source that may be slow or away.

    `max_age_seconds`: how long an answer is as good as new; `negative_seconds`: the same for "no
    such row", short, so that a new alarm is found soon. `stale_seconds`: how old an answer may be
    that is served while the source is away; that snapshot is degraded. A failed source is left
    alone for `retry_seconds`, so that not every batch waits for its timeout.
    """

    def __init__(
        self,
        source: Source,
        *,
        clock: Clock,
        max_age_seconds: float = 30.0,
        stale_seconds: float = 86_400.0,
        negative_seconds: float = 2.0,
        retry_seconds: float = 2.0,
        max_entries: int = 50_000,
    ) -> None:
        self._source = source
        self._clock = clock
        self._max_age = max_age_seconds
        self._stale = stale_seconds
        self._negative = min(negative_seconds, max_age_seconds)
        self._retry_seconds = retry_seconds
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._entries: OrderedDict[_CacheKey, _Entry] = OrderedDict()
        self._broken: dict[_CacheKey, str] = {}
        self._away: CatalogUnavailable | None = None
        self._retry_at = 0.0

    def snapshot(self, keys: Collection[LookupKey]) -> Snapshot:
        index, degraded = gather(keys, self._get)
        return CatalogSnapshot(index, degraded=degraded)

    def problems(self) -> list[str]:
        """What is wrong with the source or with rows of it, one line each."""
        with self._lock:
            return [*([str(self._away)] if self._away else []), *self._broken.values()]

    def read_all(self) -> tuple[list[Row], list[str]]:
        """Every row, past the cache, and what is wrong with others. Raises CatalogUnavailable."""
        return self._source.read_all()

    def ping(self) -> None:
        self._source.ping()

    def close(self) -> None:
        self._source.close()

    def _get(self, kind: ValueType, wanted: Collection[Wanted]) -> tuple[list[Row], bool]:
        """Rows, and whether some of them are older than allowed or could not be read.

        Raises CatalogUnavailable when the source is away and one of them was never answered.
        """
        now = self._clock.monotonic()
        with self._lock:
            rows, missing = self._young(kind, wanted, now)
        if not missing:
            return rows, self._any_broken(kind, wanted)
        fetched = self._fetch(kind, missing, now)
        with self._lock:
            if fetched is None:
                return rows + self._old(kind, missing, now), True
            rows += self._store(kind, fetched, now)
        return rows, self._any_broken(kind, wanted)

    def _young(
        self, kind: ValueType, wanted: Collection[Wanted], now: float
    ) -> tuple[list[Row], list[Wanted]]:
        rows: list[Row] = []
        missing: list[Wanted] = []
        for key in wanted:
            entry = self._entries.get((kind, key))
            if entry is None or now - entry.fetched_at >= self._lifetime(kind, entry):
                missing.append(key)
            else:
                self._entries.move_to_end((kind, key))
                rows.extend(entry.rows)
        return rows, missing

    def _lifetime(self, kind: ValueType, entry: _Entry) -> float:
        """Where a kind is read as a whole, "none" is an ordinary answer and lives as long."""
        return self._max_age if entry.rows or kind in WHOLE else self._negative

    def _fetch(self, kind: ValueType, wanted: list[Wanted], now: float) -> Fetched | None:
        """What the source says; None while it is away."""
        if self._away is not None and now < self._retry_at:
            return None
        try:
            fetched = self._source.fetch(kind, wanted)
        except CatalogUnavailable as error:
            self._away = error
            self._retry_at = self._clock.monotonic() + self._retry_seconds
            return None
        self._away = None
        return fetched

    def _old(self, kind: ValueType, wanted: Iterable[Wanted], now: float) -> list[Row]:
        rows: list[Row] = []
        for key in wanted:
            entry = self._entries.get((kind, key))
            if entry is None or now - entry.fetched_at > self._stale:
                raise CatalogUnavailable(str(self._away)) from self._away
            rows.extend(entry.rows)
        return rows

    def _store(self, kind: ValueType, fetched: Fetched, now: float) -> list[Row]:
        """Keep what was fetched, and give it back. A broken row leaves the one before in force."""
        rows: list[Row] = []
        for key, found in fetched.rows.items():
            if key in fetched.broken:
                self._broken[kind, key] = fetched.broken[key]
                before = self._entries.get((kind, key))
                found = found or (before.rows if before else ())
            else:
                self._broken.pop((kind, key), None)
            self._entries[kind, key] = _Entry(found, now)
            self._entries.move_to_end((kind, key))
            rows.extend(found)
        while len(self._entries) > self._max_entries:
            forgotten, _ = self._entries.popitem(last=False)
            self._broken.pop(forgotten, None)
        return rows

    def _any_broken(self, kind: ValueType, wanted: Iterable[Wanted]) -> bool:
        return bool(self._broken) and any((kind, key) in self._broken for key in wanted)
