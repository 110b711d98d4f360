"""`messenger feedback` as a process: ledger, telemetry, receiver, poller, until it is stopped."""

import os
import secrets
import socket
import threading

from consumer.adapters.clock import SystemClock
from consumer.adapters.ledger import SqlLedger
from consumer.domain.errors import LedgerUnavailable
from consumer.feedback.observing import FeedbackObserving
from consumer.feedback.service import Feedback
from consumer.observing import Observing
from consumer.settings import Settings
from consumer.telemetry.health import Health
from consumer.telemetry.http import TelemetryServer
from consumer.telemetry.logs import get_logger
from consumer.telemetry.metrics import Metrics
from consumer.wiring import open_own_ledger
from consumer.worker.measured import MeasuredLedger
from consumer.worker.threads import watch_threads

#: Seconds between two tries of a ledger that is away at the start.
_TRY_AGAIN = 2.0


class FeedbackProcess:
    """`run` blocks until `stop` is set and everything has ended."""

    def __init__(
        self, settings: Settings, *, webhooks: bool, poll: bool, worker: str | None = None
    ) -> None:
        self._settings = settings
        self._webhooks = webhooks
        self._poll = poll
        self._worker = worker or f"{socket.gethostname()}-{os.getpid()}"
        self._owner = f"{self._worker}-{secrets.token_hex(4)}"
        self.stop = threading.Event()
        #: A thread ended by a defect.
        self._broken = False
        self._clock = SystemClock(self.stop)
        self._metrics = Metrics()
        self._log = get_logger(worker=self._worker)
        self._observing = Observing(self._metrics, self._log)
        # It is in no consumer group, and hears of Kafka with the first report.
        self._observing.health = Health(("ledger",))

    def run(self) -> bool:
        """False: a thread ended by a defect. Raises SettingsError."""
        watch_threads(self._thread_died)
        telemetry = self._start_telemetry()
        try:
            ledger = self._open_ledger()
            if ledger is not None:
                self._serve(ledger)
        finally:
            if telemetry is not None:
                telemetry.stop()
        return not self._broken

    def _thread_died(self, name: str, error: BaseException) -> None:
        self._broken = True
        self._log.critical("thread.died", thread=name, exc_info=error)
        self.stop.set()

    def _start_telemetry(self) -> TelemetryServer | None:
        given = self._settings.telemetry
        if not given.enabled:
            return None
        server = TelemetryServer(
            given.host,
            self._settings.feedback.telemetry_port,
            registry=self._metrics.registry,
            is_alive=lambda: not self._broken,
            readiness=self._observing.readiness,
        )
        server.start()
        self._log.info("telemetry.listening", address=server.address)
        return server

    def _open_ledger(self) -> SqlLedger | None:
        """Waits for one that is away; None: asked to stop meanwhile."""
        while not self.stop.is_set():
            try:
                ledger = open_own_ledger(self._settings)
            except LedgerUnavailable as error:
                self._observing.dependency("ledger", False, str(error))
                self._clock.wait(_TRY_AGAIN)
            else:
                self._observing.dependency("ledger", True)
                return ledger
        return None

    def _serve(self, ledger: SqlLedger) -> None:
        on_ledger = self._observing.dependency
        try:
            feedback = Feedback(
                self._settings,
                worker=self._worker,
                owner=self._owner,
                ledger=MeasuredLedger(
                    ledger, self._metrics, lambda ok, why: on_ledger("ledger", ok, why)
                ),
                store=ledger.feedback,
                suppressions=ledger.suppressions,
                clock=self._clock,
                observing=FeedbackObserving(self._metrics, self._log, self._observing.dependency),
                log=self._log,
                webhooks=self._webhooks,
                poll=self._poll,
            )
            with feedback:
                self._log.info("feedback.started", webhooks=self._webhooks, poll=self._poll)
                self.stop.wait()
            self._log.info("feedback.stopped")
        finally:
            ledger.close()
