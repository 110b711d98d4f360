"""Calls of a transport for sends that are marked: one for all of them, and what is refused
together again in smaller parts."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import Clock
from consumer.telemetry.metrics import Metrics
from consumer.worker.doubts import Doubt
from consumer.worker.lease import Lease
from consumer.worker.ways import Admission, Ways
from consumer.worker.work import Landed, Sending

#: Sends that went in one call, each with what became of it.
Ends = Sequence[tuple[Sending, SendResult]]


class Caller:
    """Shared by all senders."""

    def __init__(
        self,
        ways: Ways,
        lease: Lease,
        clock: Clock,
        metrics: Metrics,
        to_tracker: Callable[[Landed], None],
    ) -> None:
        self._ways = ways
        self._lease = lease
        self._clock = clock
        self._metrics = metrics
        self._to_tracker = to_tracker

    def call(self, sendings: Sequence[Sending], admission: Admission) -> Iterator[Ends]:
        """Send them: what is answered together, as soon as it is answered.

        One bad address makes Mailgun refuse a whole call: the parts of it find out which one.
        """
        if admission.instead is not None:
            for sending in sendings:
                self._tell_fallback(sending, admission)
        parts = deque([sendings])
        while parts:
            part = parts.popleft()
            ends = self._not_called(part, admission, first=part is sendings)
            if ends is None:
                ends = self._called(part, admission)
                if len(part) > 1 and ends[0][1].reason is Reason.BATCH_REFUSED:
                    parts.extendleft(reversed(self._smaller(part)))
                    continue
            self._count(ends)
            yield ends

    def _not_called(
        self, part: Sequence[Sending], admission: Admission, *, first: bool
    ) -> Ends | None:
        """Why no call is made; None: it may be."""
        if not self._lease.is_valid():
            # Stopped between mark and send: somebody else may own the atoms by now. Said to the
            # ledger, because a mark that is left behind counts as a send in doubt.
            if first:
                self._ways.unused(admission)
            why = "The lease ended before the send began"
            return [(s, s.result(Kind.DEFERRED, Reason.INTERRUPTED, why)) for s in part]
        if not first and self._ways.opens_in(admission.options, may_fall_back=False):
            why = "Meanwhile the transport closed"
            return [(s, s.result(Kind.DEFERRED, Reason.TRANSPORT_CLOSED, why)) for s in part]
        return None

    def _called(self, part: Sequence[Sending], admission: Admission) -> Ends:
        since = self._clock.now()
        with self._metrics.timed_stage("deliver"):
            results = self._results(part, admission)
        for sending, result in zip(part, results, strict=True):
            if result.kind is Kind.IN_DOUBT:
                sending.doubt = Doubt(
                    since=since, first_sent=since, transport=result.transport, told=True
                )
        return list(zip(part, results, strict=True))

    def _results(self, part: Sequence[Sending], admission: Admission) -> Sequence[SendResult]:
        try:
            return self._ways.send([sending.send.email for sending in part], admission)
        except Exception as error:  # noqa: BLE001  # a transport's defect must not end the thread
            what = f"{type(error).__name__} in the transport"
            name = admission.options.transport
            return [s.result(Kind.IN_DOUBT, Reason.INTERRUPTED, what, name) for s in part]

    def _smaller(self, part: Sequence[Sending]) -> list[Sequence[Sending]]:
        """Halves, or as many as one call may carry by now."""
        size = min((len(part) + 1) // 2, self._ways.room(part[0]).emails)
        return [part[start : start + size] for start in range(0, len(part), size)]

    def _tell_fallback(self, sending: Sending, admission: Admission) -> None:
        own, other = sending.options.transport, admission.options.transport
        result = sending.result(
            Kind.FALLBACK,
            Reason.TRANSPORT_CLOSED,
            f"{own} {admission.instead}, {other} takes it over",
            other,
        )
        self._to_tracker(Landed(sending, result))

    def _count(self, ends: Ends) -> None:
        kinds = [result.kind for _, result in ends]
        self._metrics.count_stage(
            "deliver",
            passed=kinds.count(Kind.ACCEPTED),
            held=kinds.count(Kind.DEFERRED) + kinds.count(Kind.IN_DOUBT),
            failed=kinds.count(Kind.FAILED),
        )
