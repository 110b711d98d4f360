"""`messenger ingest` as a process: telemetry, a writer, the door, until it is stopped."""

import os
import socket
import threading

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.client_quirks import ensure_reachable
from consumer.adapters.kafka.sink import KafkaSink
from consumer.adapters.kafka.topics import missing_topics
from consumer.adapters.network import plain
from consumer.adapters.web_server import WebServer
from consumer.domain.errors import BrokerUnavailable, SettingsError
from consumer.ingest.credentials import STRANGER, Credentials, Proofs
from consumer.ingest.door import Doors
from consumer.ingest.observing import IngestObserving
from consumer.ingest.rates import Rates
from consumer.ingest.reading import Door
from consumer.ingest.watch import KafkaWatch
from consumer.ingest.writer import Writer
from consumer.observing import Observing
from consumer.settings import Ingest, Settings
from consumer.telemetry.health import Health
from consumer.telemetry.http import TelemetryServer
from consumer.telemetry.logs import get_logger
from consumer.telemetry.metrics import Metrics
from consumer.wiring import kafka_settings, receive_settings
from consumer.worker.threads import watch_threads

_KAFKA = "kafka_producer"
_EFFECT = "nothing is taken, senders are told to come again; it goes on by itself"
#: Seconds for the last records; whatever was answered with 200 is acknowledged long before.
_CLOSE_SECONDS = 5.0


class IngestProcess:
    """`run` blocks until `stop` is set and everything has ended."""

    def __init__(self, settings: Settings, topic: str, *, worker: str | None = None) -> None:
        """`topic`: of events in our own format."""
        self._settings = settings
        self._topic = topic
        worker = worker or f"{socket.gethostname()}-{os.getpid()}"
        self.stop = threading.Event()
        #: A thread ended by a defect.
        self._broken = False
        self._clock = SystemClock(self.stop)
        self._metrics = Metrics()
        self._log = get_logger(worker=worker)
        self._observing = Observing(self._metrics, self._log)
        self._observing.health = Health((_KAFKA,))
        self._kafka = kafka_settings(settings.kafka, f"{worker}-ingest")
        self._writer = Writer(KafkaSink(self._kafka), topic, on_state=self._kafka_is)

    def run(self) -> bool:
        """False: a thread ended by a defect. Raises SettingsError for ports that are taken."""
        watch_threads(self._thread_died)
        server = self._make_server()
        try:
            telemetry = self._start_telemetry()
        except BaseException:
            server.stop()
            raise
        watch = KafkaWatch(
            self._writer, glance=lambda: ensure_reachable(self._kafka), look=self._look
        )
        try:
            watch.start()
            server.start()
            for door in Door:
                self._log.info("ingest.listening", address=f"{server.address}/{door}")
            self.stop.wait()
        finally:
            # First: whoever is answered meanwhile needs the writer.
            server.stop()
            watch.stop()
            self._writer.close(_CLOSE_SECONDS)
            if telemetry is not None:
                telemetry.stop()
        self._log.info("ingest.stopped")
        return not self._broken

    def _thread_died(self, name: str, error: BaseException) -> None:
        self._broken = True
        self._log.critical("thread.died", thread=name, exc_info=error)
        self.stop.set()

    def _kafka_is(self, ok: bool, why: str) -> None:
        self._observing.dependency(_KAFKA, ok, why, effect=_EFFECT)

    def _look(self) -> None:
        """Whether the topic is there, and so Kafka."""
        if missing_topics(self._kafka, [self._topic]):
            raise BrokerUnavailable(
                f"topic {self._topic} does not exist; `messenger topics create` makes it"
            )

    def _make_server(self) -> WebServer:
        given = self._settings.ingest
        doors = Doors(
            credentials=Credentials(_proofs(given)),
            rates=Rates(
                [*given.clients, STRANGER],
                per_second=given.requests_per_second,
                burst=given.burst,
                clock=self._clock,
            ),
            writer=self._writer,
            clock=self._clock,
            mappings=receive_settings(self._settings.kafka).mappings_on(self._topic),
            max_body_bytes=given.max_body_bytes,
            on_answer=IngestObserving(self._metrics, self._log, given.clients).answered,
        )
        try:
            return WebServer(doors.app, given.host, given.port, name="ingest")
        except OSError as error:
            raise SettingsError(
                [
                    f"[ingest] port: cannot listen on {given.host}:{given.port}: "
                    f"{plain(error)}; choose another, or 0 for a free one"
                ]
            ) from error

    def _start_telemetry(self) -> TelemetryServer | None:
        given = self._settings.telemetry
        if not given.enabled:
            return None
        port = self._settings.ingest.telemetry_port
        try:
            server = TelemetryServer(
                given.host,
                port,
                registry=self._metrics.registry,
                is_alive=lambda: not self._broken,
                readiness=self._observing.readiness,
            )
        except OSError as error:
            raise SettingsError(
                [
                    f"[ingest] telemetry_port: cannot listen on {given.host}:{port}: "
                    f"{plain(error)}; choose another, or 0 for a free one"
                ]
            ) from error
        server.start()
        self._log.info("telemetry.listening", address=server.address)
        return server


def _proofs(given: Ingest) -> dict[str, Proofs]:
    return {
        name: Proofs(token=client.token, password=client.password)
        for name, client in given.clients.items()
    }
