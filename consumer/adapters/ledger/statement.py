"""A statement on its shortest way to the driver.

SQLAlchemy writes the SQL, once for each database, and owns connections and transactions. Running
a statement its own way costs ten times what SQLite takes for one row (46 us against 4), and the
ledger runs a dozen for an email that comes alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from sqlalchemy import (
    Connection,
    Dialect,
    Executable,
    Select,
    Text,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.compiler import SQLCompiler

#: What a parameter may be. Rows are one JSON text: see `batch.rows`.
Parameter = str | int | float | None


class Cursor(Protocol):
    """What is used of a driver's cursor."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class _Written(msgspec.Struct, frozen=True):
    """A statement in a driver's words."""

    text: str
    #: Values that are part of the statement, and those that it asks for each time it is run.
    constants: Mapping[str, Parameter]
    asked: Mapping[str, Callable[[], Parameter]]
    #: Names by place, where the driver numbers its parameters.
    order: Sequence[str] | None

    def parameters(self, given: Mapping[str, Parameter]) -> Any:
        values = {**self.constants, **given}
        for name, ask in self.asked.items():
            values[name] = ask()
        return values if self.order is None else [values[name] for name in self.order]


class Statement:
    """Written for each dialect when it is first run there. Thread-safe."""

    def __init__(self, build: Callable[[str], Executable]) -> None:
        """`build` is given the dialect's name."""
        self._build = build
        self._written: dict[str, _Written] = {}

    def run(self, connection: Connection, **given: Parameter) -> Cursor:
        """Raises the driver's own errors, which `Database` knows; a connection that is broken is
        given up."""
        dialect = connection.dialect
        written = self._written.get(dialect.name)
        if written is None:
            written = self._written[dialect.name] = _write(self._build(dialect.name), dialect)
        driver: Any = connection.connection.driver_connection
        try:
            cursor: Cursor = driver.execute(written.text, written.parameters(given))
        except Exception as error:
            if dialect.is_disconnect(error, driver, None):  # type: ignore[arg-type]
                connection.invalidate(error)
            raise
        return cursor


def in_json(rows: Select[Any], dialect: str) -> Select[Any]:
    """All rows as one JSON text: an array of objects with the columns' names, NULL for none.

    The driver lets go of the interpreter's lock for each row it fetches, and has to wait for it
    again where other threads are busy; for one value it does so once. For columns without
    fractions: SQLite writes 15 digits.
    """
    each = rows.subquery("each")
    pairs = [part for column in each.c for part in (literal_column(f"'{column.name}'"), column)]
    if dialect == "postgresql":
        return select(cast(func.json_agg(func.json_build_object(*pairs)), Text))
    return select(func.json_group_array(func.json_object(*pairs)))


def _write(statement: Executable, dialect: Dialect) -> _Written:
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # all of ours can
    assert isinstance(compiled, SQLCompiler)
    own = {name: bind for bind, name in compiled.bind_names.items() if not bind.required}
    return _Written(
        text=compiled.string,
        constants={name: bind.value for name, bind in own.items() if bind.callable is None},
        asked={name: bind.callable for name, bind in own.items() if bind.callable is not None},
        order=compiled.positiontup,
    )
