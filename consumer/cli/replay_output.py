"""What a replay tells: on the way, before it asks, and at the end."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from consumer.cli.common import ask, complain, console, fail, progress_console
from consumer.cli.plain import plain, print_data
from consumer.cli.replay_records import Records
from consumer.experiments.filters import Filter
from consumer.experiments.reading import ReadingTold
from consumer.experiments.replay import Told
from consumer.experiments.replay_dry import DryRun, Foreseen
from consumer.experiments.replay_report import Report, Totals, as_data
from consumer.pipeline.mail.mime import mime_message

LEFT_TO_PRODUCTION: Final = "left to production, which has still to do them"
#: What a person may want to know about an end.
_MEANINGS: Final = {
    "stale (older_than_last)": "the alarm was told a newer state since; --out-of-order sends it",
    "duplicate (seen_before)": "twice in the topic, or another process has it",
    "superseded (state_moved_on)": "the alarm was told a newer state since; that is final, only "
    "--resend --out-of-order tells it",
    "failed (unsupported_type)": "a pager, a webhook: other programs tell those",
    "in_doubt (held)": "held: not found at the provider; `messenger dead-letters redrive` sends it",
}
#: Seconds between two looks at the counts.
_LOOK: Final = 0.3
#: Columns of a table that nobody looks at on a terminal.
_WIDE: Final = 400


class Watching(Told, ReadingTold):
    """A line for what goes away and comes back, and a bar where there is a terminal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._away: set[str] = set()

    def dependency(self, name: str, ok: bool, why: str = "") -> None:
        with self._lock:
            if ok == (name not in self._away):
                return
            (self._away.discard if ok else self._away.add)(name)
        complain(f"{name} answers again" if ok else f"{name}: {plain(why)}; waiting for it")

    def away(self, why: str) -> None:
        self.dependency("kafka", False, why)

    def back(self) -> None:
        self.dependency("kafka", True)

    def gone(self, partition: tuple[str, int], first: int, found: int) -> None:
        topic, number = partition
        complain(f"{topic} {number}/{first} to {number}/{found - 1} are not there any more")

    @contextmanager
    def shown(self, report: Report, records: Records, name: str) -> Iterator[None]:
        """Where it stands, as long as this is open."""
        if records.continued:
            complain(f"replay {name} goes on where it was")
        if not progress_console.is_terminal:
            yield
            return
        columns = TextColumn("{task.description}"), BarColumn(bar_width=30)
        ended = threading.Event()
        with Progress(*columns, console=progress_console, transient=True) as progress:
            task = progress.add_task("reading", total=records.total)

            def follow() -> None:
                while not ended.wait(_LOOK):
                    totals = report.totals
                    progress.update(task, completed=totals.records, description=_line(totals))

            thread = threading.Thread(target=follow, name="progress", daemon=True)
            thread.start()
            try:
                yield
            finally:
                ended.set()
                thread.join()


def show_dry(dry: DryRun, records: Records, mails: Path | None, *, as_json: bool) -> None:
    """What would be sent, as a table, as JSON, or as mails in a folder."""
    shown: list[Foreseen] = []
    with _writing(mails):
        for foreseen, email in dry:
            shown.append(foreseen)
            if mails is not None and email is not None:
                (mails / f"{email.uid}.eml").write_bytes(mime_message(email).as_bytes())
    dry.report.waiting(LEFT_TO_PRODUCTION, records.left_to_production)
    totals = dry.report.totals
    if as_json:
        told = msgspec.structs.replace(totals, sent=0)
        print_data(as_data(told, would_send=dry.emails, decisions=msgspec.to_builtins(shown)))
        return
    if shown:
        # In a file or a pipe there is no edge to keep to.
        shows = console if console.is_terminal else Console(width=_WIDE, highlight=False)
        shows.print(_table(shown))
    console.print(f"{dry.emails} emails would be sent; nothing was written")
    _print_counts(totals)


@contextmanager
def _writing(mails: Path | None) -> Iterator[None]:
    """With the folder there; ends the command when it cannot be written to."""
    if mails is None:
        yield
        return
    try:
        mails.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise fail(f"--mails {mails}: {error.strerror}", 2) from error


def tell_unasked(wanted: Filter) -> None:
    """Events that have no answer to the condition are left out: a slip in it may be why."""
    if wanted.failures:
        first = plain(wanted.first_failure)
        complain(f"{wanted.failures} events could not be asked by --filter; the first: {first}")


def ask_above(dry: DryRun, above: int) -> None:
    """Go on with so many resent emails only if a person says so."""
    for _ in dry:
        pass
    if dry.emails <= above:
        return
    ask(
        f"Resend {dry.emails} emails?",
        unasked=f"{dry.emails} emails would be resent: say --yes, or --dry-run to see them",
        refused="nothing was resent",
    )


def end_report(totals: Totals, name: str, *, finished: bool, as_json: bool) -> None:
    """What became of it; ends the command with 1 where something is left to do."""
    if as_json:
        print_data(as_data(totals, name=name, finished=finished))
    else:
        console.print(f"{totals.sent} emails sent" + _found(totals.found))
        _print_counts(totals)
    if not finished:
        raise fail(f"stopped; the same command with --name {name} does the rest")
    if totals.failed:
        raise fail(f"{totals.failed} were not sent and need a look: messenger dead-letters list")


def _found(number: int) -> str:
    return f", {number} of them found accepted at the provider" if number else ""


def _print_counts(totals: Totals) -> None:
    console.print(f"{totals.records} records read, {totals.matched} events matched")
    _print_each("left out", totals.left_out)
    _print_each("not sent", totals.not_sent)


def _print_each(what: str, counts: Mapping[str, int]) -> None:
    for name, number in counts.items():
        meaning = f": {_MEANINGS[name]}" if name in _MEANINGS else ""
        console.print(f"  {what}: {number} {name}{meaning}", markup=False)


def _line(totals: Totals) -> str:
    left = sum(totals.left_out.values()) + sum(totals.not_sent.values())
    return f"{totals.records} records read, {totals.sent} emails sent, {left} not"


def _table(shown: list[Foreseen]) -> Table:
    table = Table()
    for name in ("record", "time", "tenant", "alarm", "state", "to", "what", "why or subject"):
        # Nothing is cut: one looks for an id by the whole of it.
        table.add_column(name, overflow="fold")
    topics = {each.record.split("/")[0] for each in shown}
    known = f"{next(iter(topics))}/" if len(topics) == 1 else ""
    for each in shown:
        table.add_row(*(Text(plain(value)) for value in _row(each, known)))
    return table


def _row(each: Foreseen, topic: str) -> tuple[Any, ...]:
    try:
        when = f"{datetime.fromtimestamp(each.timestamp / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        when = str(each.timestamp)
    return (
        each.record.removeprefix(topic),
        when,
        each.tenant_id,
        each.alarm_id,
        each.state,
        each.destination,
        each.what,
        each.why or each.subject,
    )
