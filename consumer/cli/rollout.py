"""`messenger rollout`: whom a route takes, changed while processes run, and how it fares."""

import getpass
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Annotated

import msgspec
import typer

from consumer.adapters.ledger import open_ledger
from consumer.adapters.ledger.rollout import SqlRollout
from consumer.cli.common import ConfigOption, JsonOption, YesOption, ask, complain, console, fail
from consumer.cli.plain import plain, print_data
from consumer.cli.rollout_status import status
from consumer.configuration import load_settings
from consumer.domain.rollout import Share
from consumer.pipeline.deliver import Route
from consumer.rollout.shares import Moved, moved, with_shares
from consumer.settings import Settings, routes_of

rollout = typer.Typer(
    name="rollout",
    help="Phased rollout: whom a route takes, and how it fares beside the others.",
    no_args_is_help=True,
)
rollout.command("status")(status)

#: Tenants that are named in the question; of more the number is enough.
_NAMED = 5


@rollout.command("set")
def set_(
    route: Annotated[str, typer.Argument(help="Name of the route.", show_default=False)],
    config: ConfigOption = None,
    percent: Annotated[
        float | None,
        typer.Option(min=0, max=100, help="Share of the tenants.", show_default=False),
    ] = None,
    tenants: Annotated[
        str | None,
        typer.Option(help="Only these, separated by commas.", show_default=False),
    ] = None,
    all_tenants: Annotated[
        bool, typer.Option("--all-tenants", help="No list of tenants: the share is of all.")
    ] = False,
    off: Annotated[bool, typer.Option("--off", help="It takes nobody.")] = False,
    as_in_file: Annotated[
        bool, typer.Option("--as-in-file", help="As the settings file says, again.")
    ] = False,
    why: Annotated[
        str | None, typer.Option(help="Kept with the change, for whoever asks later.")
    ] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Change whom a route takes. Running processes go by it within seconds.

    What was not given stays as it was set last. It holds, before the file, until it is set again;
    of a route that its guard took back it says that a person has looked.
    """
    wanted = _wanted(percent, tenants, all_tenants=all_tenants, off=off, as_in_file=as_in_file)
    settings = load_settings(config)
    _check(settings, route)
    with _store(settings) as store:
        shares = store.shares()
        before = with_shares(routes_of(settings.routes), shares)
        last = shares.get(route) or Share(route=route, number=0)
        share = msgspec.structs.replace(
            Share(route=route, number=0) if as_in_file else last,
            **wanted,
            number=last.number + 1,
            by=_who(),
            why=plain(why or "not said"),
            tripped=False,
        )
        after = with_shares(routes_of(settings.routes), {**shares, route: share})
        moves = moved(before, after, route, store.tenants())
        foretold = _foretold(before, after, route, moves, last)
        if not yes:
            _ask(foretold)
        if not store.change(share):
            raise fail(f"somebody has set {route} just now; look at `messenger rollout status`")
    if as_json:
        print_data({"share": share, "comes": moves.comes, "leaves": moves.leaves})
    else:
        # Who was asked has read the rest before.
        for line in [f"{foretold[0]}: set", *(foretold[1:] if yes else ())]:
            console.print(line, markup=False)


def _wanted(
    percent: float | None, tenants: str | None, *, all_tenants: bool, off: bool, as_in_file: bool
) -> dict[str, object]:
    """What is to be changed of the share. Exits where it makes no sense."""
    alone = [name for name, given in (("--off", off), ("--as-in-file", as_in_file)) if given]
    others = percent is not None or tenants is not None or all_tenants
    if len(alone) + others != 1:
        raise fail("say one: --percent and --tenants, --off, or --as-in-file", 2)
    if tenants is not None and all_tenants:
        raise fail("--tenants and --all-tenants contradict each other", 2)
    if off:
        return {"percent": 0.0}
    wanted: dict[str, object] = {} if percent is None else {"percent": percent}
    if tenants is not None:
        ids = tuple(dict.fromkeys(each.strip() for each in tenants.split(",") if each.strip()))
        if not ids:
            raise fail("--tenants names nobody; for all of them write --all-tenants", 2)
        wanted["tenants"] = ids
    elif all_tenants:
        wanted["tenants"] = ()
    return wanted


def _check(settings: Settings, route: str) -> None:
    names = [rule.name for rule in settings.routes if rule.name is not None]
    if names.count(route) > 1:
        raise fail(f"several rules of the file are called {route}; give each its own name", 2)
    if route not in names:
        there = f"there are {', '.join(names)}" if names else "no rule of the file has a name"
        raise fail(f"there is no route {plain(route)!r}: {there} ([[routes]] name)", 2)


def _foretold(
    before: Sequence[Route], after: Sequence[Route], name: str, moves: Moved, last: Share
) -> Sequence[str]:
    """What the change does, line by line."""
    was, is_ = _share_of(before, name), _share_of(after, name)
    lines = [f"{name}: from {was} to {is_}"]
    if last.tripped:
        lines.append(f"its guard took it back: {plain(last.why)}")
    lines.append(
        f"of {moves.known} tenants that the ledger knows, {len(moves.comes)} come to it"
        f"{_named(moves.comes)} and {len(moves.leaves)} leave it{_named(moves.leaves)}; "
        f"it takes {moves.takes} then"
    )
    route = next(each for each in after if each.options.route == name)
    if route.tenants and 0 < route.percent < 100:
        lines.append(f"the share is of the {len(route.tenants)} tenants that are named")
    return lines


def _share_of(routes: Sequence[Route], name: str) -> str:
    route = next(each for each in routes if each.options.route == name)
    of = f"{len(route.tenants)} named tenants" if route.tenants else "all tenants"
    return f"{route.percent:g} % of {of}"


def _named(tenants: Sequence[str]) -> str:
    if not tenants:
        return ""
    more = ", …" if len(tenants) > _NAMED else ""
    return f" ({', '.join(map(plain, tenants[:_NAMED]))}{more})"


def _ask(lines: Sequence[str]) -> None:
    for line in lines:
        complain(line)
    ask(
        "Set it?",
        unasked="nothing was set: say --yes where there is no terminal to ask at",
        refused="nothing was set",
    )


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return plain(f"{user}@{socket.gethostname()}")


@contextmanager
def _store(settings: Settings) -> Iterator[SqlRollout]:
    with closing(open_ledger(settings.ledger.url.get_secret_value(), pool_size=1)) as ledger:
        yield ledger.rollout
