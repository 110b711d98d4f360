"""`messenger catalog`: from a directory of files to SQL tables."""

from pathlib import Path
from typing import Annotated

import typer

from consumer.adapters.catalog import import_directory
from consumer.cli.common import ConfigOption, JsonOption, console
from consumer.cli.plain import print_data
from consumer.configuration import load_settings
from consumer.domain.errors import SettingsError

catalog = typer.Typer(
    name="catalog", help="Where accounts, alarms and plans are looked up.", no_args_is_help=True
)


@catalog.command("import")
def import_(
    directory: Annotated[Path, typer.Argument(help="A catalog directory of JSON or YAML files.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a directory into the SQL catalog of the settings, in one transaction.

    For the tenants that the directory holds, rows that are gone from it are deleted.
    """
    url = load_settings(config).catalog.url.get_secret_value()
    if url.startswith("file:"):
        raise SettingsError(
            ["[catalog] url: names a directory; give the SQL address to import into"]
        )
    counts = import_directory(url, directory)
    if as_json:
        print_data(counts)
        return
    for kind, number in sorted(counts.items()):
        console.print(f"{kind}: {number}")
