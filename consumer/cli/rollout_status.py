"""`messenger rollout status`: how each route fares, side by side."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.table import Column, Table
from rich.text import Text

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.ledger import open_ledger
from consumer.cli.common import ConfigOption, JsonOption, console, fail
from consumer.cli.plain import plain, print_data
from consumer.cli.tap_telling import TellOfReading
from consumer.cli.tracked import FromOption, ToOption, between, steps, with_rate
from consumer.configuration import load_settings
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.record import Record
from consumer.domain.rollout import Share, Shares
from consumer.domain.tracking import TrackingEvent
from consumer.experiments.reading import TopicReader
from consumer.experiments.span import At, Now, Span
from consumer.explaining import moment
from consumer.pipeline.deliver import Route
from consumer.rollout.guard import Judgement, Standing
from consumer.rollout.ports import RolloutStore
from consumer.rollout.shares import with_shares
from consumer.rollout.status import Figures, Way, count
from consumer.rollout.watching import guard_rules, in_words, look_at, watched
from consumer.settings import Settings, routes_of
from consumer.wiring import kafka_settings

#: Milliseconds by which the clocks of those who wrote a record and its time may differ.
_SKEW_MS: Final = 60_000
#: Changes of a route's share that are told.
_HISTORY: Final = 10
_TRIED: Final = ("accepted", "failed", "tried_in_vain")
_REPORTED: Final = ("delivered", "bounced")


class _Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One named route: its share, its changes, and what its guard says."""

    route: str
    percent: float
    tenants: Sequence[str]
    percent_in_file: float
    changes: Sequence[Share]
    tripped: bool
    guard: Judgement | None
    guard_says: str | None


def status(
    config: ConfigOption = None,
    from_: FromOption = "1h",
    to: ToOption = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Exit code 1 when a guard has taken a route's traffic back."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show how emails fare by route and transport, and whom each named route takes.

    Reads the tracking topic from that moment on. `messenger feedback` tells what was delivered.
    """
    begin, end = between(from_, to)
    settings = load_settings(config)
    standings = _standings(settings)
    found, away = _found(settings, begin, end)
    if as_json:
        print_data(_as_data(found, standings, begin, end))
    else:
        _print_found(found, begin, end)
        for standing in standings:
            _print(standing)
    back = [standing.route for standing in standings if standing.tripped]
    if check and back:
        raise fail(f"taken back by its guard: {', '.join(back)}")
    if away is not None:
        raise fail(away, 3)


def _found(
    settings: Settings, begin: int, end: int
) -> tuple[Mapping[Way, Figures] | None, str | None]:
    """The figures; or why there are none: what the ledger has is told without Kafka, too."""
    try:
        return count(_steps(settings, begin), begin, end), None
    except BrokerUnavailable as error:
        return None, str(error)


def _steps(settings: Settings, begin: int) -> Iterator[TrackingEvent]:
    """Those of the tracking topic that may tell of what happened since then (milliseconds)."""
    kafka = settings.kafka
    span = Span(start=At(max(0, begin - _SKEW_MS)), end=Now())
    records = read_span(kafka_settings(kafka), kafka.tracking_topic, span)
    return steps(records, kafka.tracking_topic)


def read_span(kafka: KafkaSettings, topic: str, span: Span) -> Iterator[Record]:
    """A part of one topic. Raises BrokerUnavailable."""
    with TopicReader(kafka, [topic], span, SystemClock(), TellOfReading()) as reader:
        for batch in reader.batches():
            yield from batch


def _standings(settings: Settings) -> list[_Standing]:
    with closing(open_ledger(settings.ledger.url.get_secret_value(), pool_size=1)) as ledger:
        store, shares = ledger.rollout, ledger.rollout.shares()
        of_file = routes_of(settings.routes)
        now = with_shares(of_file, shares)
        names = {rule.name for rule in settings.routes}
        return [
            _standing(settings, store, shares, rule, route, now)
            for rule, route in zip(of_file, now, strict=True)
            if route.options.route in names
        ]


def _standing(
    settings: Settings,
    store: RolloutStore,
    shares: Shares,
    in_file: Route,
    route: Route,
    routes: Sequence[Route],
) -> _Standing:
    name = route.options.route
    share, one = shares.get(name), watched(settings).get(name)
    rules = guard_rules(settings.rollout.guard)
    judgement = None
    if one is not None:
        judgement = look_at(store, rules, one, routes, share, SystemClock().now())
    return _Standing(
        route=name,
        percent=route.percent,
        tenants=sorted(route.tenants),
        percent_in_file=in_file.percent,
        changes=store.history(name, _HISTORY),
        tripped=share is not None and share.tripped,
        guard=judgement,
        guard_says=None
        if judgement is None
        else _said(name, judgement, in_words(judgement, rules)),
    )


def _said(route: str, judgement: Judgement, figures: str) -> str:
    if judgement.standing is Standing.TRIPPED:
        remedy = f"mend the cause, then `messenger rollout set {route} --percent …`"
        return f"{judgement.standing}, until a person sets the share: {remedy}"
    return f"{judgement.standing}: {figures}" if judgement.mine.emails else judgement.standing


def _as_data(
    found: Mapping[Way, Figures] | None, standings: Sequence[_Standing], begin: int, end: int
) -> dict[str, Any]:
    """`ways` is null where Kafka is away."""
    ways = [
        {"route": route or None, "transport": transport}
        | msgspec.to_builtins(figures)
        | {"rates": figures.rates}
        for (route, transport), figures in (found or {}).items()
    ]
    return {
        "from": begin,
        "to": end,
        "ways": None if found is None else ways,
        "routes": standings,
    }


def _print_found(found: Mapping[Way, Figures] | None, begin: int, end: int) -> None:
    console.print(f"{moment(begin)} to {moment(end)}")
    if found is None:
        console.print("how emails fared is in Kafka, which does not answer")
        return
    console.print(_as_table(found) if found else "no emails in this time")
    if found and not _is_reported(found):
        console.print("nothing is reported of deliveries (`messenger feedback` does that)")


def _is_reported(found: Mapping[Way, Figures]) -> bool:
    return any(each.delivered or each.bounced for each in found.values())


def _as_table(found: Mapping[Way, Figures]) -> Table:
    """A column for each way."""
    # As text: a name with brackets is no markup.
    heads = [Column(Text(f"{plain(way) or '(no name)'}\nby {plain(by)}")) for way, by in found]
    table = Table("", *heads)
    ways = list(found.values())
    table.add_row("emails", *(str(each.emails) for each in ways))
    for name in _TRIED if not _is_reported(found) else (*_TRIED, *_REPORTED):
        cells = (with_rate(getattr(each, name), each.rates[name]) for each in ways)
        table.add_row(name.replace("_", " "), *cells)
    if any(each.reasons for each in ways):
        table.add_row("mostly because", *(_first(each.reasons) for each in ways))
    table.add_row("possible duplicate", *(str(each.possible_duplicate) for each in ways))
    table.add_row("event to accepted, p50", *(_seconds(each.p50) for each in ways))
    table.add_row("event to accepted, p95", *(_seconds(each.p95) for each in ways))
    return table


def _first(reasons: Mapping[str, int]) -> Text:
    return Text("" if not reasons else "{} ({})".format(*next(iter(reasons.items()))))


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"


def _print(standing: _Standing) -> None:
    """A route in some lines: whom it takes, who said so, and what its guard says."""
    of = f"{len(standing.tenants)} named tenants" if standing.tenants else "all tenants"
    console.print(
        f"{standing.route}: {standing.percent:g} % of {of} (the file says "
        f"{standing.percent_in_file:g} %)",
        markup=False,
    )
    for place, change in enumerate(standing.changes):
        said = "TAKEN BACK" if change.tripped else _change(change)
        console.print(
            f"  {'now: ' if place == 0 else 'was: '}{said}, {moment(int(change.at * 1000))}, "
            f"{plain(change.by)}: {plain(change.why)}",
            markup=False,
        )
    if standing.guard_says is not None:
        console.print(f"  guard: {standing.guard_says}", markup=False)


def _change(change: Share) -> str:
    if not change.changes_something:
        return "as in the file"
    parts = [] if change.percent is None else [f"{change.percent:g} %"]
    if change.tenants is not None:
        parts.append(f"{len(change.tenants)} named tenants" if change.tenants else "all tenants")
    return " of ".join(parts)
