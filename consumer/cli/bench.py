"""`messenger bench`: how fast it is, against limits that are measured in the same run."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from consumer.adapters.clock import SystemClock
from consumer.cli.common import JsonOption, console, end_in_order, fail, progress_console

if TYPE_CHECKING:
    # Not at run time: the sandbox may not be installed.
    from consumer.sandbox.bench.figures import Figure, Ratio, Report
    from consumer.sandbox.bench.place import Place

bench = typer.Typer(
    name="bench",
    help="Benchmarks: ratios against limits of the same run. Install alarm-messenger[sandbox].",
    no_args_is_help=True,
)

BootstrapOption = Annotated[
    str | None,
    typer.Option(
        "--bootstrap-servers",
        help="A real Kafka; default: the embedded one.",
        show_default=False,
    ),
]


@bench.command("storm")
def storm(
    events: Annotated[int, typer.Option(min=1, help="Events in the backlog.")] = 50_000,
    memory: Annotated[
        bool, typer.Option("--memory", help="Peak memory instead, with ten times as many too.")
    ] = False,
    bootstrap_servers: BootstrapOption = None,
    as_json: JsonOption = False,
) -> None:
    """A backlog of distinct recipients: batch calls, single calls, and a bare loop.

    The fake Mailgun answers after 200 ms. Single calls get a tenth of the events.
    """

    def run(place: "Place") -> "Report":
        from consumer.sandbox.bench import storm as benchmark

        plan = benchmark.StormPlan(events=events, single_events=max(1, events // 10))
        return (benchmark.storm_memory if memory else benchmark.storm)(place, plan)

    _run(run, bootstrap_servers, as_json)


@bench.command("single")
def single(
    events: Annotated[int, typer.Option(min=1, help="Events at each latency.")] = 5_000,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="How long latency is measured at each rate.")
    ] = 20.0,
    bootstrap_servers: BootstrapOption = None,
    as_json: JsonOption = False,
) -> None:
    """One call for each email: throughput against bare requests, and latency."""

    def run(place: "Place") -> "Report":
        from consumer.sandbox.bench import single as benchmark
        from consumer.sandbox.bench.latency import LatencyPlan

        latency = LatencyPlan(seconds=seconds)
        return benchmark.single(place, benchmark.SinglePlan(events=events, latency=latency))

    _run(run, bootstrap_servers, as_json)


@bench.command("fairness")
def fairness(
    events: Annotated[int, typer.Option(min=1, help="Events of the storm.")] = 30_000,
    seconds: Annotated[float, typer.Option(min=0, help="How long it is quiet before.")] = 30.0,
    bootstrap_servers: BootstrapOption = None,
    as_json: JsonOption = False,
) -> None:
    """One tenant storms, another sends one alarm per second: what that one has to wait."""

    def run(place: "Place") -> "Report":
        from consumer.sandbox.bench import fairness as benchmark

        return benchmark.fairness(
            place, benchmark.FairnessPlan(events=events, quiet_seconds=seconds)
        )

    _run(run, bootstrap_servers, as_json)


@bench.command("throttled")
def throttled(
    events: Annotated[int, typer.Option(min=4, help="Emails; a quarter for each window.")] = 2_000,
    seconds: Annotated[float, typer.Option(min=1, help="Length of a window.")] = 15.0,
    bootstrap_servers: BootstrapOption = None,
    as_json: JsonOption = False,
) -> None:
    """A provider that answers 429 when its limit is used up: how much of what it allows is used.

    One by one and in batch calls, with the wait named as a date and in seconds.
    """

    def run(place: "Place") -> "Report":
        from consumer.sandbox.bench import throttled as benchmark

        plan = benchmark.ThrottledPlan(events=events, window_seconds=seconds)
        return benchmark.throttled(place, plan)

    _run(run, bootstrap_servers, as_json)


@bench.command("tap")
def tap(
    events: Annotated[int, typer.Option(min=1, help="Events in the backlog.")] = 50_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each way.")] = 2,
    bootstrap_servers: BootstrapOption = None,
    as_json: JsonOption = False,
) -> None:
    """A storm without a tap and with one that follows: what production loses by being watched."""

    def run(place: "Place") -> "Report":
        from consumer.sandbox.bench import tap as benchmark

        return benchmark.tap(place, benchmark.TapPlan(events=events, rounds=rounds))

    _run(run, bootstrap_servers, as_json)


def _run(benchmark: "Callable[[Place], Report]", bootstrap: str | None, as_json: bool) -> None:
    try:
        from consumer.sandbox.bench.place import Place
    except ImportError as error:
        raise fail(
            f"the sandbox is not installed ({error.name} is missing): "
            "pip install 'alarm-messenger[sandbox]'",
            2,
        ) from error
    # Whoever ends it: everything is stopped and cleaned up on the way out.
    end_in_order()
    with (
        tempfile.TemporaryDirectory(prefix="messenger-bench-") as folder,
        Place(Path(folder), bootstrap, SystemClock(), progress_console.print) as place,
    ):
        report = benchmark(place)
    if as_json:
        console.print(msgspec.json.encode(report).decode(), markup=False)
    else:
        _show(report)


def _show(report: "Report") -> None:
    console.print(f"{report.benchmark}\nbroker: {report.broker}", markup=False)
    _table("the machine", report.machine)
    for section in report.sections:
        _table(section.title, section.figures)
    ratios = Table("ratio", "measured", "target", "", title="against limits", title_justify="left")
    for ratio in report.ratios:
        ratios.add_row(ratio.name, *_of(ratio))
    console.print(ratios)
    for note in report.notes:
        console.print(note, markup=False)


def _table(title: str, figures: "Sequence[Figure]") -> None:
    table = Table("figure", "value", "unit", title=title, title_justify="left")
    table.columns[1].justify = "right"
    for figure in figures:
        value = "–" if figure.value is None else str(figure.value)
        table.add_row(figure.name, value, figure.unit)
    console.print(table)


def _of(ratio: "Ratio") -> tuple[str, str, str]:
    """Measured, wanted, and whether that was reached."""
    measured = "–" if ratio.value is None else f"{ratio.value:.2f} {ratio.unit}"
    if ratio.target is None:
        return measured, "", ""
    sign = "≤" if ratio.at_most else "≥"
    verdict = {True: "reached", False: "missed", None: ""}[ratio.reached]
    return measured, f"{sign} {ratio.target:g} {ratio.unit}", verdict
