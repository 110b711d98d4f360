"""The composition root: settings in, a running consumer process out.

Starts and stops in a fixed order, can be built twice in one process (each with its own metrics
registry and port 0), and is the only place that knows both the core and its adapters.
"""

import os
import secrets
import socket
import threading
from collections.abc import Mapping

from consumer.adapters.catalog import open_catalog
from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.sink import KafkaSink
from consumer.adapters.kafka.source import KafkaSource
from consumer.adapters.ledger import open_ledger, upgrade
from consumer.domain.errors import DependencyError, LedgerUnavailable
from consumer.observing import Observing
from consumer.pipeline.pipeline import Pipeline
from consumer.ports import Catalog, Ledger, Transport
from consumer.settings import Settings
from consumer.telemetry.health import alive
from consumer.telemetry.http import TelemetryServer
from consumer.telemetry.logs import get_logger
from consumer.telemetry.metrics import Metrics
from consumer.wiring import kafka_settings, make_mailgun, make_renderer, pipeline_rules
from consumer.worker.atoms import Atoms
from consumer.worker.backpressure import Limits
from consumer.worker.housekeeping import Housekeeping
from consumer.worker.intake import Intake
from consumer.worker.lanes import Lanes
from consumer.worker.lease import Lease
from consumer.worker.loop import PollLoop
from consumer.worker.measured import MeasuredCatalog, MeasuredLedger
from consumer.worker.offsets import Offsets
from consumer.worker.outbox import Outbox
from consumer.worker.senders import Senders
from consumer.worker.threads import watch_threads
from consumer.worker.tracker import Tracker

#: A poll loop that did not turn for this long is taken for dead (seconds).
_TURN_LIMIT = 60.0
_DAY_SECONDS = 86_400


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
        self.observing = Observing(self.metrics, self._log)
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
                return self._serve(ledger, catalog) and not self._broken
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
        url = self._settings.ledger.url.get_secret_value()
        if url.startswith("sqlite"):
            # The embedded ledger is nobody's but ours: no separate step for its schema.
            upgrade(url)
        ledger = open_ledger(url, pool_size=4)
        return MeasuredLedger(
            ledger, self.metrics, lambda ok, why: self.observing.dependency("ledger", ok, why)
        )

    def _serve(self, ledger: Ledger, catalog: Catalog) -> bool:
        given = self._settings
        transports = self._transports()
        sink = KafkaSink(kafka_settings(given.kafka, self.worker))
        lease = Lease(
            ledger,
            self.owner,
            self._clock,
            given.ledger.lease_seconds,
            lambda ok, why: self.observing.dependency("ledger", ok, why),
        )
        tracker = Tracker(
            owner=self.owner,
            worker=self.worker,
            ledger=ledger,
            outbox=Outbox(sink, given.kafka.tracking_topic, given.kafka.dead_letter_topic),
            clock=self._clock,
            metrics=self.metrics,
            on_result=self.observing.landed,
            on_broker=lambda ok, why: self.observing.dependency("kafka_producer", ok, why),
        )
        lanes = Lanes(self._clock, tracker.put)
        senders = Senders(
            count=given.delivery.senders,
            owner=self.owner,
            lanes=lanes,
            lease=lease,
            ledger=ledger,
            transports=transports,
            clock=self._clock,
            metrics=self.metrics,
            max_age_seconds=given.delivery.max_age_seconds.by_state(),
            to_tracker=tracker.put,
        )
        loop = self._loop(ledger, catalog, lanes, tracker)
        source = KafkaSource(
            kafka_settings(given.kafka, self.worker),
            given.kafka.events_topics,
            assignment=loop,
            observer=self.observing,
            clock=self._clock,
            revoke_limit_seconds=given.delivery.revoke_seconds,
            stall_seconds=given.kafka.stall_seconds,
        )
        self._turned_at = lambda: loop.turned_at
        self._wait_for_lease(lease)
        tracker.start(lanes)
        senders.start()
        self._log.info("app.started", owner=self.owner, topics=given.kafka.events_topics)
        housekeeping = Housekeeping(ledger, self._clock, given.ledger.retention_days * _DAY_SECONDS)
        housekeeping.start()
        loop.run(source, self.stop)
        housekeeping.stop()
        return self._shut_down(
            loop, source, lanes, senders, tracker, lease, ledger, sink, transports
        )

    def _wait_for_lease(self, lease: Lease) -> None:
        while not self.stop.is_set():
            try:
                lease.start()
            except LedgerUnavailable as error:
                self.observing.dependency("ledger", False, str(error))
                self._clock.wait(2.0)
            else:
                return

    def _loop(self, ledger: Ledger, catalog: Catalog, lanes: Lanes, tracker: Tracker) -> PollLoop:
        given = self._settings
        atoms, offsets = Atoms(), Offsets()
        pipeline = Pipeline(
            owner=self.owner,
            ledger=ledger,
            catalog=catalog,
            renderer=make_renderer(given),
            clock=self._clock,
            metrics=self.metrics,
            rules=pipeline_rules(given),
        )
        intake = Intake(
            worker=self.worker,
            pipeline=pipeline,
            atoms=atoms,
            lanes=lanes,
            offsets=offsets,
            tracker=tracker,
            clock=self._clock,
        )
        return PollLoop(
            owner=self.owner,
            intake=intake,
            lanes=lanes,
            atoms=atoms,
            offsets=offsets,
            ledger=ledger,
            clock=self._clock,
            metrics=self.metrics,
            limits=Limits(
                max_events=given.delivery.max_waiting_events,
                max_bytes=int(given.delivery.max_waiting_megabytes * 1024 * 1024),
            ),
            on_kafka=lambda ok, why: self.observing.dependency("kafka", ok, why),
        )

    def _transports(self) -> dict[str, Transport]:
        return {"mailgun": make_mailgun(self._settings, self._clock, self.observing.called)}

    def _shut_down(
        self,
        loop: PollLoop,
        source: KafkaSource,
        lanes: Lanes,
        senders: Senders,
        tracker: Tracker,
        lease: Lease,
        ledger: Ledger,
        sink: KafkaSink,
        transports: Mapping[str, Transport],
    ) -> bool:
        """Intake has stopped. Finish, flush, commit, leave; each step with a limit."""
        limit = self._settings.delivery.shutdown_seconds
        self._log.info("app.stopping", events_waiting=lanes.events, in_flight=lanes.in_flight)
        finished = loop.drain(source, limit)
        lanes.close()
        senders.stop(1.0 if finished else 0.0)
        finished = tracker.stop(5.0) and finished
        source.close()
        lease.stop()
        if finished:
            # Otherwise the lease runs out by itself, and what is under way stays ours till then.
            try:
                ledger.release_all(self.owner)
            except DependencyError as error:
                self._log.warning("ledger.release_failed", error=str(error))
        sink.close(2.0)
        for transport in transports.values():
            transport.close()
        self._log.info("app.stopped", finished=finished)
        return finished
