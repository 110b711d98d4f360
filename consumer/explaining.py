"""A trace in plain words: what became of each destination, or why nothing was sent.

Pure. The words are for a person; programs read the kinds and reasons of the steps.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from consumer.domain.ledger import DeliveryRow, DeliveryState
from consumer.domain.reasons import Kind, Reason
from consumer.domain.tracking import TrackingEvent, last_word
from consumer.tracing import Trace

#: Ends of a whole event.
_NOTHING_SENT: Final[Mapping[Kind, str]] = {
    Kind.INVALID: "the record could not be read; it is in the dead-letter topic",
    Kind.DUPLICATE: "the same event had been handled before",
    Kind.STALE: "a newer event of the same alarm had come before it",
    Kind.UNCHANGED: "the alarm was in this state already",
    Kind.INITIAL_OK: "an alarm whose first state is OK is no news",
    Kind.IGNORED: "the settings say that this state is not notified",
    Kind.SUPPRESSED: "a maintenance window was in force",
    Kind.DISABLED: "alarm, check or entity is disabled or deleted, or the producer forbade it",
    Kind.LOOKUP_FAILED: "the catalog does not know it, and the event brought no snapshot",
    Kind.NO_RECIPIENTS: "the plan in force has nobody for this state, or nobody else",
    Kind.RATE_LIMITED: "it was held back, and is told in a summary",
    Kind.DEAD_LETTERED: "it was given up; it is in the dead-letter topic",
    Kind.SUPERSEDED: "the alarm's state had moved on before it could be sent",
    Kind.EXPIRED: "it was too old when it could be sent",
    Kind.FAILED: "it failed for good",
}

#: The same by the words in which the ledger keeps them.
_ENDS: Final[Mapping[str, str]] = {kind.value: words for kind, words in _NOTHING_SENT.items()}

#: The last deciding step of one destination.
_DESTINATION: Final[Mapping[Kind, str]] = {
    Kind.ACCEPTED: "sent, the provider has accepted it",
    Kind.DELIVERED: "delivered",
    Kind.BOUNCED_PERMANENT: "bounced, the receiving side refused it for good",
    Kind.BOUNCED_TEMPORARY: "bounced, the provider gave up; the address may be right",
    Kind.REJECTED: "accepted, and then rejected by the provider",
    Kind.DEFERRED: "not accepted yet, it is tried again",
    Kind.IN_DOUBT: "in doubt, the answer was lost: it may be out, and is looked up",
    Kind.FALLBACK: "handed over to another transport",
    Kind.FAILED: "not sent, it failed for good",
    Kind.SUPERSEDED: "not sent, the alarm's state had moved on",
    Kind.EXPIRED: "not sent, it had become too old",
    Kind.DEAD_LETTERED: "given up; it is in the dead-letter topic",
    Kind.DUPLICATE: "not sent twice, the address has its email by another notification",
    Kind.NO_RECIPIENTS: "not sent, there is no address",
    Kind.SUPPRESSED: "not sent, Mailgun keeps emails from this address",
    Kind.RATE_LIMITED: "held back, the address has had its emails of the hour",
}

#: Ends that another word than their kind says best.
_BY_REASON: Final[Mapping[Reason, str]] = {
    # The end of a doubt that nobody could resolve.
    Reason.HELD: "in doubt for good, it may be out; held for a person, in the dead-letter topic",
    Reason.TEST_MODE: "accepted in test mode, which delivers nothing",
    Reason.NO_LONGER_PLANNED: "not sent, the plan no longer names it",
}

#: Where the provider has it: once, or once more.
_TAKEN: Final = frozenset(
    {
        Kind.ACCEPTED,
        Kind.DELIVERED,
        Kind.BOUNCED_PERMANENT,
        Kind.BOUNCED_TEMPORARY,
        Kind.REJECTED,
    }
)

#: The type of notification that leads to more than one address.
_TO_SEVERAL: Final = "technicalContactsEmail"

#: What may be reported on top; it decides nothing.
_REPORTED: Final[Mapping[Kind, str]] = {
    Kind.DEFERRED: "delayed by the receiving side",
    Kind.COMPLAINED: "marked as spam",
    Kind.OPENED: "opened",
    Kind.CLICKED: "a link was clicked",
    Kind.UNSUBSCRIBED: "unsubscribed",
}

#: Beyond these, what the step itself says is news.
_SPEAKS_FOR_ITSELF: Final = frozenset({Kind.ACCEPTED, Kind.DELIVERED})

_IN_LEDGER: Final[Mapping[DeliveryState, str]] = {
    DeliveryState.SENDING: "being sent; if its process died, the next one looks it up first",
    DeliveryState.ACCEPTED: _DESTINATION[Kind.ACCEPTED],
    DeliveryState.FAILED: _DESTINATION[Kind.FAILED],
    DeliveryState.IN_DOUBT: _DESTINATION[Kind.IN_DOUBT],
    DeliveryState.DEFERRED: _DESTINATION[Kind.DEFERRED],
    DeliveryState.SUPERSEDED: _DESTINATION[Kind.SUPERSEDED],
    DeliveryState.EXPIRED: _DESTINATION[Kind.EXPIRED],
}


def explain(trace: Trace) -> list[str]:
    """One sentence for each destination; without any, one that says why nothing was sent."""
    rows = {row.uid: row for row in trace.deliveries}
    lines = [
        _of_destination(steps, rows.get(_uid(steps) or ""))
        for steps in _by_destination(trace.steps)
    ]
    tracked = {step.notification.uid for step in trace.steps if step.notification is not None}
    lines += [_of_row(row) for row in trace.deliveries if row.uid not in tracked]
    return [*lines, *_sent_again_in_vain(trace.steps)] if lines else [_nothing_sent(trace)]


def moment(milliseconds: int | float | None) -> str:
    """Epoch milliseconds as UTC to the millisecond; a number that is no date stays one."""
    if milliseconds is None:
        return "unknown"
    try:
        at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{milliseconds} ms"
    return at.isoformat(" ", "milliseconds").removesuffix("+00:00")


def _by_destination(steps: Iterable[TrackingEvent]) -> list[list[TrackingEvent]]:
    groups: dict[Hashable, list[TrackingEvent]] = {}
    for step in steps:
        if (to := step.notification) is not None:
            groups.setdefault(to.identity, []).append(step)
    sent = [group for group in groups.values() if _uid(group) is not None]
    return [group for group in groups.values() if not any(_overtakes(one, group) for one in sent)]


def _uid(steps: Sequence[TrackingEvent]) -> str | None:
    to = steps[0].notification
    return None if to is None else to.uid


def _overtakes(sent: Sequence[TrackingEvent], ended: Sequence[TrackingEvent]) -> bool:
    """The plan's notification led to no address, its catalog was mended, and then it did.

    Not where one notification leads to several people: the others' emails say nothing of theirs.
    """
    old, new = ended[-1].notification, sent[0].notification
    assert old is not None  # grouped by it
    assert new is not None
    return (
        old.uid is None
        and old.notification_id == new.notification_id
        and old.type != _TO_SEVERAL
        and sent[-1].at > ended[-1].at
    )


def _of_destination(steps: Sequence[TrackingEvent], row: DeliveryRow | None) -> str:
    told = [step for step in steps if step.kind in _DESTINATION or not step.decides]
    last = last_word(told)
    reported = dict.fromkeys(_REPORTED[step.kind] for step in told if not step.decides)
    to = steps[0].notification
    assert to is not None  # grouped by it
    name = to.destination or to.notification_id
    doubted = any(step.possible_duplicate for step in steps)
    taken = last is not None and last.kind in _TAKEN
    if not taken and row is not None and row.state is DeliveryState.ACCEPTED:
        # The record of it may be lost or late; that the provider took it is a fact.
        taken, line = True, _IN_LEDGER[row.state]
    elif last is None:
        return f"{name}: {', '.join(reported) or steps[-1].kind.value}"
    else:
        line = _said(last, doubted)
    if doubted and taken:
        line += "; possibly twice, an earlier attempt may have been accepted too"
    return "; ".join([f"{name}: {line}", *reported])


def _said(last: TrackingEvent, doubted: bool) -> str:
    line = _verdict(last, doubted)
    if last.kind not in _SPEAKS_FOR_ITSELF:
        line += f" ({last.outcome.message})"
    if last.next_attempt_at is not None and last.kind is Kind.DEFERRED:
        line += f", not before {moment(last.next_attempt_at)}"
    return line


def _verdict(last: TrackingEvent, doubted: bool) -> str:
    words = _BY_REASON.get(last.outcome.reason, _DESTINATION[last.kind])
    if not doubted or last.kind in _TAKEN or last.kind is Kind.IN_DOUBT:
        return words
    again = words.replace("not sent,", "not sent again,")
    return f"may have been sent by an earlier attempt; {again}"


def _of_row(row: DeliveryRow) -> str:
    line = f"{row.destination}: {_IN_LEDGER[row.state]}"
    if row.message and row.state is not DeliveryState.ACCEPTED:
        line += f" ({row.message})"
    return line


def _sent_again_in_vain(steps: Sequence[TrackingEvent]) -> list[str]:
    """Why a redrive brought those nothing who had not been told."""
    times = [step.redriven_at for step in steps if step.redriven_at is not None]
    theirs = [step for step in steps if times and step.redriven_at == max(times)]
    ends = [
        step
        for step in theirs
        if step.notification is None and step.kind in _NOTHING_SENT.keys() - {Kind.DUPLICATE}
    ]
    if not ends or any(step.kind in _TAKEN for step in theirs):
        return []
    words, said = _NOTHING_SENT[ends[-1].kind], ends[-1].outcome.message
    return [f"redriven, nothing more was sent: {words} ({said})"]


def _nothing_sent(trace: Trace) -> str:
    endings = [step for step in trace.steps if step.kind in _NOTHING_SENT]
    # That it came again later does not say why nothing was sent the first time.
    first = [step for step in endings if step.kind is not Kind.DUPLICATE] or endings
    if first:
        last = first[-1]
        return f"nothing was sent: {_NOTHING_SENT[last.kind]} ({last.outcome.message})"
    if trace.ended is None:
        return "nothing was sent yet: the event has not ended, it waits or is worked on"
    outcome = trace.ended.outcome
    if outcome in _ENDS:
        return f"nothing was sent: {_ENDS[outcome]}"
    return f"the event ended as {outcome}; no step of it is left to say more"
