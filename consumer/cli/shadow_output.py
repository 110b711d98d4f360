"""What `messenger shadow` says of a comparison: a summary for people, JSON, the report's file."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from consumer.cli.common import console, fail
from consumer.cli.plain import plain, print_data
from consumer.experiments.shadow_report import Report, as_data, as_html, share
from consumer.experiments.shadow_tally import Counts

#: Lines of one table.
_MOST: Final = 10


def check_place(report: Path | None) -> None:
    """Ends the command before a long run whose report could not be written."""
    if report is not None and (what := _wrong_with(report)) is not None:
        raise fail(f"--report {report}: {what}; name a file such as report.html", 2)


def _wrong_with(place: Path) -> str | None:
    folder = place.absolute().parent
    try:
        if place.is_dir():
            return "is a folder"
        if place.exists() and not place.is_file():
            return "is no regular file"
        if not folder.is_dir():
            return "its folder does not exist"
    except OSError as error:
        return error.strerror or "cannot be written"
    return None if os.access(folder, os.W_OK | os.X_OK) else "its folder cannot be written"


def write_report(report: Report, place: Path) -> str | None:
    """As a whole or not at all; returns why it could not be written."""
    part = place.with_name(f".{place.name}.part")
    try:
        part.write_text(as_html(report), encoding="utf-8")
        part.replace(place)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        return f"cannot be written: {error.strerror}"
    return None


def show(report: Report, place: Path | None, *, as_json: bool) -> None:
    """On stdout."""
    if as_json:
        print_data(as_data(report))
        return
    for line in _lines(report):
        console.print(line, markup=False)
    if place is not None:
        console.print(f"report: {place}", markup=False)


def _lines(report: Report) -> Iterator[str]:
    counts = report.counts
    yield _head(report)
    for name, number, by in _numbers(counts):
        if number:
            yield f"  {name:<22}{number:>9,}"
            yield from _table(by)
    before, after = counts.emails
    if report.settings:
        yield f"settings that differ: {plain(', '.join(report.settings))}"
    yield f"emails: {before:,} by production, {after:,} by the candidate"
    if report.times is not None:
        production, candidate = report.times
        yield (
            f"time per event: {production.median:.2f} ms and {candidate.median:.2f} ms "
            f"(95%: {production.p95:.2f} and {candidate.p95:.2f})"
        )
    if report.sent is not None:
        yield f"sandbox: {report.sent.accepted:,} accepted, {report.sent.refused:,} refused"
        if report.sent.why:
            yield f"  the first refusal: {plain(report.sent.why)}"
    if report.limit is not None:
        yield f"{'above' if report.limit_passed else 'within'} the limit of {report.limit}"


def _head(report: Report) -> str:
    counts = report.counts
    if not counts.events:
        return f"no events ({plain(report.stream)})"
    if not counts.different:
        return f"{counts.events:,} events, no difference"
    how_much = share(counts.different, counts.events)
    return f"{counts.different:,} of {counts.events:,} events differ ({how_much})"


def _numbers(counts: Counts) -> Iterator[tuple[str, int, Mapping[str, int]]]:
    """What is different, how often, and what that divides into."""
    yield "decided differently", counts.decided_differently, counts.reasons
    yield "recipients lost", counts.recipients_lost, counts.addresses_lost
    yield "recipients added", counts.recipients_added, counts.addresses_added
    yield "subjects", counts.subjects, {}
    yield "texts", counts.texts, {}
    yield "HTML bodies", counts.htmls, {}
    for name, number in counts.options.items():
        yield name, number, {}


def _table(found: Mapping[str, int]) -> Iterator[str]:
    for name, number in list(found.items())[:_MOST]:
        yield f"    {number:>9,}  {plain(name)}"
    if len(found) > _MOST:
        yield f"               and {len(found) - _MOST} more"
