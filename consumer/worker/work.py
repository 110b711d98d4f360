"""What waits in lanes: one event with its sends, until its last tracking record is acknowledged."""

from consumer.domain.alarm import AlarmEvent
from consumer.domain.reasons import Kind
from consumer.domain.record import Record
from consumer.pipeline.pipeline import Prepared, Send
from consumer.pipeline.track import About
from consumer.worker.offsets import Ticket

_BEST_FIRST = (Kind.ACCEPTED, Kind.IN_DOUBT, *(k for k in Kind if k is not Kind.ACCEPTED))


class Work:
    """One event in its lane. Its fields are guarded by the lanes' lock, once it is in there."""

    __slots__ = (
        "about",
        "busy",
        "open_sends",
        "outcomes",
        "prepared",
        "record",
        "refused",
        "size",
        "ticket",
    )

    def __init__(self, prepared: Prepared, record: Record, ticket: Ticket, worker: str) -> None:
        self.prepared = prepared
        self.record = record
        self.ticket = ticket
        self.about = About(
            event=prepared.locked.event,
            source=record.position,
            worker=worker,
            plan_id=None if prepared.context is None else prepared.context.plan_id,
            lookup_degraded=prepared.context is not None and prepared.context.degraded,
            gap=prepared.locked.gap,
        )
        self.size = record.size + sum(send.email.size for send in prepared.sends)
        #: Sends without a final result.
        self.open_sends = len(prepared.sends)
        #: What its destinations ended as, so far.
        self.outcomes: list[Kind] = []
        #: How many senders and trackers are at it right now; above zero it cannot be dropped.
        self.busy = 0
        #: The ledger refused a send: the atom is no longer ours.
        self.refused = False

    @property
    def event(self) -> AlarmEvent:
        return self.prepared.locked.event

    @property
    def atom(self) -> str:
        return self.event.atom

    @property
    def outcome(self) -> Kind:
        """What the event as a whole ended as: the best that any destination got."""
        ends = (*self.outcomes, *(e.kind for e in self.prepared.endings))
        return min(ends, key=_BEST_FIRST.index) if ends else Kind.NO_RECIPIENTS

    @property
    def partition(self) -> tuple[str, int]:
        return (self.record.topic, self.record.partition)


class Sending:
    """One email of one event, on its way through attempts."""

    __slots__ = ("attempt", "send", "tries", "work")

    def __init__(self, work: Work, send: Send) -> None:
        self.work = work
        self.send = send
        #: 1-based over all processes and restarts.
        self.attempt = send.attempt
        #: Attempts of this process.
        self.tries = 0
