"""What the door does, told to metrics and logs."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter
from structlog.typing import FilteringBoundLogger

from consumer.ingest.credentials import STRANGER
from consumer.ingest.door import Answer
from consumer.ingest.reading import Door
from consumer.telemetry.metrics import Metrics

_STATUSES: Final = (200, 400, 401, 408, 413, 415, 429, 500, 503)


class IngestObserving:
    """Hooks of the door. Every method is quick and thread-safe."""

    def __init__(self, metrics: Metrics, log: FilteringBoundLogger, clients: Iterable[str]) -> None:
        self._log = log
        self._answers = Counter(
            "messenger_ingest_answers",
            "Answers to requests, by door and status.",
            ["door", "status"],
            registry=metrics.registry,
        )
        self._events = Counter(
            "messenger_ingest_events",
            "Events that Kafka acknowledged, by door and client.",
            ["door", "client"],
            registry=metrics.registry,
        )
        self._refused = Counter(
            "messenger_ingest_refused",
            "Events and alerts that could not be read, by door and client.",
            ["door", "client"],
            registry=metrics.registry,
        )
        self._left_out = Counter(
            "messenger_ingest_left_out",
            "Alerts that a sender said it left out of its message, by door and client.",
            ["door", "client"],
            registry=metrics.registry,
        )
        for door in Door:
            for status in _STATUSES:
                self._answers.labels(door, str(status))
            for client in clients:
                for counter in (self._events, self._refused, self._left_out):
                    counter.labels(door, client)

    def answered(self, door: Door, client: str, answer: Answer) -> None:
        """A request has its answer."""
        self._answers.labels(door, str(answer.status)).inc()
        if client != STRANGER:
            self._events.labels(door, client).inc(answer.taken)
            self._refused.labels(door, client).inc(answer.refused)
            self._left_out.labels(door, client).inc(answer.left_out)
        elif answer.status == 429:
            return  # or the log would be what is flooded
        log = self._log.bind(door=door.value, client=client, taken=answer.taken)
        if answer.status != 200 or answer.refused:
            log.warning("ingest.refused", status=answer.status, why=answer.said)
        else:
            log.debug("ingest.taken")
        if answer.left_out:
            log.warning("ingest.left_out", alerts=answer.left_out)
