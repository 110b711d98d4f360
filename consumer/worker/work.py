"""What waits in lanes: one event with its sends, until its last tracking record is acknowledged."""

import threading
from collections.abc import Hashable

import msgspec

from consumer.domain.errors import InvalidMessage
from consumer.domain.notification import Notification, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record
from consumer.domain.tracking import TrackedEvent
from consumer.pipeline.pipeline import Prepared
from consumer.pipeline.sends import Send
from consumer.pipeline.track import About
from consumer.wire import redriven_at
from consumer.worker.doubts import Doubt
from consumer.worker.offsets import Ticket

_BEST_FIRST = (Kind.ACCEPTED, Kind.IN_DOUBT, *(k for k in Kind if k is not Kind.ACCEPTED))


class Work:
    """One event in its lane. Its fields are guarded by the lanes' lock, once it is in there."""

    __slots__ = (
        "about",
        "atom",
        "busy",
        "ends",
        "event",
        "first_seen_ms",
        "open_sends",
        "partition",
        "prepared",
        "record",
        "redriven_ms",
        "refused",
        "size",
        "ticket",
    )

    def __init__(
        self,
        prepared: Prepared,
        record: Record,
        ticket: Ticket,
        worker: str,
        first_seen: float | None = None,
    ) -> None:
        self.prepared = prepared
        # Each is asked for several times on the way of an email.
        self.event = event = prepared.locked.event
        self.atom = event.atom
        self.partition = (record.topic, record.partition)
        #: When a person took it out of the dead-letter topic, epoch milliseconds.
        self.redriven_ms = redriven_at(record.headers)
        #: When this process first had it, epoch milliseconds.
        self.first_seen_ms = None if first_seen is None else int(first_seen * 1000)
        self.record = record
        self.ticket = ticket
        self.about = About(
            event=event,
            source=record.position,
            worker=worker,
            plan_id=None if prepared.context is None else prepared.context.plan_id,
            lookup_degraded=prepared.context is not None and prepared.context.degraded,
            gap=prepared.locked.gap,
            route=prepared.route,
            redriven_at_ms=self.redriven_ms,
        )
        self.size = record.size + sum(send.email.size for send in prepared.sends)
        #: Sends without a final result.
        self.open_sends = len(prepared.sends)
        #: What its destinations ended as, so far.
        self.ends: list[tuple[Notification, SendResult]] = []
        #: How many senders and trackers are at it right now; above zero it cannot be dropped.
        self.busy = 0
        #: The ledger refused a send: the atom is no longer ours.
        self.refused = False

    def send_ended(self, *, refused: bool) -> bool:
        """A send of it is final, or refused; True when it was the last one missing."""
        self.open_sends -= 1
        self.refused = self.refused or refused
        if self.open_sends:
            self.busy -= 1
        # With the last one the tracker stays at it until it lets its lane go on.
        return self.open_sends == 0

    @property
    def counts_from_ms(self) -> int:
        """When its age begins: a redriven event is sent however old it is."""
        return max(self.event.timestamp, self.redriven_ms or 0)

    @property
    def outcome(self) -> Kind:
        """What the event as a whole ended as: the best that any destination got."""
        ends = [result.kind for _, result in self.ends]
        ends += [each.kind for each in self.prepared.endings]
        return min(ends, key=_BEST_FIRST.index) if ends else Kind.NO_RECIPIENTS


class Sending:
    """One email of one event, on its way through attempts."""

    __slots__ = (
        "attempt",
        "company",
        "doubt",
        "first_sent",
        "part",
        "possible_duplicate",
        "send",
        "shared",
        "tries",
        "work",
    )

    def __init__(self, work: Work, send: Send) -> None:
        self.work = work
        self.send = send
        #: 1-based over all processes and restarts.
        self.attempt = send.attempt
        #: Attempts of this process.
        self.tries = 0
        #: An attempt may have been accepted: to be looked up before anything is sent again.
        self.doubt = (
            None
            if send.doubt is None
            else Doubt(
                since=send.doubt.since,
                first_sent=send.doubt.first_sent,
                transport=send.doubt.transport,
                inherited=True,
            )
        )
        #: When the first attempt that may have been accepted left, epoch seconds.
        self.first_sent = None if send.doubt is None else send.doubt.first_sent
        #: It could not be found out whether an earlier attempt was accepted.
        self.possible_duplicate = send.possible_duplicate
        #: What its transport says about company, asked once: `(together,)`.
        self.shared: tuple[Hashable | None] | None = None
        #: The part of a refused call that it belongs to: it has no other company.
        self.part: object | None = None
        #: Equal for all that may go in one call, set when it waits for a sender; None: it goes
        #: alone.
        self.company: Hashable | None = None

    @property
    def options(self) -> SendOptions:
        """What its route says; a fallback may stand in for the transport."""
        return self.send.options

    @property
    def may_fall_back(self) -> bool:
        """What may have been accepted goes no other way than before."""
        return not self.possible_duplicate

    def result(
        self, kind: Kind, reason: Reason, message: str, transport: str | None = None
    ) -> SendResult:
        """What is said where no transport was asked, or none answered."""
        last = self.doubt.transport if self.doubt else self.options.transport
        return SendResult(
            kind=kind, reason=reason, message=message, transport=transport or last, calls=0
        )


class Landed(msgspec.Struct, frozen=True):
    """A step of a send, settled; without a result the ledger refused it, nothing was sent."""

    sending: Sending
    result: SendResult | None

    @property
    def is_final(self) -> bool:
        """Nothing more follows: it is not tried again, nor looked up."""
        if self.result is None or self.result.reason is Reason.HELD:
            return True
        return self.result.kind not in (Kind.DEFERRED, Kind.FALLBACK, Kind.IN_DOUBT)


class Broken(msgspec.Struct, frozen=True):
    """A record that could not be read."""

    record: Record
    error: InvalidMessage
    #: The ids that could be read all the same.
    salvaged: TrackedEvent | None
    ticket: Ticket
    #: Set when its dead letter is acknowledged and its offset is done.
    told: threading.Event = msgspec.field(default_factory=threading.Event)

    @property
    def partition(self) -> tuple[str, int]:
        return (self.record.topic, self.record.partition)
