"""A slow source of rows, as the cache sees it."""

from collections.abc import Collection
from typing import Final, Protocol, TypeAlias

import msgspec

from consumer.adapters.catalog.rows import Row, ValueType
from consumer.domain.catalog import Suppression, Zone

#: Kinds that are read as a whole: a tenant's suppressions, the zones.
WHOLE: Final[frozenset[ValueType]] = frozenset({Suppression, Zone})

#: What is asked for: tenant and id. Kinds that are read as a whole leave the id empty; accounts
#: leave the tenant empty, and their id may be either of their two.
Wanted: TypeAlias = tuple[str, str]


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of a source."""

    #: The readable rows for each key, a tenant's own and the shared ones; () where there are none.
    rows: dict[Wanted, tuple[Row, ...]]
    #: Keys with rows that are there but cannot be read, and why.
    broken: dict[Wanted, str]


class Source(Protocol):
    """Where rows are read, some milliseconds or a broken network away."""

    def fetch(self, kind: ValueType, wanted: Collection[Wanted]) -> Fetched:
        """Rows of one kind. Raises CatalogUnavailable."""

    def read_all(self) -> tuple[list[Row], list[str]]:
        """Every row, and what is wrong with those that cannot be read.

        Raises CatalogUnavailable.
        """

    def ping(self) -> None:
        """Raise CatalogUnavailable when the source does not answer."""

    def close(self) -> None: ...
