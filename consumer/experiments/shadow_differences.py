"""Two decisions about one event held against each other. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest

import msgspec

from consumer.domain.record import Position
from consumer.experiments.deciding import DecidedEmail, Decision
from consumer.experiments.shadow_asking import Answer
from consumer.pipeline.mail.clean import one_line

#: What is said of one side that has nothing to say of a destination, or of an event.
NOTHING = "nothing"
EMAIL = "email"
UNDECIDED = "undecided"
#: Characters of a name or a reason.
_WORDS = 300


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an event, or one destination, comes to. `said` is the reason in a sentence."""

    #: `email`, or kind and reason: `stale (older_than_last)`.
    what: str
    said: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One destination that comes to something else: its address, or the plan's id for it."""

    who: str
    production: Outcome
    candidate: Outcome

    @property
    def is_added(self) -> bool:
        return self.candidate.what == EMAIL

    @property
    def is_lost(self) -> bool:
        return self.production.what == EMAIL


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The words of one email."""

    subject: str
    text: str
    html: str


class EmailChange(msgspec.Struct, frozen=True, kw_only=True):
    """An email that both send, but not alike."""

    to: str
    production: Parts
    candidate: Parts
    #: `subject`, `text`, `html`.
    parts: Sequence[str] = ()
    #: How it is sent: transport, test_mode, tags, tracking, sender, headers, each (before, after).
    options: Mapping[str, tuple[str, str]] = {}

    @property
    def option_signs(self) -> Sequence[str]:
        """The options' names, those of few values with the values."""
        return [
            f"{name}: {before} → {after}" if name in _TOLD_APART else name
            for name, (before, after) in self.options.items()
        ]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """All that is different about one event."""

    position: Position
    event_id: str
    atom: str
    state: str
    #: Epoch milliseconds.
    timestamp: int
    production: Outcome
    candidate: Outcome
    changes: Sequence[Change] = ()
    emails: Sequence[EmailChange] = ()

    @property
    def decided_differently(self) -> bool:
        return self.production.what != self.candidate.what

    @property
    def pattern(self) -> tuple[str, ...]:
        """What it has in common with others of its sort; a person wants to see one of each."""
        return tuple(dict.fromkeys(self._signs()))

    def _signs(self) -> Iterator[str]:
        if self.decided_differently:
            yield f"{self.production.what} → {self.candidate.what}"
        for change in self.changes:
            if not self.decided_differently:
                yield f"recipient: {change.production.what} → {change.candidate.what}"
        for email in self.emails:
            yield from email.parts
            yield from email.option_signs


#: Options of few values: each change of them is a sort of its own.
_TOLD_APART = frozenset({"route", "transport", "test_mode", "tracking"})


def compare(position: Position, production: Answer, candidate: Answer) -> list[Difference | None]:
    """One answer for each event of the record, in order; None: both decide alike.

    A record that one side cannot read has an event of no name for it.
    """
    pairs = _pairs(production.decisions, candidate.decisions)
    found: list[Difference | None] = [_difference(position, *pair) for pair in pairs]
    if production.unread is not None or candidate.unread is not None:
        before, after = _unread(production), _unread(candidate)
        is_same = before.what == after.what
        found.append(None if is_same else _nameless(position, before, after))
    return found


def _pairs(
    production: Sequence[Decision], candidate: Sequence[Decision]
) -> Iterator[tuple[Decision | None, Decision | None]]:
    """By the events' ids, and what has no counterpart in its order: ids may be made of what a
    mapping makes of labels."""
    others: dict[str, list[Decision]] = {}
    for each in candidate:
        others.setdefault(each.event.id, []).append(each)
    left = []
    for each in production:
        if same := others.get(each.event.id):
            yield each, same.pop(0)
        else:
            left.append(each)
    yield from zip_longest(left, chain.from_iterable(others.values()))


def _difference(
    position: Position, production: Decision | None, candidate: Decision | None
) -> Difference | None:
    one = production or candidate
    assert one is not None, "a pair has at least one"
    event = one.event
    before, after = _outcome(production), _outcome(candidate)
    changes = list(_changes(production, candidate))
    emails = list(_emails(production, candidate))
    if before.what == after.what and not changes and not emails:
        return None
    return Difference(
        position=position,
        event_id=event.id,
        atom=event.atom,
        state=event.state,
        timestamp=event.timestamp,
        production=before,
        candidate=after,
        changes=changes,
        emails=emails,
    )


def _nameless(position: Position, before: Outcome, after: Outcome) -> Difference:
    return Difference(
        position=position,
        event_id="",
        atom="",
        state="",
        timestamp=0,
        production=before,
        candidate=after,
    )


def _unread(answer: Answer) -> Outcome:
    if answer.unread is None:
        return Outcome(what=NOTHING)
    said = one_line(answer.unread.detail, _WORDS)
    return Outcome(what=f"invalid ({answer.unread.reason})", said=said)


def _outcome(decision: Decision | None) -> Outcome:
    """Of the whole event."""
    if decision is None:
        return Outcome(what=NOTHING, said="no such event is read from the record")
    if decision.waits is not None:
        return Outcome(what=UNDECIDED, said=one_line(decision.waits, _WORDS))
    if decision.emails:
        return Outcome(what=EMAIL)
    ending = decision.ending or next(iter(decision.endings), None)
    if ending is None:
        return Outcome(what=NOTHING)
    said = one_line(ending.message, _WORDS)
    return Outcome(what=f"{ending.kind} ({ending.reason})", said=said)


def _by_destination(decision: Decision | None) -> dict[str, Outcome]:
    if decision is None:
        return {}
    found = {}
    for ending in decision.endings:
        if ending.target_id is not None:
            said = one_line(ending.message, _WORDS)
            who = one_line(ending.destination or ending.target_id, _WORDS)
            found[who] = Outcome(what=f"{ending.kind} ({ending.reason})", said=said)
    # An address that two of the plan's entries have is told once, and that is what counts.
    return found | {each.destination: Outcome(what=EMAIL) for each in decision.emails}


def _changes(production: Decision | None, candidate: Decision | None) -> Iterator[Change]:
    before, after = _by_destination(production), _by_destination(candidate)
    for who in dict.fromkeys([*before, *after]):
        was = before.get(who) or _without(production)
        becomes = after.get(who) or _without(candidate)
        if was.what != becomes.what:
            yield Change(who=who, production=was, candidate=becomes)


def _without(decision: Decision | None) -> Outcome:
    """What a destination comes to of which nothing is said: the event's own end, if it has one."""
    whole = _outcome(decision)
    if decision is None or decision.waits is not None or decision.ending is not None:
        return whole
    return Outcome(what="not a recipient")


def _emails(production: Decision | None, candidate: Decision | None) -> Iterator[EmailChange]:
    if production is None or candidate is None:
        return
    after = {each.destination: each for each in candidate.emails}
    for before in production.emails:
        other = after.get(before.destination)
        if other is None:
            continue
        parts = [
            part
            for part in Parts.__struct_fields__
            if getattr(before.email, part) != getattr(other.email, part)
        ]
        options = dict(_options(before, other))
        if parts or options:
            yield EmailChange(
                to=before.destination,
                production=_parts(before),
                candidate=_parts(other),
                parts=parts,
                options=options,
            )


def _parts(of: DecidedEmail) -> Parts:
    return Parts(subject=of.email.subject, text=of.email.text, html=of.email.html)


def _options(before: DecidedEmail, after: DecidedEmail) -> Iterator[tuple[str, tuple[str, str]]]:
    was, becomes = _how(before), _how(after)
    for name in was:
        if was[name] != becomes[name]:
            yield name, (was[name], becomes[name])


def _how(of: DecidedEmail) -> dict[str, str]:
    headers = [f"{name}: {value}" for name, value in of.email.headers]
    return {
        "route": of.options.route or "none",
        "transport": of.options.transport,
        "test_mode": "on" if of.options.test_mode else "off",
        "tracking": "on" if of.options.tracking else "off",
        "tags": ", ".join(sorted({*of.email.tags, *of.options.tags})),
        "sender": of.email.sender,
        "headers": "\n".join(headers),
        "template": one_line(of.email.template_error or "", _WORDS) or "works",
    }
