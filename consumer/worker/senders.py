"""Sender threads: take a send from the lanes, mark it, deliver it, settle it, hand it on."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from consumer.domain.alarm import State
from consumer.domain.errors import LedgerUnavailable
from consumer.domain.ledger import DeliveryState, SendingMark, Settlement
from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.pipeline.deliver import deliver
from consumer.ports import Clock, Ledger, Transport
from consumer.telemetry.metrics import Metrics
from consumer.worker.gather import Gather
from consumer.worker.lanes import Lanes
from consumer.worker.lease import Lease
from consumer.worker.work import Sending

#: Seconds a sender waits for work, or for the ledger, before it looks up again.
_PATIENCE = 0.5


_STATES = {
    Kind.ACCEPTED: DeliveryState.ACCEPTED,
    Kind.FAILED: DeliveryState.FAILED,
    Kind.DEFERRED: DeliveryState.DEFERRED,
    Kind.IN_DOUBT: DeliveryState.IN_DOUBT,
    Kind.SUPERSEDED: DeliveryState.SUPERSEDED,
    Kind.EXPIRED: DeliveryState.EXPIRED,
}


class Landed(msgspec.Struct, frozen=True):
    """One attempt with its result, settled; None: the ledger refused it, nothing was sent."""

    sending: Sending
    result: SendResult | None


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
        transports: Mapping[str, Transport],
        clock: Clock,
        metrics: Metrics,
        max_age_seconds: Mapping[State, float],
        to_tracker: Callable[[Landed], None],
    ) -> None:
        self._owner = owner
        self._lanes = lanes
        self._lease = lease
        self._ledger = ledger
        self._transports = transports
        self._clock = clock
        self._metrics = metrics
        self._max_age = max_age_seconds
        self._to_tracker = to_tracker
        self._marks: Gather[SendingMark, bool] = Gather(self._mark_all)
        self._settlements: Gather[Settlement, None] = Gather(self._settle_all)
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
        if result is None:
            wait = self._transports[sending.send.options.transport].opens_in()
            if wait > 0:
                # Nothing is marked or told for a call that is not made.
                self._lanes.landed()
                self._lanes.retry(sending, wait)
                return
            marked = self._mark(sending)
            if marked is None:
                self._lanes.put_back(sending)
                self._stop.wait(_PATIENCE)
                return
            if marked:
                sending.tries += 1
                result = self._deliver(sending)
        if result is not None:
            self._settle(sending, result)
        self._lanes.landed()
        self._to_tracker(Landed(sending, result))

    def _mark(self, sending: Sending) -> bool | None:
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
            transport=send.options.transport,
            attempt=sending.attempt,
        )
        try:
            return self._marks.ask(mark)
        except LedgerUnavailable:
            return None

    def _mark_all(self, marks: Sequence[SendingMark]) -> Sequence[bool]:
        refused: Collection[str] = self._ledger.mark_sending(self._owner, marks, self._clock.now())
        return [mark.uid not in refused for mark in marks]

    def _settle(self, sending: Sending, result: SendResult) -> None:
        """Write the result down before anything else is begun: a crash from here on leaves no
        doubt. Waits for a ledger that is away; gives up only when the process is to end."""
        settlement = Settlement(
            uid=sending.send.notification.uid,
            atom=sending.work.atom,
            fence=sending.work.prepared.locked.fence,
            state=_STATES[result.kind],
            transport=result.transport,
            provider_id=result.provider_id,
            reason=result.reason,
            message=result.message,
            code=result.code,
        )
        while True:
            try:
                self._settlements.ask(settlement)
            except LedgerUnavailable:
                if self._stop.wait(_PATIENCE):
                    return
            else:
                return

    def _settle_all(self, settlements: Sequence[Settlement]) -> Sequence[None]:
        self._ledger.settle(self._owner, settlements, self._clock.now())
        return [None] * len(settlements)

    def _deliver(self, sending: Sending) -> SendResult:
        if not self._lease.is_valid():
            # Stopped between mark and send: somebody else may own the atom by now. Said to the
            # ledger, because a mark that is left behind counts as a send in doubt.
            return self._result(
                sending, Kind.DEFERRED, Reason.INTERRUPTED, "The lease ended before the send began"
            )
        with self._metrics.timed_stage("deliver"):
            result = self._attempt(sending)
        self._metrics.count_stage(
            "deliver",
            passed=result.kind is Kind.ACCEPTED,
            held=result.kind in (Kind.DEFERRED, Kind.IN_DOUBT),
            failed=result.kind is Kind.FAILED,
        )
        return result

    def _attempt(self, sending: Sending) -> SendResult:
        try:
            return deliver(sending.send.email, sending.send.options, self._transports)
        except Exception as error:  # noqa: BLE001  # a transport's defect must not end the thread
            what = f"{type(error).__name__} in the transport"
            return self._result(sending, Kind.IN_DOUBT, Reason.INTERRUPTED, what)

    def _not_worth_sending(self, sending: Sending) -> SendResult | None:
        """A late first attempt, or a repeated one whose alarm has moved on."""
        event = sending.work.event
        age = self._clock.now() - event.timestamp / 1000
        if age > self._max_age[event.state]:
            return self._result(
                sending, Kind.EXPIRED, Reason.TOO_OLD, f"The event is {age:.0f} s old"
            )
        if sending.attempt > 1 and self._lanes.overtaken(sending.work):
            return self._result(
                sending, Kind.SUPERSEDED, Reason.STATE_MOVED_ON, "The alarm's state has moved on"
            )
        return None

    def _result(self, sending: Sending, kind: Kind, reason: Reason, message: str) -> SendResult:
        """What is said where no transport was asked, or none answered."""
        return SendResult(
            kind=kind,
            reason=reason,
            message=message,
            transport=sending.send.options.transport,
            calls=0,
        )
