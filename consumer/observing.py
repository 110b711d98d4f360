"""What happens, told to metrics, logs and health: the one place where the three meet."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from structlog.typing import FilteringBoundLogger

from consumer.adapters.kafka.gaps import TopicPartition, Verdict
from consumer.adapters.kafka.watchdog import Remedy
from consumer.domain.rate_limit import Owed
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import DeadLetter
from consumer.ports import AccessEntry
from consumer.telemetry.health import LOOKUP, Health, is_fine
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.readiness import Carriers, Load, readiness
from consumer.worker.work import Landed

_REDRIVE: Final = "it is a dead letter: mend the cause, then `messenger dead-letters redrive`"
#: What happens while a dependency is away.
_EFFECTS: Final = {
    "kafka": "nothing new is read; it goes on by itself",
    "kafka_producer": "tracking records and dead letters wait; it goes on by itself",
    "ledger": "nothing new is sent; emails wait, and it goes on by itself",
    "lease": "nothing new is sent; emails wait, and it goes on by itself",
    "catalog": "old answers serve while they may, then emails wait; it goes on by itself",
}
_LOOKUP_EFFECT: Final = "sends in doubt wait; it goes on by itself"
_CHECK: Final = "check its key or password, domain and address"


class Observing:
    """Hooks of the adapters and the worker. Every method is quick and thread-safe."""

    def __init__(
        self,
        metrics: Metrics,
        log: FilteringBoundLogger,
        carriers: Carriers | None = None,
    ) -> None:
        self._metrics = metrics
        self._log = log
        self._carriers = carriers or Carriers()
        self.health = Health(("kafka", "group", "ledger"))
        #: How many sends are in doubt.
        self.in_doubt: Callable[[], int] = lambda: 0
        #: How many sends wait for a sender, or for their time.
        self.waiting: Callable[[], int] = lambda: 0
        self._partitions: set[TopicPartition] = set()
        #: Held while it is decided whether a transport is up: its breaker and its results are
        #: told by different threads.
        self._lock = threading.Lock()
        #: Transports whose breaker is open.
        self._left_alone: set[str] = set()
        #: Seconds for which transports were asked to wait, while they do.
        self._asked_to_wait: dict[str, float] = {}

    def dependency(self, name: str, ok: bool, why: str = "", **told: str) -> None:
        """A dependency answered or did not; a line is logged when that changes.

        `told`: what else its line says when it is away.
        """
        if not self.health.report(name, ok, why):
            return
        self._metrics.dependency_up.labels(name).set(ok)
        if ok:
            self._log.info("dependency.up", dependency=name)
        else:
            effect = _LOOKUP_EFFECT if name.endswith(LOOKUP) else _EFFECTS.get(name)
            told = ({} if effect is None else {"effect": effect}) | told
            self._log.error("dependency.down", dependency=name, error=why, **told)

    def readiness(self) -> tuple[bool, Mapping[str, Any]]:
        ready, told = readiness(
            self.health.conditions(),
            dict(self._asked_to_wait),
            self._carriers,
            Load(in_doubt=self.in_doubt(), waiting=self.waiting()),
        )
        return ready, {
            "partitions": [f"{topic}/{number}" for topic, number in sorted(self._partitions)],
            "dependencies": told,
        }

    def called(self, entry: AccessEntry) -> None:
        """One call to a provider: the access log."""
        if entry.call == "send":
            self._metrics.count_call(entry.transport, entry.kind, entry.milliseconds / 1000)
        log = self._log.info if entry.kind is Kind.ACCEPTED else self._log.warning
        if entry.reason is Reason.NOT_FOUND:
            # Asked again and again until it is found or its time is over: no news.
            log = self._log.debug
        log(
            "transport.call",
            transport=entry.transport,
            call=entry.call,
            domain=entry.domain,
            uid=entry.uid,
            message_id=entry.message_id,
            outcome=entry.kind,
            reason=entry.reason,
            status=entry.status,
            milliseconds=round(entry.milliseconds, 1),
            emails=entry.emails,
        )

    def summaries_due(self, owed: Sequence[Owed]) -> None:
        """What was held back from some recipients is to be told."""
        for each in owed:
            self._log.info("summary.due", event_id=each.id, tenant=each.tenant_id)

    def landed(self, landed: Landed, now: float) -> None:
        """One attempt has its result, tracked and settled."""
        sending, result = landed.sending, landed.result
        event = sending.work.event
        if result is None:
            self._log.warning("send.refused", uid=sending.send.notification.uid, atom=event.atom)
            return
        if result.kind is Kind.ACCEPTED:
            age = now - (sending.work.record.timestamp or event.timestamp) / 1000
            self._metrics.acceptance_seconds.observe(max(0.0, age))
            self._accepted_by(result.transport)
            return
        if result.reason is Reason.CONFIGURATION:
            self.dependency(
                result.transport, False, result.message, effect="emails wait", remedy=_CHECK
            )
        told = {
            "uid": sending.send.notification.uid,
            "event_id": event.id,
            "tenant": event.tenant_id,
            "reason": result.reason,
            "message": result.message,
            "attempt": sending.attempt,
        }
        if landed.is_final and result.kind is not Kind.SUPERSEDED:
            self._log.error(f"send.{result.kind}", **told, remedy=_REDRIVE)
        else:
            self._log.warning(f"send.{result.kind}", **told)

    def dead_letter(self, letter: DeadLetter) -> None:
        """Kafka has a dead letter."""
        self._log.error(
            "dead_letter.written",
            record="/".join(map(str, letter.record.position)),
            reason=letter.reason,
            error=letter.error,
            destinations=len(letter.undelivered),
            remedy=_REDRIVE,
        )

    def transport(self, name: str, ok: bool, why: str) -> None:
        """A breaker closed or opened."""
        with self._lock:
            (self._left_alone.discard if ok else self._left_alone.add)(name)
            self.health.report(name, ok, why)
        self._metrics.breaker_open.labels(name).set(not ok)
        self._metrics.dependency_up.labels(name).set(ok)
        if ok:
            self._log.info("dependency.up", dependency=name)
            return
        carrier = self._carriers.of.get(name)
        carried = carrier is not None and is_fine(self.health.conditions(), carrier)
        self._log.error(
            "dependency.down",
            dependency=name,
            error=why,
            effect=f"left alone but for one probe at a time; "
            f"{f'{carrier} carries the emails' if carried else 'emails wait'}",
            remedy=f"none when it comes back by itself; if it refuses us, {_CHECK}",
        )

    def gate(self, name: str, account: str, seconds: float, waiting: int) -> None:
        """A provider asked us to wait so long; 0: the wait is over. `waiting`: sends that wait."""
        if seconds:
            self._asked_to_wait[name] = seconds
            told, log = "gate.closed", self._log.warning
        else:
            self._asked_to_wait.pop(name, None)
            told, log = "gate.opened", self._log.info
        log(told, transport=name, account=account, seconds=round(seconds, 1), waiting=waiting)

    def _accepted_by(self, name: str) -> None:
        """Told late: what was accepted before its breaker opened does not say that it is back."""
        with self._lock:
            if name not in self._left_alone:
                self.dependency(name, True)

    def looked_up(self, name: str, ok: bool, why: str) -> None:
        """A provider answered a lookup, or did not."""
        self.dependency(f"{name}{LOOKUP}", ok, why)

    def intake_stopped(self, why: str) -> None:
        """Too many dead letters: nothing more is read until a person has looked."""
        self._log.critical("intake.stopped", error=why)
        self.health.report("intake", False, why)
        self._metrics.dependency_up.labels("intake").set(0)

    def stopped(self, finished: bool, left: int) -> None:
        """The process has ended; `left`: how many events were still under way."""
        if finished:
            self._log.info("app.stopped", finished=True)
            return
        self._log.warning(
            "app.stopped",
            finished=False,
            left=left,
            effect="the next process reads what is left again, and takes it up when our lease is "
            "over",
        )

    def clock_differs(self, ahead: float) -> None:
        """This process's clock and the ledger database's disagree, by other seconds than before."""
        if ahead:
            self._log.warning(
                "clock.differs",
                seconds_ahead=round(ahead, 1),
                effect="times in mails, tracking and age limits are off; leases are not",
                remedy="keep the clocks of this machine and of the ledger's database in step",
            )
        else:
            self._log.info("clock.agrees")

    # -- Kafka ---------------------------------------------------------------------------------

    def answered(self) -> None:
        """A broker answered. Nothing else ends an outage of Kafka."""
        self.dependency("kafka", True)

    def joined(self, ok: bool, why: str) -> None:
        """The member has its place in the group, or waits for it for too long."""
        self.dependency("group", ok, why)

    def rebalanced(self, what: str, partitions: Collection[TopicPartition]) -> None:
        self._metrics.rebalances.labels(what).inc(len(partitions))
        if what == "assigned":
            self._partitions |= set(partitions)
        else:
            self._partitions -= set(partitions)
        self._log.info(f"partitions.{what}", partitions=[f"{t}/{p}" for t, p in partitions])

    def gap(self, partition: TopicPartition, verdict: Verdict, missing: int) -> None:
        self._metrics.gaps.labels(verdict).inc()
        log = self._log.debug if verdict is Verdict.BELIEVED else self._log.error
        topic, number = partition
        log(f"offsets.gap_{verdict}", partition=f"{topic}/{number}", missing=missing)

    def stalled(self, partition: TopicPartition, remedy: Remedy, position: int) -> None:
        self._metrics.stalls.labels(remedy).inc()
        topic, number = partition
        self._log.error(
            "partition.stalled", partition=f"{topic}/{number}", position=position, remedy=remedy
        )

    def lag(self, lags: Mapping[TopicPartition, int]) -> None:
        for (topic, partition), lag in lags.items():
            self._metrics.lag.labels(topic, str(partition)).set(lag)
