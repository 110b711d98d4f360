"""The database's clock: one for all processes, whatever their machines' clocks say."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class database_now(FunctionElement[float]):  # noqa: N801  # SQL functions are lower case
    """Epoch seconds. SQLite has no clock but its machine's, which is every process's then."""

    type = Double()
    inherit_cache = True


@compiles(database_now, "postgresql")
def _postgresql(_element: database_now, _compiler: Any, **_: Any) -> str:
    # Not now(), which is when the transaction began: it may have waited for locks since.
    return "EXTRACT(EPOCH FROM clock_timestamp())::float8"


@compiles(database_now, "sqlite")
def _sqlite(_element: database_now, _compiler: Any, **_: Any) -> str:
    # The Julian day of the epoch; unixepoch() with fractions came with SQLite 3.42 only.
    return "((julianday('now') - 2440587.5) * 86400.0)"


#: What the ledger's decisions go by. Tests that move the time by hand give another.
DATABASE_CLOCK: Final[ColumnElement[float]] = database_now()
