"""The report of a comparison: one HTML file that loads nothing, and the same as plain values."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from consumer.experiments.shadow_differences import Difference
from consumer.experiments.shadow_tally import Counts, Limit, Sort, Times
from consumer.experiments.shadow_textdiff import rows
from consumer.pipeline.mail.clean import block, one_line

#: Characters of one email's HTML that are shown; templates may write no more.
_HTML: Final = 250_000
#: Of one value, and addresses that are listed.
_LINE: Final = 500
_ADDRESSES: Final = 50
_NO_TIME: Final = "no time"

#: A mail's own elements that load, lead elsewhere, or connect before any policy is asked: renamed
#: to ones that mean nothing.
_REACHING_OUT: Final = re.compile(
    r"<(/?)(iframe|frame|frameset|link|meta|base|object|embed|script|form)\b", re.IGNORECASE
)
#: A sandboxed frame has no scripts and no origin; this forbids it to load anything as well.
_FRAME: Final = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="'
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
    '; form-action \'none\'; base-uri \'none\'"><meta name="referrer" content="no-referrer">'
)


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the candidate's emails in the sandbox."""

    accepted: int
    refused: int
    #: The first refusal.
    why: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that is told of one comparison. No setting that is secret is in it."""

    #: What was compared: names of files or programs.
    production: str
    candidate: str
    #: Which events, in words.
    stream: str
    lag_seconds: float
    ledger: str
    counts: Counts
    limit: str | None
    limit_passed: bool
    sorts: Sequence[Sort]
    #: Settings by key, (production, candidate), secrets hidden.
    settings: Mapping[str, tuple[str, str]] = {}
    #: Of production and candidate; None: not measured.
    times: tuple[Times, Times] | None = None
    #: What whoever reads the numbers has to know.
    notes: Sequence[str] = ()
    sent: Sent | None = None


def verdict(counts: Counts, limit: Limit | None) -> tuple[str | None, bool]:
    """The limit in words, and whether it was passed."""
    if limit is None:
        return None, False
    return str(limit), limit.passed_by(counts.different, counts.events)


def as_html(report: Report) -> str:
    """One document: no script, nothing loaded, every text escaped."""
    environment = Environment(
        loader=PackageLoader("consumer.experiments", "shadow_templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "line": lambda text: one_line(text, _LINE),
        "moment": _moment,
        "share": lambda part: share(part, report.counts.events),
        "number": lambda number: f"{number:,}",
    }
    return environment.get_template("report.html").render(
        report=report,
        counts=report.counts,
        rows=_diff,
        frame=_frame,
        first=lambda found: list(found.items())[:_ADDRESSES],
        shown=sum(len(sort.examples) for sort in report.sorts),
        difference_id=_id,
    )


def as_data(report: Report) -> dict[str, Any]:
    """The same for other programs; of the emails' bodies only the subjects."""
    data: dict[str, Any] = msgspec.to_builtins(report)
    for sort in data["sorts"]:
        for example in sort["examples"]:
            for email in example["emails"]:
                for side in ("production", "candidate"):
                    email[side] = {"subject": email[side]["subject"]}
    return data


def _diff(before: str, after: str) -> list[Any]:
    """Made visible first: a text that was written to fool readers fools no reviewer."""
    return rows(block(before, _HTML, 20_000), block(after, _HTML, 20_000))


def _frame(html: str) -> str:
    """A mail's HTML as the document of a sandboxed frame."""
    return _FRAME + _REACHING_OUT.sub(r"<\1x-\2", html[:_HTML])


def _moment(milliseconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return _NO_TIME


def share(part: int, whole: int) -> str:
    """In percent, for a person: little is not nothing."""
    if not whole:
        return "0%"
    percent = part * 100 / whole
    return f"{percent:.1f}%" if not 0 < percent < 0.1 else "<0.1%"


def _id(difference: Difference) -> str:
    topic, partition, offset = difference.position
    return f"{topic} {partition}/{offset}"
