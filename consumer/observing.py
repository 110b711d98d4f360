"""What happens, told to metrics, logs and health: the one place where the three meet."""

from collections.abc import Collection, Mapping
from typing import Any

from structlog.typing import FilteringBoundLogger

from consumer.adapters.kafka.gaps import TopicPartition, Verdict
from consumer.adapters.kafka.watchdog import Remedy
from consumer.domain.reasons import Kind, Reason
from consumer.ports import AccessEntry
from consumer.telemetry.health import Health
from consumer.telemetry.metrics import Metrics
from consumer.worker.work import Landed


class Observing:
    """Hooks of the adapters and the worker. Every method is quick and thread-safe."""

    def __init__(self, metrics: Metrics, log: FilteringBoundLogger) -> None:
        self._metrics = metrics
        self._log = log
        self.health = Health(("kafka", "group", "ledger"))
        self._partitions: set[TopicPartition] = set()

    def dependency(self, name: str, ok: bool, why: str = "") -> None:
        """A dependency answered or did not; a line is logged when that changes."""
        if not self.health.report(name, ok, why):
            return
        self._metrics.dependency_up.labels(name).set(ok)
        if ok:
            self._log.info("dependency.up", dependency=name)
        else:
            self._log.error("dependency.down", dependency=name, error=why)

    def readiness(self) -> tuple[bool, Mapping[str, Any]]:
        conditions = self.health.conditions()
        return self.health.ready(), {
            "partitions": [f"{topic}/{number}" for topic, number in sorted(self._partitions)],
            "dependencies": {
                name: "ok" if condition.ok else condition.why
                for name, condition in sorted(conditions.items())
            },
        }

    def called(self, entry: AccessEntry) -> None:
        """One call to a provider: the access log."""
        if entry.call == "send":
            self._metrics.transport_calls.labels(entry.transport, entry.kind).inc()
            self._metrics.transport_seconds.labels(entry.transport).observe(
                entry.milliseconds / 1000
            )
        as_it_should_be = entry.kind is Kind.ACCEPTED or entry.reason is Reason.NOT_FOUND
        log = self._log.info if as_it_should_be else self._log.warning
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
        )

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
            self.dependency(result.transport, True)
            return
        if result.reason is Reason.CONFIGURATION:
            self.dependency(result.transport, False, result.message)
        self._log.warning(
            f"send.{result.kind}",
            uid=sending.send.notification.uid,
            event_id=event.id,
            tenant=event.tenant_id,
            reason=result.reason,
            message=result.message,
            attempt=sending.attempt,
        )

    def transport(self, name: str, ok: bool, why: str) -> None:
        """A breaker closed or opened."""
        self._metrics.breaker_open.labels(name).set(not ok)
        if ok:
            self._log.info("breaker.closed", transport=name)
        else:
            self._log.error("breaker.opened", transport=name, error=why)
        self.dependency(name, ok, why)

    def looked_up(self, name: str, ok: bool, why: str) -> None:
        """A provider answered a lookup, or did not."""
        self.dependency(f"{name}_lookup", ok, why)

    def intake_stopped(self, why: str) -> None:
        """Too many dead letters: nothing more is read until a person has looked."""
        self._log.critical("intake.stopped", error=why)
        self.health.report("intake", False, why)
        self._metrics.dependency_up.labels("intake").set(0)

    # -- Kafka ---------------------------------------------------------------------------------

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
