"""`messenger stats`: how many emails were accepted, delivered, bounced, complained about."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Annotated, Any

import typer
from rich.table import Table

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.topics import read_topic
from consumer.adapters.mailgun.metrics import MailgunMetrics
from consumer.cli.common import ConfigOption, JsonOption, console
from consumer.cli.plain import plain, print_data
from consumer.cli.tracked import FromOption, ToOption, between, steps, with_rate
from consumer.configuration import load_settings
from consumer.domain.tracking import TrackingEvent
from consumer.explaining import moment
from consumer.feedback.stats import Figures, Stats, count
from consumer.settings import Settings
from consumer.wiring import kafka_settings, make_asking

_NAMES = ("accepted", "delivered", "bounced", "complained")


def stats(
    config: ConfigOption = None,
    from_: FromOption = "1d",
    to: ToOption = None,
    mailgun: Annotated[
        bool, typer.Option("--mailgun", help="Beside them Mailgun's own figures, of all its users.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Count what became of emails: in total, by tag and by account.

    Reads the whole tracking topic. Delivered and bounced are told by `messenger feedback`.
    """
    begin, end = between(from_, to)
    settings = load_settings(config)
    found = count(_steps(settings), begin, end)
    theirs = _mailguns(settings, begin, end) if mailgun else None
    if as_json:
        print_data(_as_data(found, theirs, begin, end))
        return
    console.print(f"{moment(begin)} to {moment(end)}")
    console.print(_as_table(found, theirs))


def _steps(settings: Settings) -> Iterator[TrackingEvent]:
    kafka = settings.kafka
    return steps(read_topic(kafka_settings(kafka), kafka.tracking_topic), kafka.tracking_topic)


#: Mailgun's counts: of the domain, and by tag.
_Theirs = tuple[Mapping[str, int], Mapping[str, Mapping[str, int]]]


def _mailguns(settings: Settings, begin: int, end: int) -> _Theirs:
    asking = make_asking(settings, SystemClock(), "metrics")
    with closing(MailgunMetrics(asking, settings.mailgun.domain)) as metrics:
        between = begin / 1000, end / 1000
        return metrics.total(*between), metrics.by_tag(*between)


def _as_data(found: Stats, theirs: _Theirs | None, begin: int, end: int) -> dict[str, Any]:
    total, tags = theirs or (None, {})
    names = sorted({*found.tags, *tags})
    return {
        "from": begin,
        "to": end,
        "total": _figures(found.total, total),
        "tags": {name: _figures(found.tags.get(name, Figures()), tags.get(name)) for name in names},
        "accounts": {name: _figures(each, None) for name, each in found.accounts.items()},
    }


def _figures(ours: Figures, theirs: Mapping[str, int] | None) -> dict[str, Any]:
    told = {name: getattr(ours, name) for name in _NAMES}
    return {**told, "rates": ours.rates} | ({} if theirs is None else {"mailgun": theirs})


def _as_table(found: Stats, theirs: _Theirs | None) -> Table:
    total, tags = theirs or (None, {})
    table = Table("", *_NAMES, *([f"Mailgun: {name}" for name in _NAMES] if theirs else []))
    groups = [("total", found.total, total)]
    groups += [
        (f"tag {name}", found.tags.get(name, Figures()), tags.get(name))
        for name in sorted({*found.tags, *tags})
    ]
    groups += [(f"account {name}", each, None) for name, each in found.accounts.items()]
    for name, ours, others in groups:
        cells = [with_rate(getattr(ours, each), ours.rates.get(each)) for each in _NAMES]
        if theirs:
            cells += [str(others[each]) if others else "" for each in _NAMES]
        table.add_row(plain(name), *cells)
    return table
