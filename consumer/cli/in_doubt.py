"""Sends whose outcome is not known, as a table: whole for programs and for wide terminals."""

from collections.abc import Callable, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from consumer.cli.plain import plain
from consumer.domain.ledger import DeliveryRow
from consumer.explaining import moment

_COLUMNS: Final[dict[str, Callable[[DeliveryRow], str]]] = {
    "notification": lambda row: row.uid,
    "to": lambda row: row.destination,
    "state": lambda row: row.state,
    # A doubt keeps the time of its attempt.
    "since": lambda row: moment(row.updated_at * 1000),
    "reason": lambda row: row.reason or "-",
    "transport": lambda row: row.transport,
    "attempt": lambda row: str(row.attempt),
    "event": lambda row: row.event_id,
    "message id": lambda row: row.message_id,
    "owner": lambda row: row.owner,
}
#: What a narrow terminal shows: `messenger trace NOTIFICATION` tells the rest.
_FEW: Final = ("notification", "to", "state", "since", "reason")
#: Columns of the terminal around each of the table's: a line and two blanks.
_FRAME: Final = 3


def as_lines(rows: Sequence[DeliveryRow]) -> list[str]:
    """A heading and one line for each send, tabs between the values: for `cut` and its like."""
    return ["\t".join(line) for line in [tuple(_COLUMNS), *_values(rows, tuple(_COLUMNS))]]


def as_table(rows: Sequence[DeliveryRow], width: int) -> Table:
    """For a terminal of so many columns: all there is to tell, if it fits."""
    columns = tuple(_COLUMNS)
    lines = [columns, *_values(rows, columns)]
    needed = 1 + sum(_FRAME + max(map(len, cells)) for cells in zip(*lines, strict=True))
    shown = columns if needed <= width else _FEW
    table = Table()
    for name in shown:
        table.add_column(name, overflow="fold")
    for values in _values(rows, shown):
        table.add_row(*map(Text, values))
    return table


def _values(rows: Sequence[DeliveryRow], columns: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(plain(_COLUMNS[name](row)) for name in columns) for row in rows]
