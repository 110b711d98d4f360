"""One call of a transport, for sends that are marked."""

from collections.abc import Callable, Sequence

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

    def call(self, sendings: Sequence[Sending], admission: Admission) -> Ends:
        """Send them; never raises."""
        if not self._lease.is_valid():
            # Stopped between mark and send: somebody else may own the atoms by now. Said to the
            # ledger, because a mark that is left behind counts as a send in doubt.
            self._ways.unused(admission)
            why = "The lease ended before the send began"
            return [(s, s.result(Kind.DEFERRED, Reason.INTERRUPTED, why)) for s in sendings]
        if admission.instead is not None:
            for sending in sendings:
                self._tell_fallback(sending, admission)
        ends = self._called(sendings, admission)
        self._count(ends)
        return ends

    def _called(self, sendings: Sequence[Sending], admission: Admission) -> Ends:
        since = self._clock.now()
        with self._metrics.timed_stage("deliver"):
            results = self._results(sendings, admission)
        for sending, result in zip(sendings, results, strict=True):
            if result.kind is Kind.IN_DOUBT:
                sending.first_sent = sending.first_sent or since
                sending.doubt = Doubt(
                    since=since,
                    first_sent=sending.first_sent,
                    transport=result.transport,
                    told=True,
                )
        return list(zip(sendings, results, strict=True))

    def _results(self, sendings: Sequence[Sending], admission: Admission) -> Sequence[SendResult]:
        try:
            return self._ways.send([sending.send.email for sending in sendings], admission)
        except Exception as error:  # noqa: BLE001  # a transport's defect must not end the thread
            what = f"{type(error).__name__} in the transport"
            name = admission.options.transport
            return [s.result(Kind.IN_DOUBT, Reason.INTERRUPTED, what, name) for s in sendings]

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
