"""What a configuration would do with events: one decision for each, nothing sent.

The pipeline is the very one that runs in production, on a ledger that is moved on as if each email
had been accepted at once. An event is decided as if it had come at the moment that it came, not
now: what depends on the time is the same whenever one looks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from time import perf_counter
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.ledger import Closing, DeliveryState, SendingMark, Settlement
from consumer.domain.notification import Email, Ending, SendOptions
from consumer.domain.reasons import Kind, Reason
from consumer.pipeline.lock import Locked
from consumer.pipeline.pipeline import Incoming, NotYet, Pipeline, Prepared
from consumer.pipeline.sends import Send
from consumer.ports import Ledger

#: Who holds the alarms in the ledger that is moved on.
OWNER: Final = "experiment"
#: First seen so long ago that nobody waits for a catalog that lacks something.
_LONG_AGO: Final = -inf


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """An event, and when it came."""

    event: AlarmEvent
    #: Epoch seconds.
    at: float
    #: When a person took it out of the dead-letter topic, epoch milliseconds: its age begins then.
    redriven_ms: int = 0


class DecidedEmail(msgspec.Struct, frozen=True, kw_only=True):
    """One email that would be sent."""

    email: Email
    #: By which transport, and how.
    options: SendOptions
    #: The plan's notification that leads to it, its type, and the plan.
    target_id: str
    type: str
    plan_id: str | None = None

    @property
    def destination(self) -> str:
        return self.email.to


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one event: emails, and ends of the event or of single destinations."""

    event: AlarmEvent
    emails: Sequence[DecidedEmail] = ()
    endings: Sequence[Ending] = ()
    #: Why nothing can be decided at the moment; None: it is decided.
    waits: str | None = None
    #: Not all was in the catalog: the event's own snapshots stood in.
    degraded: bool = False
    #: Seconds that the pipeline took: measured, and so the only thing that differs between runs.
    seconds: float = 0.0

    @property
    def ending(self) -> Ending | None:
        """Why the whole event is not sent; None: it is, or only its destinations have ends."""
        return next((each for each in self.endings if each.target_id is None), None)


class EventClock:
    """Time stands where the event that is being decided puts it. Epoch seconds."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now

    def put(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def wait(self, seconds: float) -> None:
        """Nothing is waited for."""


class Deciding:
    """Decides events in their order, one at a time. Not thread-safe.

    `pipeline` has been made with `OWNER`, with this `clock`, and with this `ledger`: one that is
    nobody else's, for each decision is written into it, and that knows of no email that was begun
    before. `max_age`: seconds by state.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        ledger: Ledger,
        clock: EventClock,
        max_age: Mapping[State, float],
        *,
        lag_seconds: float = 0.0,
        stopwatch: Callable[[], float] = perf_counter,
    ) -> None:
        """`lag_seconds`: how long after an event came it is decided."""
        self._pipeline = pipeline
        self._ledger = ledger
        self._clock = clock
        self._max_age = max_age
        self._lag = lag_seconds
        self._stopwatch = stopwatch

    def decide_all(self, arrivals: Iterable[Arrival]) -> Iterator[Decision]:
        """One decision for each, in order; see `decide`."""
        return map(self.decide, arrivals)

    def decide(self, arrival: Arrival) -> Decision:
        """What becomes of the event. Raises LedgerUnavailable or CatalogUnavailable."""
        event = arrival.event
        self._clock.put(arrival.at + self._lag)
        begun = self._stopwatch()
        (answer,) = self._pipeline.prepare([Incoming(event, _LONG_AGO)], {}, {})
        seconds = self._stopwatch() - begun
        if isinstance(answer, NotYet):
            return Decision(event=event, waits=answer.why, seconds=seconds)
        decision = self._decided(answer, arrival, seconds)
        self._move_on(answer, decision)
        return decision

    def _decided(self, answer: Prepared, arrival: Arrival, seconds: float) -> Decision:
        event, context = arrival.event, answer.context
        emails = [_email(send) for send in answer.sends]
        endings = list(answer.endings)
        age = self._clock.now() - max(event.timestamp, arrival.redriven_ms) / 1000
        if age > self._max_age[event.state]:
            endings += [_too_old(each, age) for each in emails]
            emails = []
        return Decision(
            event=event,
            emails=emails,
            endings=endings,
            degraded=context is not None and context.degraded,
            seconds=seconds,
        )

    def _move_on(self, answer: Prepared, decision: Decision) -> None:
        """The ledger afterwards, had each email been accepted. A dead letter leaves no trace."""
        if answer.dead_letter:
            return
        locked, now = answer.locked, self._clock.now()
        sends = answer.sends if decision.emails else ()
        self._ledger.mark_sending(OWNER, [_mark(send, locked) for send in sends], now)
        self._ledger.settle(OWNER, [_accepted(send, locked) for send in sends], now)
        self._ledger.close_events([_closing(answer, decision)], now)


def _email(send: Send) -> DecidedEmail:
    to = send.notification
    return DecidedEmail(
        email=send.email,
        options=send.options,
        target_id=to.target_id,
        type=to.type,
        plan_id=to.plan_id,
    )


def _too_old(each: DecidedEmail, age: float) -> Ending:
    return Ending(
        kind=Kind.EXPIRED,
        reason=Reason.TOO_OLD,
        message=f"The event is {age:.0f} s old",
        target_id=each.target_id,
        type=each.type,
        destination=each.destination,
    )


def _mark(send: Send, locked: Locked) -> SendingMark:
    to = send.notification
    return SendingMark(
        uid=to.uid,
        event_id=to.event.id,
        atom=to.event.atom,
        fence=locked.fence,
        target_id=to.target_id,
        type=to.type,
        destination=to.destination,
        message_id=send.email.message_id,
        transport=send.options.transport,
        attempt=send.attempt,
    )


def _accepted(send: Send, locked: Locked) -> Settlement:
    return Settlement(
        uid=send.notification.uid,
        atom=send.notification.event.atom,
        fence=locked.fence,
        state=DeliveryState.ACCEPTED,
        transport=send.options.transport,
        reason=Reason.QUEUED,
    )


def _closing(answer: Prepared, decision: Decision) -> Closing:
    """As the tracker closes an event when the last of its records is written."""
    locked, event = answer.locked, answer.locked.event
    first = next((each.kind for each in decision.endings), Kind.NO_RECIPIENTS)
    told = bool(answer.sends)
    return Closing(
        event_id=event.id,
        atom=event.atom,
        outcome=Kind.ACCEPTED if decision.emails else first,
        timestamp_ms=locked.timestamp_ms,
        state=event.state,
        advances=locked.advances,
        last_event_id=locked.progress.last_event_id,
        thread_event_id=locked.thread_event_id if told and locked.advances else None,
    )
