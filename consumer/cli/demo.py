"""`messenger demo`: everything embedded, nothing to configure."""

import sys
import threading
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from consumer.adapters.clock import SystemClock
from consumer.cli.common import console, end_in_order, fail, progress_console
from consumer.cli.timeline import print_trace


def demo(
    events: Annotated[int, typer.Option(min=1, help="Alarm-state events to feed.")] = 400,
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")] = 1,
    rate: Annotated[float, typer.Option(min=1, help="Events fed in a second.")] = 60.0,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="The inbox's port; another if it is taken.")
    ] = 8025,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")
    ] = False,
) -> None:
    """Broker, fake Mailgun, ledger, catalog, traffic and two consumers: see the main job work."""
    try:
        from consumer.sandbox.demo.demo import DemoPlan, run_demo
    except ImportError as error:
        raise fail(
            f"the sandbox is not installed ({error.name} is missing): "
            "pip install 'alarm-messenger[sandbox]'",
            2,
        ) from error
    # Whoever ends it: everything is stopped and cleaned up on the way out.
    end_in_order()
    plan = DemoPlan(events=events, seed=seed, rate=rate, inbox_port=port)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=progress_console,
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as progress:
        teller = _Teller(progress)

        def show(result: Any) -> None:
            progress.stop()
            _show(result, keep)

        run_demo(plan, SystemClock(), teller.tell, show, _linger if keep else None)


class _Teller:
    """Shows steps as a bar, or as a line each where nobody watches a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=1)
        self._step = ""

    def tell(self, step: str, done: int, total: int) -> None:
        self._progress.update(self._task, description=step, completed=done, total=total)
        if step != self._step:
            self._step = step
            if self._progress.disable:
                progress_console.print(step)


def _show(result: Any, keep: bool) -> None:
    report = result.report
    table = Table("what", "number", title="The demo in numbers", title_justify="left")
    table.columns[1].justify = "right"
    table.add_row("events in", str(report.events_in))
    table.add_row("emails accepted", str(report.emails_accepted), style="bold")
    for (kind, reason), number in sorted(report.not_sent.items()):
        table.add_row(f"  not sent: {kind}, {reason.replace('_', ' ')}", str(number))
    table.add_row("dead letters", str(report.dead_letters))
    table.add_row("duplicates refused", str(report.duplicates_refused))
    table.add_row("event to acceptance, p50", f"{report.percentile(0.50)} ms")
    table.add_row("event to acceptance, p99", f"{report.percentile(0.99)} ms")
    console.print(table)
    if result.traces:
        console.print("\nWhat happened to one of them, as `messenger trace` tells it:\n")
        for trace in result.traces:
            print_trace(trace)
    if not keep:
        console.print("Look around yourself: make demo KEEP=1 (or messenger demo --keep).")


def _linger(parts: Any) -> None:
    console.print("\nEverything is still running:")
    console.print(f"  inbox     {parts.mailgun.url}")
    console.print(f"  broker    {parts.kafka.bootstrap_servers}")
    console.print(f"  settings  {parts.config}")
    console.print(f"  try       messenger trace ADDRESS --config {parts.config}")
    console.print("Ctrl-C stops it and cleans up.")
    threading.Event().wait()
