"""What a comparison comes to: counts of all, examples of each sort, times of both sides. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from consumer.experiments.shadow_asking import Answer
from consumer.experiments.shadow_differences import Difference
from consumer.pipeline.mail.clean import one_line

#: Examples of one sort of difference.
_OF_A_SORT: Final = 5
#: Sorts that are told apart; whatever is beyond is counted together.
_SORTS: Final = 200
_OTHERS: Final = ("other sorts of differences",)
#: Times kept of each side: enough for a percentile.
_TIMES: Final = 100_000
#: Characters of what is wrong with a template.
_WORDS: Final = 300
_LIMIT: Final = re.compile(r"(\d{1,9})|(\d{1,3}(?:\.\d{1,4})?)\s*%")


class Limit(msgspec.Struct, frozen=True):
    """How many events may be decided or told differently: a number, or a share in percent."""

    number: int | None = None
    percent: float | None = None

    def passed_by(self, different: int, events: int) -> bool:
        if self.number is not None:
            return different > self.number
        return self.percent is not None and different * 100 > self.percent * events

    def __str__(self) -> str:
        return f"{self.number}" if self.percent is None else f"{self.percent:g}%"


def parse_limit(text: str) -> Limit:
    """`1%`, `0.5%` or `20`. Raises ValueError, in one line."""
    found = _LIMIT.fullmatch(text.strip())
    if found is None or float(found[2] or 0) > 100:
        raise ValueError(f"{text!r} is no limit: write a number of events, or a share such as 1%")
    return Limit(number=int(found[1])) if found[1] else Limit(percent=float(found[2]))


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds for one event. Measured: no two runs are alike."""

    median: float
    #: 95 of 100 events took less.
    p95: float
    mean: float


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """Differences that are alike."""

    pattern: Sequence[str]
    events: int
    examples: Sequence[Difference]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """All that was compared. Of one event, anything may be different at the same time."""

    records: int
    events: int
    different: int
    decided_differently: int
    #: By the two outcomes: `email → expired (too_old)`.
    reasons: dict[str, int]
    emails: tuple[int, int]
    recipients_added: int
    recipients_lost: int
    #: Addresses that were told more or less often.
    addresses_added: dict[str, int]
    addresses_lost: dict[str, int]
    subjects: int
    texts: int
    htmls: int
    #: Emails by option: tags, `transport: mailgun → smtp` …
    options: dict[str, int]
    #: Emails of the candidate's for which the account's own template does not work, by what is
    #: wrong, whether production differs or not.
    template_errors: dict[str, int]
    #: Events that a side could not decide, its catalog being away.
    undecided: tuple[int, int]
    #: Events decided with the snapshots in them, or with old answers of the catalog.
    degraded: tuple[int, int]


class Tally:
    """Takes answers as they come."""

    def __init__(self) -> None:
        self._records = 0
        self._events = 0
        self._different = 0
        self._decided = 0
        self._count: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._options: Counter[str] = Counter()
        self._added: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._template_errors: Counter[str] = Counter()
        self._sorts: dict[tuple[str, ...], list[Difference]] = {}
        self._of_sort: Counter[tuple[str, ...]] = Counter()
        self._times: tuple[list[float], list[float]] = ([], [])

    def add(self, answers: tuple[Answer, Answer], found: Sequence[Difference | None]) -> None:
        """What both sides said of one record, and what `compare` made of it."""
        self._records += 1
        self._events += len(found)
        for side, answer in enumerate(answers):
            for decision in answer.decisions:
                self._count[f"emails{side}"] += len(decision.emails)
                self._count[f"undecided{side}"] += decision.waits is not None
                self._count[f"degraded{side}"] += decision.degraded
                if len(self._times[side]) < _TIMES:
                    self._times[side].append(decision.seconds * 1000)
        self._template_errors.update(
            one_line(error, _WORDS)
            for decision in answers[1].decisions
            for each in decision.emails
            if (error := each.email.template_error) is not None
        )
        for difference in found:
            if difference is not None:
                self._add(difference)

    def _add(self, difference: Difference) -> None:
        self._different += 1
        if difference.decided_differently:
            self._decided += 1
            self._reasons[f"{difference.production.what} → {difference.candidate.what}"] += 1
        for change in difference.changes:
            self._added[change.who] += change.is_added
            self._lost[change.who] += change.is_lost
        for email in difference.emails:
            self._count.update(email.parts)
            self._options.update(email.option_signs)
        pattern = difference.pattern
        if pattern not in self._sorts and len(self._sorts) >= _SORTS:
            pattern = _OTHERS
        self._of_sort[pattern] += 1
        examples = self._sorts.setdefault(pattern, [])
        if len(examples) < _OF_A_SORT:
            examples.append(difference)

    def counts(self) -> Counts:
        count = self._count
        return Counts(
            records=self._records,
            events=self._events,
            different=self._different,
            decided_differently=self._decided,
            reasons=_most_first(self._reasons),
            emails=(count["emails0"], count["emails1"]),
            recipients_added=self._added.total(),
            recipients_lost=self._lost.total(),
            addresses_added=_most_first(+self._added),
            addresses_lost=_most_first(+self._lost),
            subjects=count["subject"],
            texts=count["text"],
            htmls=count["html"],
            options=_most_first(self._options),
            template_errors=_most_first(self._template_errors),
            undecided=(count["undecided0"], count["undecided1"]),
            degraded=(count["degraded0"], count["degraded1"]),
        )

    def sorts(self, examples: int) -> list[Sort]:
        """The most frequent first; so many examples in all, and one of each sort before a second
        of any."""
        ranked = sorted(self._sorts, key=lambda pattern: (-self._of_sort[pattern], pattern))
        shares = dict.fromkeys(ranked, 0)
        for turn in range(_OF_A_SORT):
            for pattern in ranked:
                if examples > 0 and turn < len(self._sorts[pattern]):
                    shares[pattern] += 1
                    examples -= 1
        return [
            Sort(
                pattern=pattern,
                events=self._of_sort[pattern],
                examples=self._sorts[pattern][: shares[pattern]],
            )
            for pattern in ranked
        ]

    def times(self) -> tuple[Times, Times] | None:
        """Of production and candidate; None: nothing was decided."""
        if not all(self._times):
            return None
        return _times(self._times[0]), _times(self._times[1])


def _most_first(counted: Counter[str]) -> dict[str, int]:
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _times(milliseconds: Sequence[float]) -> Times:
    ranked = sorted(milliseconds)
    return Times(
        median=round(ranked[len(ranked) // 2], 3),
        p95=round(ranked[len(ranked) * 95 // 100], 3),
        mean=round(sum(ranked) / len(ranked), 3),
    )
