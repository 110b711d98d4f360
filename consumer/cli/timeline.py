"""A trace as lines for a person: who, when, what, and in the end what it comes to."""

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from consumer.cli.common import console
from consumer.cli.plain import plain
from consumer.domain.ledger import DeliveryRow
from consumer.domain.reasons import Kind
from consumer.domain.tracking import TrackedEvent, TrackingEvent
from consumer.explaining import explain, moment
from consumer.tracing import Trace

_GOOD: Final = frozenset({Kind.ACCEPTED, Kind.DELIVERED, Kind.OPENED, Kind.CLICKED})
_BAD: Final = frozenset(
    {
        Kind.INVALID,
        Kind.LOOKUP_FAILED,
        Kind.FAILED,
        Kind.EXPIRED,
        Kind.DEAD_LETTERED,
        Kind.BOUNCED_PERMANENT,
        Kind.BOUNCED_TEMPORARY,
        Kind.COMPLAINED,
        Kind.REJECTED,
    }
)
#: As wide as a moment and two blanks: what belongs to a step stands below its kind.
_INDENT: Final = " " * 27


def print_trace(trace: Trace) -> None:
    """Print one event. Text objects, not markup: brackets in values stay brackets."""
    for line in _lines(trace):
        console.print(line)
    console.print()


def _lines(trace: Trace) -> Iterator[Text]:
    yield from _head(trace)
    redriven = None
    for step in trace.steps:
        if step.redriven_at is not None and step.redriven_at != redriven:
            redriven = step.redriven_at
            yield Text(f"  {moment(redriven)}  redriven  a person sent its dead letter again")
        yield _step(step)
        for detail in _details(step):
            yield Text(f"{_INDENT}{detail}", style="dim")
    if trace.deliveries or trace.ended is not None:
        yield Text("  the ledger now")
    for row in trace.deliveries:
        yield Text(f"  {_row(row)}")
    if trace.ended is not None:
        closed = moment(trace.ended.closed_at * 1000)
        yield Text(f"  {closed}  event ended as {plain(trace.ended.outcome)}")
    for sentence in explain(trace):
        yield Text(f"  => {plain(sentence)}", style="bold")


def _head(trace: Trace) -> Iterator[Text]:
    event = trace.event
    name = f"event {plain(event.id)}" if event.id else "a record without a readable event id"
    yield Text(name, style="bold")
    if event.state is not None:
        was = f" (was {event.previous_state})" if event.previous_state else ""
        yield Text(f"  {event.state}{was}, at {moment(event.timestamp)} UTC")
    plans = dict.fromkeys(step.notification_plan_id for step in trace.steps)
    ids = "  ".join([*_ids(event), *(f"plan {plain(id_)}" for id_ in plans if id_)])
    if ids:
        yield Text(f"  {ids}")
    for resent in dict.fromkeys(step.resent for step in trace.steps if step.resent is not None):
        yield Text(f"  resent by replay {plain(resent.replay)}: {plain(resent.reason)}")
        yield Text(f"  repeats event {plain(resent.event_id)}")
    sources = dict.fromkeys(step.source for step in trace.steps if step.source is not None)
    for topic, partition, offset in sources:
        yield Text(f"  read from {plain(topic)}, partition {partition}, offset {offset}")


def _ids(event: TrackedEvent) -> list[str]:
    named = (
        ("tenant", event.tenant_id),
        ("entity", event.entity_id),
        ("check", event.check_id),
        ("alarm", event.alarm_id),
        ("event_id", event.event_id),
        ("txn", event.txn_id),
    )
    return [f"{name} {plain(id_)}" for name, id_ in named if id_]


def _step(step: TrackingEvent) -> Text:
    colour = "green" if step.kind in _GOOD else "red" if step.kind in _BAD else "yellow"
    to = step.notification
    facts = (
        step.outcome.reason.value,
        "" if to is None else plain(to.destination or to.notification_id),
        "" if step.attempt is None else f"attempt {step.attempt}",
        "" if step.duration_ms is None else f"{step.duration_ms} ms",
        f"by {plain(step.worker)}",
    )
    line = Text(f"  {moment(step.at)}  ")
    line.append(f"{step.kind.value}", style=colour)
    line.append("".join(f"  {fact}" for fact in facts if fact))
    return line


def _details(step: TrackingEvent) -> Iterator[str]:
    if step.outcome.message:
        yield plain(step.outcome.message)
    provider = step.provider
    if provider is not None:
        code = "" if provider.code is None else f", status {provider.code}"
        event = f", says {plain(provider.event)}" if provider.event else ""
        id_ = f", message id {plain(provider.message_id)}" if provider.message_id else ""
        yield f"{plain(provider.name)}{code}{event}{id_}"
    if step.next_attempt_at is not None:
        yield f"next attempt not before {moment(step.next_attempt_at)}"
    yield from _remarks(step)


def _remarks(step: TrackingEvent) -> Iterator[str]:
    if step.possible_duplicate:
        sent = "possibly sent twice" if step.kind is Kind.ACCEPTED else "it may have been sent"
        yield f"{sent}: an earlier attempt may have been accepted"
    if step.gap:
        yield "an event between the last known state and this one never arrived"
    if step.lookup_degraded:
        yield "a snapshot or an old answer stood in for the catalog"


def _row(row: DeliveryRow) -> str:
    facts = (
        row.state.value,
        plain(row.reason) if row.reason else "",
        plain(row.destination),
        f"attempt {row.attempt}",
        f"by {plain(row.transport)}",
        f"message id {plain(row.message_id)}",
        f"owner {plain(row.owner)}",
    )
    return "  ".join([moment(row.updated_at * 1000), *(fact for fact in facts if fact)])
