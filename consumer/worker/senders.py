"""Sender threads: take what may go in one call from the lanes, mark it, send it, settle it, hand
it on."""

import threading
from collections.abc import Callable, Mapping, Sequence

from consumer.domain.alarm import State
from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import Clock
from consumer.worker.calling import Caller, Ends
from consumer.worker.lanes import Lanes
from consumer.worker.marking import Marking
from consumer.worker.settling import Settling
from consumer.worker.ways import Admission, Ways
from consumer.worker.work import Landed, Sending

#: Seconds a sender waits for the ledger before it tries again.
_PATIENCE = 0.5
#: Seconds a sender waits for work before it looks up: work wakes it, and so does the lanes' end.
_IDLE = 10.0


class Senders:
    """A fixed number of threads between the lanes and the tracker."""

    def __init__(
        self,
        *,
        count: int,
        lanes: Lanes,
        ways: Ways,
        marking: Marking,
        caller: Caller,
        settling: Settling,
        clock: Clock,
        max_age_seconds: Mapping[State, float],
        to_tracker: Callable[[Landed], None],
    ) -> None:
        self._lanes = lanes
        self._ways = ways
        self._marking = marking
        self._caller = caller
        self._settling = settling
        self._clock = clock
        self._max_age = max_age_seconds
        self._to_tracker = to_tracker
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
            sendings = self._worth_sending(self._lanes.take(_IDLE))
            if sendings:
                self._send(sendings)

    def _send(self, sendings: Sequence[Sending]) -> None:
        """Send what goes in one call."""
        first = sendings[0]
        admission = self._ways.admit(
            first.options, may_fall_back=first.may_fall_back, tried=first.tries > 0
        )
        if admission.wait > 0:
            # Nothing is marked or told for a call that is not made.
            self._lanes.landed(len(sendings))
            for sending in sendings:
                self._lanes.retry(sending, admission.wait)
            return
        if len(sendings) > 1 and not self._carries_many(admission):
            self._lanes.put_back(sendings[1:])
            sendings = sendings[:1]
        ours = self._marked(sendings, admission)
        if not ours:
            self._ways.unused(admission)
            return
        ends = self._caller.call(ours, admission)
        if len(ours) > 1 and ends[0][1].reason is Reason.BATCH_REFUSED:
            self._divide(ends, self._ways.limit(admission.options.transport))
            return
        for sending in ours:
            sending.tries += 1
        self._land(ends)

    def _divide(self, ends: Ends, at_most: int) -> None:
        """Refused together, for their number or maybe for one bad address: whoever is free sends
        them in smaller calls.

        Nothing is told of it: nothing was accepted, and no email is to blame so far. The ledger
        is: what waits is not under way.
        """
        counts = self._settling.settle_all(ends)
        ours = [sending for (sending, _), counted in zip(ends, counts, strict=True) if counted]
        lost = [sending for (sending, _), counted in zip(ends, counts, strict=True) if not counted]
        self._hand_on([Landed(sending, None) for sending in lost])
        if at_most < len(ends):
            # The transport has learned: no call is as large from now on.
            self._lanes.put_back(ours)
            return
        size = (len(ends) + 1) // 2
        for start in range(0, len(ours), size):
            part, token = ours[start : start + size], object()
            for sending in part:
                sending.part = token
            self._lanes.put_back(part)

    def _carries_many(self, admission: Admission) -> bool:
        """Between taking and admission the transport may have begun to fail."""
        return not admission.probe and admission.instead is None

    def _marked(self, sendings: Sequence[Sending], admission: Admission) -> Sequence[Sending]:
        """Those that are still ours, marked; the others are handed on, or back."""
        marked = self._marking.mark(sendings, admission.options.transport)
        if marked is None:
            self._lanes.put_back(sendings)
            self._stop.wait(_PATIENCE)
            return []
        refused = [sending for sending, ours in zip(sendings, marked, strict=True) if not ours]
        self._hand_on([Landed(sending, None) for sending in refused])
        return [sending for sending, ours in zip(sendings, marked, strict=True) if ours]

    def _land(self, ends: Ends) -> None:
        counts = self._settling.settle_all(ends)
        self._hand_on(
            [
                Landed(sending, result if counted else None)
                for (sending, result), counted in zip(ends, counts, strict=True)
            ]
        )

    def _hand_on(self, landed: Sequence[Landed]) -> None:
        self._lanes.landed(len(landed))
        for each in landed:
            self._to_tracker(each)

    def _worth_sending(self, sendings: Sequence[Sending]) -> Sequence[Sending]:
        """Without those that end here."""
        ends = [
            (sending, result)
            for sending in sendings
            if (result := self._not_worth_sending(sending)) is not None
        ]
        if not ends:
            return sendings
        self._land(ends)
        ended = {id(sending) for sending, _ in ends}
        return [sending for sending in sendings if id(sending) not in ended]

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
