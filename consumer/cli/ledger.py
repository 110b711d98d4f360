"""`messenger ledger`: upgrade, prune and show the ledger."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from consumer.adapters.clock import SystemClock
from consumer.adapters.ledger import current_revision, open_ledger
from consumer.adapters.ledger import upgrade as upgrade_schema
from consumer.cli.common import ConfigOption, JsonOption, console
from consumer.cli.in_doubt import as_lines, as_table
from consumer.cli.plain import print_data
from consumer.configuration import load_settings
from consumer.domain.ledger import DeliveryRow, DeliveryState

ledger = typer.Typer(
    name="ledger", help="The store of locks and of what was sent.", no_args_is_help=True
)

_DAY_SECONDS = 86_400
#: Rows deleted in one transaction: small enough that nobody waits for it.
_PRUNE_STEP = 1_000


@ledger.command("upgrade")
def upgrade(config: ConfigOption = None) -> None:
    """Create the tables, or bring them to this version's schema."""
    url = load_settings(config).ledger.url.get_secret_value()
    before = current_revision(url)
    after = upgrade_schema(url)
    console.print(f"ledger: {'up to date' if before == after else 'upgraded'} at {after}")


@ledger.command("prune")
def prune(
    config: ConfigOption = None,
    days: Annotated[
        float | None, typer.Option(min=0, help="Keep this many days; default from the settings.")
    ] = None,
) -> None:
    """Delete rows that are older than the retention, in small steps."""
    settings = load_settings(config).ledger
    keep = settings.retention_days if days is None else days
    before = SystemClock().now() - keep * _DAY_SECONDS
    store = open_ledger(settings.url.get_secret_value())
    try:
        deleted = 0
        while step := store.prune(before, _PRUNE_STEP):
            deleted += step
    finally:
        store.close()
    console.print(f"ledger: {deleted} rows older than {keep:g} days deleted")


@ledger.command("show")
def show(
    config: ConfigOption = None,
    in_doubt: Annotated[
        bool, typer.Option("--in-doubt", help="List sends whose outcome is not known.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: JsonOption = False,
) -> None:
    """Count rows by table and outcome, or list the sends in doubt."""
    store = open_ledger(load_settings(config).ledger.url.get_secret_value())
    try:
        if in_doubt:
            states = (DeliveryState.IN_DOUBT, DeliveryState.SENDING)
            rows = store.find_deliveries(states=states, limit=limit)
        else:
            counts = store.counts()
    finally:
        store.close()
    if as_json:
        print_data(rows if in_doubt else counts)
        return
    if in_doubt:
        _show_in_doubt(rows)
        return
    table = Table("what", "rows")
    for name, number in sorted(counts.items()):
        table.add_row(name, str(number))
    console.print(table)


def _show_in_doubt(rows: Sequence[DeliveryRow]) -> None:
    if console.is_terminal:
        console.print(as_table(rows, console.width))
        return
    for line in as_lines(rows):
        print(line)  # noqa: T201  # data for other programs
