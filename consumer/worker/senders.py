"""Sender threads: take a send from the lanes, mark it, deliver it, settle it, hand it on."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence

from consumer.domain.alarm import State
from consumer.domain.errors import LedgerUnavailable
from consumer.domain.ledger import SendingMark
from consumer.domain.notification import SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import Clock, Ledger
from consumer.telemetry.metrics import Metrics
from consumer.worker.doubts import Doubt
from consumer.worker.gather import Gather
from consumer.worker.lanes import Lanes
from consumer.worker.lease import Lease
from consumer.worker.settling import Settling
from consumer.worker.ways import Admission, Ways
from consumer.worker.work import Landed, Sending

#: Seconds a sender waits for work, or for the ledger, before it looks up again.
_PATIENCE = 0.5


class Senders:
    """A fixed number of threads between the lanes and the tracker."""

    def __init__(
        self,
        *,
        count: int,
        owner: str,
        lanes: Lanes,
        lease: Lease,
        ledger: Ledger,
        settling: Settling,
        ways: Ways,
        clock: Clock,
        metrics: Metrics,
        max_age_seconds: Mapping[State, float],
        to_tracker: Callable[[Landed], None],
    ) -> None:
        self._owner = owner
        self._lanes = lanes
        self._lease = lease
        self._ledger = ledger
        self._settling = settling
        self._ways = ways
        self._clock = clock
        self._metrics = metrics
        self._max_age = max_age_seconds
        self._to_tracker = to_tracker
        self._marks: Gather[SendingMark, bool] = Gather(self._mark_all)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"sender-{n}", daemon=True)
            for n in range(count)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Take nothing more; wait for what is under way. Lanes are closed by the caller."""
        self._stop.set()
        deadline = self._clock.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._clock.monotonic()))

    def _run(self) -> None:
        while not self._stop.is_set():
            sending = self._lanes.take(_PATIENCE)
            if sending is not None:
                self._send(sending)

    def _send(self, sending: Sending) -> None:
        result = self._not_worth_sending(sending)
        if result is not None:
            self._land(sending, result)
            return
        admission = self._ways.admit(
            sending.options, may_fall_back=sending.may_fall_back, tried=sending.tries > 0
        )
        if admission.wait > 0:
            # Nothing is marked or told for a call that is not made.
            self._lanes.landed()
            self._lanes.retry(sending, admission.wait)
            return
        marked = self._mark(sending, admission.options)
        if not marked:
            self._ways.unused(admission)
        if marked is None:
            self._lanes.put_back(sending)
            self._stop.wait(_PATIENCE)
            return
        if marked:
            sending.tries += 1
            result = self._deliver(sending, admission)
        self._land(sending, result)

    def _land(self, sending: Sending, result: SendResult | None) -> None:
        if result is not None and not self._settling.settle(sending, result):
            result = None
        self._lanes.landed()
        self._to_tracker(Landed(sending, result))

    def _mark(self, sending: Sending, options: SendOptions) -> bool | None:
        """Write `sending` down. False: refused. None: no lease or no ledger at the moment."""
        if not self._lease.is_valid():
            return None
        send = sending.send
        mark = SendingMark(
            uid=send.notification.uid,
            event_id=send.notification.event.id,
            atom=sending.work.atom,
            fence=sending.work.prepared.locked.fence,
            target_id=send.notification.target_id,
            type=send.notification.type,
            destination=send.notification.destination,
            message_id=send.email.message_id,
            transport=options.transport,
            attempt=sending.attempt,
        )
        try:
            return self._marks.ask(mark)
        except LedgerUnavailable:
            return None

    def _mark_all(self, marks: Sequence[SendingMark]) -> Sequence[bool]:
        refused: Collection[str] = self._ledger.mark_sending(self._owner, marks, self._clock.now())
        return [mark.uid not in refused for mark in marks]

    def _deliver(self, sending: Sending, admission: Admission) -> SendResult:
        if not self._lease.is_valid():
            # Stopped between mark and send: somebody else may own the atom by now. Said to the
            # ledger, because a mark that is left behind counts as a send in doubt.
            self._ways.unused(admission)
            return sending.result(
                Kind.DEFERRED, Reason.INTERRUPTED, "The lease ended before the send began"
            )
        if admission.instead is not None:
            self._tell_fallback(sending, admission)
        with self._metrics.timed_stage("deliver"):
            since = self._clock.now()
            result = self._attempt(sending, admission)
        if result.kind is Kind.IN_DOUBT:
            sending.doubt = Doubt(
                since=since, first_sent=since, transport=result.transport, told=True
            )
        self._metrics.count_stage(
            "deliver",
            passed=result.kind is Kind.ACCEPTED,
            held=result.kind in (Kind.DEFERRED, Kind.IN_DOUBT),
            failed=result.kind is Kind.FAILED,
        )
        return result

    def _tell_fallback(self, sending: Sending, admission: Admission) -> None:
        own, other = sending.options.transport, admission.options.transport
        result = sending.result(
            Kind.FALLBACK,
            Reason.TRANSPORT_CLOSED,
            f"{own} {admission.instead}, {other} takes it over",
            other,
        )
        self._to_tracker(Landed(sending, result))

    def _attempt(self, sending: Sending, admission: Admission) -> SendResult:
        try:
            return self._ways.send(sending.send.email, admission)
        except Exception as error:  # noqa: BLE001  # a transport's defect must not end the thread
            what = f"{type(error).__name__} in the transport"
            return sending.result(
                Kind.IN_DOUBT, Reason.INTERRUPTED, what, admission.options.transport
            )

    def _not_worth_sending(self, sending: Sending) -> SendResult | None:
        """A late first attempt, or a repeated one whose alarm has moved on."""
        work = sending.work
        age = self._clock.now() - work.counts_from_ms / 1000
        if age > self._max_age[work.event.state]:
            return sending.result(Kind.EXPIRED, Reason.TOO_OLD, f"The event is {age:.0f} s old")
        if sending.attempt > 1 and self._lanes.newer_states(work):
            return sending.result(
                Kind.SUPERSEDED, Reason.STATE_MOVED_ON, "The alarm's state has moved on"
            )
        return None
