"""Rows in and out. A batch of rows is one parameter: a JSON array that the database unfolds.

One statement text for any number of rows: it is compiled once, no limit of bind variables
applies, and SQLite and PostgreSQL speak it alike.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import RowMapping, Subquery, Text, bindparam, cast, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import Table
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from consumer.domain.converting import convert

T = TypeVar("T")


class _Elements(FunctionElement[Any]):
    """The elements of a JSON array, one row each."""

    name = "elements"
    inherit_cache = True


@compiles(_Elements, "sqlite")
def _sqlite_elements(element: _Elements, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Elements, "postgresql")
def _postgresql_elements(element: _Elements, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements(CAST({compiler.process(element.clauses, **options)} AS JSON))"


def given(**columns: type[TypeEngine[Any]]) -> Subquery:
    """The batch as a table `given` with these columns; its parameter is named `rows`."""
    each = _Elements(bindparam("rows", type_=Text)).table_valued("value", name="each")
    return select(
        *(
            cast(each.c.value.op("->>")(literal_column(str(place))), kind).label(name)
            for place, (name, kind) in enumerate(columns.items())
        )
    ).subquery("given")


def rows(values: Iterable[Sequence[str | int | None]]) -> str:
    """The parameter `rows`. No floats: times are the same for a whole batch, and passed exactly.

    One text that a database refuses would fail the whole batch, so there is none.
    """
    clean = [[_storable(v) if isinstance(v, str) else v for v in row] for row in values]
    return msgspec.json.encode(clean).decode()


def _storable(text: str) -> str:
    """Text as any database takes it: no NUL, no half surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def upsert(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """INSERT that knows ON CONFLICT; both dialects have it, under different names."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def struct(row: RowMapping, kind: type[T]) -> T:
    """A row as one of our structs, its words as enum values."""
    # SQLAlchemy's column names are a subclass of str, which msgspec does not take for a key.
    return convert({str(name): value for name, value in row.items()}, kind)
