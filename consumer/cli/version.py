"""`messenger version`."""

from consumer import __version__
from consumer.cli.common import console


def version() -> None:
    """Print the version."""
    console.print(f"messenger {__version__}")
