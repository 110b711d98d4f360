"""Rows from a SQL database: a source to be put behind the cache."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, Text, cast, or_, select

from consumer.adapters.catalog.database import catalog_errors, open_engine
from consumer.adapters.catalog.rows import SHARED, BrokenRow, Row, ValueType, read_row
from consumer.adapters.catalog.source import WHOLE, Fetched, Wanted
from consumer.adapters.catalog.tables import TABLES
from consumer.domain.catalog import Account

#: Keys in one statement; each is at most two parameters, and SQLite once allowed 999.
_CHUNK: Final = 400


class _Raw(NamedTuple):
    tenant: str
    id: str
    body: str


class SqlSource:
    """Reads with one statement per kind and chunk of keys. Connects when first asked."""

    def __init__(self, address: str) -> None:
        # Single reads need no transaction, and so no round trips to begin and end one.
        self._engine = open_engine(address).execution_options(isolation_level="AUTOCOMMIT")

    def fetch(self, kind: ValueType, wanted: Collection[Wanted]) -> Fetched:
        fetched = Fetched(rows={}, broken={})
        with catalog_errors(self._engine), self._engine.connect() as connection:
            for chunk in _chunks(sorted(wanted)):
                statement = _rows_of(kind).where(_condition(kind, chunk))
                _answer(kind, chunk, _raws(connection, statement), fetched)
        return fetched

    def read_all(self) -> tuple[list[Row], list[str]]:
        rows: list[Row] = []
        problems: list[str] = []
        with catalog_errors(self._engine), self._engine.connect() as connection:
            for kind in TABLES:
                for raw in _raws(connection, _rows_of(kind)):
                    try:
                        rows.append(_decoded(kind, raw))
                    except BrokenRow as error:
                        problems.append(str(error))
        return rows, problems

    def ping(self) -> None:
        with catalog_errors(self._engine), self._engine.connect() as connection:
            connection.execute(select(TABLES[Account].c.id).limit(1))

    def close(self) -> None:
        self._engine.dispose()


def _raws(connection: Connection, statement: Select[Any]) -> Iterator[_Raw]:
    return (_Raw(*row) for row in connection.execute(statement))


def _rows_of(kind: ValueType) -> Select[Any]:
    """The body is read as text and decoded row by row: a broken one breaks nothing else."""
    columns = TABLES[kind].c
    return select(columns.tenant_id, columns.id, cast(columns.body, Text))


def _condition(kind: ValueType, keys: Sequence[Wanted]) -> ColumnElement[bool]:
    """All that the keys ask for, and little more: tenants and ids are matched apart.

    Row values, `(tenant, id) IN (…)`, would be exact, but SQLite does not use the index for them.
    """
    columns = TABLES[kind].c
    ids = [id_ for _, id_ in keys]
    if kind is Account:
        return or_(columns.tenant_id.in_(ids), columns.id.in_(ids))
    tenants = columns.tenant_id.in_({tenant for tenant, _ in keys} | {SHARED})
    return tenants if kind in WHOLE else tenants & columns.id.in_(ids)


def _answer(
    kind: ValueType, keys: Iterable[Wanted], raws: Iterable[_Raw], fetched: Fetched
) -> None:
    """Sort the rows to the keys they answer, a tenant's own and the shared ones."""
    answers: dict[Wanted, list[_Raw]] = defaultdict(list)
    for raw in raws:
        for key in _keys_of(kind, raw):
            answers[key].append(raw)
    for key in keys:
        rows: list[Row] = []
        for place in dict.fromkeys((key, (SHARED, key[1]))):
            for raw in answers.get(place, ()):
                try:
                    rows.append(_decoded(kind, raw))
                except BrokenRow as error:
                    fetched.broken[key] = str(error)
        fetched.rows[key] = tuple(rows)


def _keys_of(kind: ValueType, raw: _Raw) -> Iterable[Wanted]:
    if kind is Account:
        return {(SHARED, raw.tenant), (SHARED, raw.id)}
    return [(raw.tenant, "" if kind in WHOLE else raw.id)]


def _decoded(kind: ValueType, raw: _Raw) -> Row:
    where = f"{TABLES[kind].name}: tenant {raw.tenant or 'shared'}"
    try:
        decoded: Any = msgspec.json.decode(raw.body)
    except msgspec.DecodeError as error:
        raise BrokenRow(f"{where}: {raw.id}: {error}") from None
    if isinstance(decoded, Mapping):
        decoded = {**decoded, "id": raw.id}
    return read_row(kind, raw.tenant, decoded, where)


def _chunks(keys: Sequence[Wanted]) -> Iterator[Sequence[Wanted]]:
    for start in range(0, len(keys), _CHUNK):
        yield keys[start : start + _CHUNK]
