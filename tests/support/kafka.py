"""A real Apache Kafka in KRaft mode: one JVM, broker and controller in one."""

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from consumer.sandbox.broker import answers
from tests.support import kafka_jars, kafka_settings
from tests.support.kafka_sockets import close_unconnected

close_unconnected()

_START_SECONDS = 60.0


def until(
    condition: Callable[[], object],
    what: str,
    timeout_seconds: float = 30.0,
    pause_seconds: float = 0.02,
) -> None:
    """Return as soon as `condition()` is true; fail with `what` after the timeout.

    Between two looks there is a pause: longer where a look costs more than a millisecond or two.
    """
    deadline = time.monotonic() + timeout_seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_seconds} s: {what}"
        pause.wait(pause_seconds)


class Kafka:
    """A running cluster, seen by a test: topics, records, offsets."""

    #: None: somebody else's broker, which tests must not stop.
    pid: int | None = None

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def create_topic(
        self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None
    ) -> str:
        """Create a topic under a name of its own, and return that name when it can be used."""
        unique = f"{name}-{uuid.uuid4().hex[:8]}"
        options = {"num_partitions": partitions, "replication_factor": 1, "configs": config or {}}
        with self.admin() as admin:
            admin.create_topics({unique: options}, wait_for_metadata=True)
        return unique

    def produce(self, topic: str, records: Iterable[Sequence[Any]]) -> None:
        """Write (key, value) or (key, value, partition) tuples, all acknowledged on return."""
        producer = KafkaProducer(bootstrap_servers=self.bootstrap)
        try:
            sent = []
            for key, value, *partition in records:
                where = partition[0] if partition else None
                sent.append(producer.send(topic, key=key, value=value, partition=where))
            producer.flush(timeout=30)
            for future in sent:
                future.get(timeout=0)
        finally:
            producer.close(timeout=5)  # it would wait without a limit for what failed

    def read_all(self, topic: str) -> list[Any]:
        """All records up to the present end offsets, partition by partition, in offset order."""
        with closing(self._reader()) as consumer:
            parts = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic))]
            consumer.assign(parts)
            consumer.seek_to_beginning(*parts)
            ends = consumer.end_offsets(parts)
            found: list[Any] = []

            def done() -> bool:
                for records in consumer.poll(timeout_ms=200).values():
                    found.extend(records)
                return all(consumer.position(part) >= ends[part] for part in parts)

            until(done, f"the end of {topic}")
        wanted = [r for r in found if r.offset < ends[TopicPartition(topic, r.partition)]]
        return sorted(wanted, key=lambda r: (r.partition, r.offset))

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Partition to committed offset; partitions without a commit are absent."""
        with self.admin() as admin:
            offsets = admin.list_group_offsets(group)[group]
        return {
            part.partition: committed.offset
            for part, committed in offsets.items()
            if part.topic == topic and committed.offset >= 0
        }

    def admin(self, **settings: Any) -> KafkaAdminClient:
        """An admin client; use it as a context manager."""
        return KafkaAdminClient(bootstrap_servers=self.bootstrap, **settings)

    def answers(self) -> bool:
        """True when a client can bootstrap, sees a broker, and groups have their coordinator.

        The first question about a group makes Kafka create its offsets topic.
        """
        if not answers(self.bootstrap):
            return False
        try:
            with self.admin() as admin:
                admin.list_group_offsets("is-it-up")
                return bool(admin.describe_cluster()["brokers"])
        except KafkaError:
            return False

    def _reader(self) -> KafkaConsumer:
        return KafkaConsumer(
            bootstrap_servers=self.bootstrap, enable_auto_commit=False, fetch_max_wait_ms=50
        )


class KafkaBroker(Kafka):
    """Our own broker process: can be killed, stopped, frozen, and started again as it was."""

    def __init__(self, folder: Path, *, recorded: Path | None = None) -> None:
        """At its end it leaves its classes in `recorded`; without, it uses those left before."""
        self._archive = (
            f"-XX:ArchiveClassesAtExit={recorded}"
            if recorded
            else f"-XX:SharedArchiveFile={kafka_jars.ARCHIVE}"
        )
        self._port, self._controller_port, self.side_port = _free_ports(3)
        super().__init__(f"127.0.0.1:{self._port}")
        #: What the second listener says is its port: a proxy's, so that those who come through it
        #: stay with it, while tests go straight to the broker. Set it before the start.
        self.side_advertised = self.side_port
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "KafkaBroker":
        """Format the data folder the first time, start, and wait until clients are answered."""
        if not self._properties.exists():
            self.configure()
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._properties)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the tests; they stop the broker
            )
        self.pid = self._process.pid
        until(self._is_up, f"a Kafka that answers; see {self._folder}", _START_SECONDS)
        return self

    def stop(self, *, kill: bool = False) -> None:
        """End the broker; `kill` gives it no chance to say goodbye."""
        if self._process is None:
            return
        self.cont()
        self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        self.pid = None

    def restart(self, *, kill: bool = False) -> None:
        """Stop and start on the same port with the same data."""
        self.stop(kill=kill)
        self.start()

    def pause(self) -> None:
        """Freeze: connections stay open, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def cont(self) -> None:
        """Thaw."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @property
    def data(self) -> Path:
        """Where it keeps all that it knows."""
        return self._folder / "data"

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    @property
    def _output(self) -> Path:
        return self._folder / "output.log"

    def _is_up(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"Kafka ended at once:\n{self._output.read_text()[-2000:]}")
        return self.answers()

    def configure(self) -> None:
        """Write its settings, and format its data folder; a start does it if need be."""
        self._properties.write_text(
            kafka_settings.PROPERTIES.format(
                port=self._port,
                side_port=self.side_port,
                side_advertised=self.side_advertised,
                controller_port=self._controller_port,
                data=self.data,
            )
        )
        (self._folder / "log4j2.yaml").write_text(
            kafka_settings.LOG4J.format(log=self._folder / "server.log")
        )
        if kafka_jars.FORMATTED.exists():
            shutil.copytree(kafka_jars.FORMATTED, self.data)
            return
        # Kafka's own ids never begin with a dash: it would read as an option.
        cluster_id = "k" + urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()[1:]
        tool = self._java(
            "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._properties)
        )
        subprocess.run(tool, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60)

    def _java(self, main: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.yaml'}"
        return [
            "java",
            *kafka_settings.JVM,
            self._archive,
            logging,
            "-cp",
            f"{kafka_jars.JARS}/*",
            main,
            *arguments,
        ]


def _free_ports(count: int) -> list[int]:
    """Distinct ports: all are bound before any is given back."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [s.getsockname()[1] for s in sockets]
    for one in sockets:
        one.close()
    return ports


def prepare() -> None:
    """Fetch what a broker needs, and run one for what the next can take over from it."""
    kafka_jars.prepare()
    if kafka_jars.missing() or kafka_jars.ARCHIVE.exists():
        return
    shutil.rmtree(kafka_jars.FORMATTED, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=kafka_jars.ARCHIVE.parent) as name:
        broker = KafkaBroker(Path(name), recorded=Path(name, "classes"))
        broker.configure()
        formatted = shutil.copytree(broker.data, Path(name, "formatted"))
        broker.start()
        try:
            broker.produce(broker.create_topic("first"), [(b"key", b"value")])
        finally:
            broker.stop()
        # Whole or not at all: somebody else may be doing the same.
        formatted.rename(kafka_jars.FORMATTED)
        Path(name, "classes").rename(kafka_jars.ARCHIVE)


if __name__ == "__main__":
    if sys.argv[1:] != ["prepare"]:
        raise SystemExit("usage: python -m tests.support.kafka prepare")
    prepare()
