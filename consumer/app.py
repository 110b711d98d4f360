"""The composition root: settings in, a running consumer process out.

Starts and stops in a fixed order, can be built twice in one process (each with its own metrics
registry and port 0), and is the only place that knows both the core and its adapters.
"""

import os
import secrets
import socket
import threading
from contextlib import AbstractContextManager, nullcontext

from consumer.adapters.catalog import open_catalog
from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.sink import KafkaSink
from consumer.adapters.kafka.source import KafkaSource
from consumer.domain.errors import LedgerUnavailable
from consumer.feedback.observing import FeedbackObserving
from consumer.feedback.service import Feedback
from consumer.observing import Observing
from consumer.pipeline.limits import Limits
from consumer.pipeline.pipeline import Pipeline
from consumer.ports import Catalog, Ledger, RecordSink
from consumer.rollout.observing import RolloutObserving
from consumer.rollout.service import Rollout
from consumer.settings import Settings
from consumer.telemetry.health import alive
from consumer.telemetry.http import TelemetryServer
from consumer.telemetry.logs import get_logger
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.readiness import Carriers
from consumer.wiring import (
    accounts,
    carriers,
    kafka_settings,
    limit_rules,
    make_lookups,
    make_renderer,
    make_transports,
    open_own_ledger,
    pipeline_rules,
    reporting,
    suppressed_by,
    worker_rules,
)
from consumer.worker.measured import MeasuredCatalog, MeasuredLedger
from consumer.worker.summaries import Summaries
from consumer.worker.threads import watch_threads
from consumer.worker.worker import Worker

#: A poll loop that did not turn for this long is taken for dead (seconds).
_TURN_LIMIT = 60.0


class App:
    """One consumer process. `run` blocks until `stop` is set and everything has ended."""

    def __init__(self, settings: Settings, *, worker: str | None = None) -> None:
        self._settings = settings
        self.worker = worker or f"{socket.gethostname()}-{os.getpid()}"
        #: A restarted process is another owner: what its predecessor left is in doubt.
        self.owner = f"{self.worker}-{secrets.token_hex(4)}"
        self.stop = threading.Event()
        #: A thread ended by a defect.
        self._broken = False
        self.metrics = Metrics()
        self._log = get_logger(worker=self.worker)
        self.observing = Observing(
            self.metrics,
            self._log,
            Carriers(carriers(settings), settings.delivery.fallback_after_seconds),
        )
        self._clock = SystemClock(self.stop)

    def run(self) -> bool:
        """Serve until `stop` is set; True when everything under way was finished in time.

        Raises SettingsError, and DependencyError only when asked to stop before the start.
        """
        watch_threads(self._thread_died)
        telemetry = self._start_telemetry()
        try:
            ledger, catalog = self._open_stores()
            try:
                with self._feedback(ledger), self._rollout() as rollout:
                    return self._serve(ledger, catalog, rollout) and not self._broken
            finally:
                catalog.close()
                ledger.close()
        finally:
            if telemetry is not None:
                telemetry.stop()

    def _thread_died(self, name: str, error: BaseException) -> None:
        """A defect: stop, so that a supervisor starts a process that is whole."""
        self._broken = True
        self._log.critical("thread.died", thread=name, exc_info=error)
        self.stop.set()

    # -- the parts ----------------------------------------------------------------------------

    def _start_telemetry(self) -> TelemetryServer | None:
        self._turned_at = self._clock.monotonic
        given = self._settings.telemetry
        if not given.enabled:
            return None
        server = TelemetryServer(
            given.host,
            given.port,
            registry=self.metrics.registry,
            is_alive=lambda: alive(self._clock.monotonic(), self._turned_at(), _TURN_LIMIT),
            readiness=self.observing.readiness,
        )
        server.start()
        self._log.info("telemetry.listening", address=server.address)
        return server

    def _open_stores(self) -> tuple[Ledger, Catalog]:
        """Ledger and catalog; waits for a ledger that is away, as for any dependency."""
        catalog = open_catalog(
            self._settings.catalog.url.get_secret_value(),
            clock=self._clock,
            max_age_seconds=self._settings.catalog.max_age_seconds,
            stale_seconds=self._settings.catalog.stale_seconds,
        )
        while True:
            try:
                return self._open_ledger(), MeasuredCatalog(
                    catalog,
                    self.metrics,
                    lambda ok, why: self.observing.dependency("catalog", ok, why),
                )
            except LedgerUnavailable as error:
                self.observing.dependency("ledger", False, str(error))
                self._clock.wait(2.0)
                if self.stop.is_set():
                    catalog.close()
                    raise

    def _open_ledger(self) -> Ledger:
        ledger = open_own_ledger(self._settings, self.observing.clock_differs)
        self._stores = ledger
        return MeasuredLedger(
            ledger, self.metrics, lambda ok, why: self.observing.dependency("ledger", ok, why)
        )

    def _feedback(self, ledger: Ledger) -> AbstractContextManager[object]:
        """Reports are heard and asked for in this process, or in one of their own."""
        given = self._settings.feedback
        if not given.in_run:
            return nullcontext()
        return Feedback(
            self._settings,
            worker=self.worker,
            owner=self.owner,
            ledger=ledger,
            store=self._stores.feedback,
            suppressions=self._stores.suppressions,
            clock=self._clock,
            observing=FeedbackObserving(self.metrics, self._log, self.observing.dependency),
            log=self._log,
            webhooks=given.webhooks,
            poll=given.poll,
        )

    def _rollout(self) -> Rollout:
        """Routes as they were set last, whatever the settings file said at the start."""
        return Rollout(
            self._settings,
            owner=self.owner,
            worker=self.worker,
            store=self._stores.rollout,
            turns=self._stores.feedback,
            clock=self._clock,
            observing=RolloutObserving(self.metrics, self._log, self.observing.dependency),
            stop=self.stop,
        )

    def _serve(self, ledger: Ledger, catalog: Catalog, rollout: Rollout) -> bool:
        given = self._settings
        sink = KafkaSink(kafka_settings(given.kafka, self.worker), flushed=True)
        worker = Worker(
            owner=self.owner,
            name=self.worker,
            rules=worker_rules(given),
            pipeline=Pipeline(
                owner=self.owner,
                ledger=ledger,
                catalog=catalog,
                renderer=make_renderer(given),
                clock=self._clock,
                metrics=self.metrics,
                rules=pipeline_rules(given),
                find_suppressed=suppressed_by(given, self._stores),
                limits=Limits(self._stores.limits, limit_rules(given), self._clock),
                routes=rollout.routes,
            ),
            ledger=ledger,
            transports=make_transports(given, self._clock, self.observing.called),
            lookups=make_lookups(given, self._clock, self.observing.called),
            accounts=accounts(given),
            sink=sink,
            clock=self._clock,
            metrics=self.metrics,
            observer=self.observing,
            remember=self._stores.problems.remember,
            summaries=self._summaries(sink),
        )
        source = KafkaSource(
            kafka_settings(given.kafka, self.worker),
            given.kafka.events_topics,
            assignment=worker.loop,
            observer=self.observing,
            clock=self._clock,
            revoke_limit_seconds=given.delivery.revoke_seconds,
            stall_seconds=given.kafka.stall_seconds,
        )
        self._turned_at = lambda: worker.loop.turned_at
        self.observing.in_doubt = lambda: worker.doubts
        self.observing.waiting = lambda: worker.lanes.waiting
        finished = worker.serve(source, self.stop, self._tell_started)
        self.observing.stopped(finished, worker.lanes.events)
        return finished

    def _summaries(self, sink: RecordSink) -> Summaries | None:
        """Also without a limit: what was held back before it was taken away is still owed."""
        topic = self._settings.kafka.own_format_topic
        if topic is None:
            return None
        return Summaries(
            self._stores.limits, sink, topic, self._clock, self.observing.summaries_due
        )

    def _tell_started(self) -> None:
        given = self._settings
        self._log.info("app.started", owner=self.owner, topics=given.kafka.events_topics)
        if given.mailgun.lookup_key is None:
            self._log.warning(
                "mailgun.no_lookup_key",
                effect="a send whose answer is lost cannot be looked up: it is "
                + ("held" if given.delivery.doubt_policy == "hold" else "sent again")
                + (" after its time, unless a webhook tells of it" if reporting(given) else ""),
                remedy="give mailgun.lookup_key, a key that may read events",
            )
