"""`messenger suppressions`: which addresses get no email, at Mailgun and in the ledger."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.table import Table

from consumer.adapters.clock import SystemClock
from consumer.adapters.ledger import SqlLedger, open_ledger
from consumer.adapters.mailgun.suppressions import MailgunSuppressions
from consumer.cli.common import ConfigOption, JsonOption, console, fail
from consumer.cli.plain import plain, print_data
from consumer.configuration import load_settings
from consumer.domain.address import valid_address
from consumer.domain.suppression import SuppressedAddress, SuppressionList
from consumer.feedback.suppressing import read_all
from consumer.settings import Settings
from consumer.wiring import make_suppressions

suppressions = typer.Typer(
    name="suppressions",
    help="Addresses that Mailgun keeps emails from, and its allowlist.",
    no_args_is_help=True,
)

#: Those that keep emails from anybody.
_HOLDING: Final = tuple(of for of in SuppressionList if of is not SuppressionList.ALLOWLIST)

AddressArgument = Annotated[
    str, typer.Argument(help="An address; of the allowlist perhaps a domain.", show_default=False)
]
WhyOption = Annotated[str, typer.Option(help="Kept with the entry, for whoever asks later.")]


@suppressions.command("list")
def list_(
    config: ConfigOption = None,
    of: Annotated[
        SuppressionList | None, typer.Option("--list", help="Only this one.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List what the ledger knows; `sync` brings it up to date.

    An address on any list but the allowlist (whitelists) gets no email.
    """
    settings = load_settings(config)
    with _ledger(settings) as ledger:
        lists = tuple(SuppressionList) if of is None else (of,)
        found = [
            entry
            for each in lists
            for entry in ledger.suppressions.listed(settings.mailgun.domain, each)
        ]
    if as_json:
        print_data({"domain": settings.mailgun.domain, "entries": found})
        return
    if found:
        console.print(_as_table(found))
    console.print(f"{len(found)} entries for {settings.mailgun.domain}")


@suppressions.command("add")
def add(
    address: AddressArgument,
    config: ConfigOption = None,
    of: Annotated[SuppressionList, typer.Option("--list", help="Which list.")] = (
        SuppressionList.BOUNCES
    ),
    why: WhyOption = "added by hand",
    as_json: JsonOption = False,
) -> None:
    """Put an address on a list, at Mailgun and in the ledger: from now on it gets no email."""
    wanted = _checked(address, of)
    settings = load_settings(config)
    entry = SuppressedAddress(list=of, address=wanted, since=SystemClock().now(), why=why)
    with _ledger(settings) as ledger, _mailgun(settings) as mailgun:
        mailgun.add(entry)
        ledger.suppressions.keep(settings.mailgun.domain, [entry])
    if as_json:
        print_data({"domain": settings.mailgun.domain, "added": entry})
    else:
        console.print(f"{plain(wanted)} is on the list of {of} now")


@suppressions.command("remove")
def remove(
    address: AddressArgument,
    config: ConfigOption = None,
    of: Annotated[
        SuppressionList | None,
        typer.Option("--list", help="Only this list; default: each that holds back emails."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take an address off the lists, at Mailgun and in the ledger: it gets emails again."""
    lists = _HOLDING if of is None else (of,)
    wanted = _checked(address, of or SuppressionList.BOUNCES)
    settings = load_settings(config)
    with _ledger(settings) as ledger, _mailgun(settings) as mailgun:
        removed = []
        for each in lists:
            # Both are asked, whatever the first says: they may differ.
            there = mailgun.remove(each, wanted)
            here = ledger.suppressions.remove(settings.mailgun.domain, each, wanted)
            if there or here:
                removed.append(each)
    if as_json:
        told = {"address": wanted, "removed_from": removed}
        print_data({"domain": settings.mailgun.domain, **told})
    if not removed:
        where = "any list" if of is None else f"the list of {of}"
        raise fail(f"{plain(wanted)} is not on {where} of {settings.mailgun.domain}")
    if not as_json:
        console.print(f"{plain(wanted)} is off the list of {' and '.join(removed)}")


@suppressions.command("sync")
def sync(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Make the ledger's lists what Mailgun's are. `messenger feedback` does so by itself."""
    settings = load_settings(config)
    with _ledger(settings) as ledger, _mailgun(settings) as mailgun:
        found = read_all(mailgun, ledger.suppressions, settings.mailgun.domain)
    numbers = {of.value: number for of, number in (found or {}).items()}
    if as_json:
        print_data({"domain": settings.mailgun.domain, "entries": numbers})
    else:
        told = ", ".join(f"{name} {number}" for name, number in numbers.items())
        console.print(f"{settings.mailgun.domain}: {told}")


@contextmanager
def _ledger(settings: Settings) -> Iterator[SqlLedger]:
    with closing(open_ledger(settings.ledger.url.get_secret_value(), pool_size=1)) as ledger:
        yield ledger


@contextmanager
def _mailgun(settings: Settings) -> Iterator[MailgunSuppressions]:
    with closing(make_suppressions(settings, SystemClock())) as mailgun:
        yield mailgun


def _checked(address: str, of: SuppressionList) -> str:
    """In lower case, as the lists have it."""
    wanted = address.strip().lower()
    is_domain = of is SuppressionList.ALLOWLIST and valid_address(f"postmaster@{wanted}")
    if not (valid_address(wanted) or is_domain):
        raise fail(f"{plain(address)}: not an email address; write name@example.com", 2)
    return wanted


def _as_table(entries: Sequence[SuppressedAddress]) -> Table:
    table = Table("address", "list", "since (UTC)", "why")
    for entry in entries:
        since = (
            ""
            if entry.since is None
            else f"{datetime.fromtimestamp(entry.since, UTC):%Y-%m-%d %H:%M}"
        )
        about = "" if entry.holds_back or "*" in entry.tags else f" ({', '.join(entry.tags)})"
        table.add_row(plain(entry.address), plain(f"{entry.list}{about}"), since, plain(entry.why))
    return table
