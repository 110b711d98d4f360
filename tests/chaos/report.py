"""What a run found: a table for people, JSON for whoever keeps it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from tests.chaos.checker import Findings
from tests.chaos.plan import Plan

#: Examples that are printed of each kind.
_EXAMPLES = 5


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    plan: Plan
    #: Records on the topic.
    events: int
    #: How often what was done.
    disturbances: Mapping[str, int]
    #: Calls that the provider answered wrongly, late or not at all.
    faults: int
    #: Exit codes by occasion, of all that was not killed.
    ended: Sequence[str]
    #: How many processes of ours ended although nobody told them to.
    by_itself: int
    #: Records not committed when the patience was over, by group.
    uncommitted: Mapping[str, int]
    #: Gaps healed and stalls seen where there was nothing to heal.
    false_alarms: int = 0
    columns: Mapping[str, Findings]

    @property
    def broken(self) -> list[str]:
        """What of the promise does not hold for Messenger."""
        ours = next(iter(self.columns.values()))
        late = ["not all committed"] if next(iter(self.uncommitted.values()), 0) else []
        dead = ["processes ended by themselves"] if self.by_itself else []
        false = ["false alarms"] if self.false_alarms else []
        return [*ours.broken, *late, *dead, *false]

    def as_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    def print(self, console: Console) -> None:
        """The table, then examples of all that is broken."""
        plan = self.plan
        console.print(
            f"{self.events} events in {plan.minutes:g} minutes, {plan.processes} processes, "
            f"{plan.ledger}, seed {plan.seed}"
        )
        done = ", ".join(f"{count} × {what}" for what, count in self.disturbances.items())
        console.print(f"disturbed: {done}; {self.faults} calls misanswered")
        console.print(f"exit codes: {'; '.join(self.ended) or 'none'}")
        if any(self.uncommitted.values()):
            console.print(f"not committed in time: {dict(self.uncommitted)}")
        console.print(self._table())
        for name, lines in _examples(next(iter(self.columns.values()))):
            console.print(f"{name}: {', '.join(lines)}")
        console.print(f"broken: {', '.join(self.broken)}" if self.broken else "the promise holds")

    def _table(self) -> Table:
        table = Table("", *self.columns)
        for column in table.columns[1:]:
            column.justify = "right"
        rows = [
            _figures(found, told=number == 0) for number, found in enumerate(self.columns.values())
        ]
        for name in rows[0]:
            table.add_row(name, *(row[name] for row in rows))
        return table


def _figures(found: Findings, *, told: bool) -> dict[str, str]:
    """`told`: it keeps tracking records."""

    def tracked(number: object) -> str:
        return str(number) if told else "–"

    return {
        "expected emails": str(found.expected),
        "accepted": str(found.accepted),
        "lost": str(len(found.lost)),
        "superseded, expired, failed": tracked(sum(found.excused.values())),
        "held in doubt": tracked(len(found.held)),
        "unexpected": str(len(found.unexpected)),
        "doubled, not marked": str(len(found.doubled_unmarked)),
        "doubled, marked": tracked(len(found.doubled_marked)),
        "  of these visible to a lookup": tracked(len(found.doubled_visible)),
        "out of order": str(len(found.out_of_order)),
        "marked possible_duplicate": tracked(found.possible_duplicates),
        "tracking missing": tracked(len(found.untold)),
        "told otherwise": tracked(len(found.told_otherwise)),
        "median delay": f"{found.median_delay:.2f} s",
        "worst delay": f"{found.worst_delay:.1f} s",
    }


def _examples(found: Findings) -> list[tuple[str, Sequence[Any]]]:
    lists: Mapping[str, Sequence[str]] = {
        "lost": found.lost,
        "unexpected": found.unexpected,
        "doubled, not marked": found.doubled_unmarked,
        "visible and doubled": found.doubled_visible,
        "out of order": found.out_of_order,
        "held": found.held,
        "tracking missing": found.untold,
        "told otherwise": found.told_otherwise,
    }
    return [(name, lines[:_EXAMPLES]) for name, lines in lists.items() if lines]
