"""Where a benchmark happens: a folder, a broker, and the processes that are measured."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from consumer.adapters.kafka.config import KafkaSettings
from consumer.domain.errors import DependencyError
from consumer.ports import Clock
from consumer.sandbox.bench.acceptances import AcceptanceFile
from consumer.sandbox.bench.proc import ensure_linux, listener
from consumer.sandbox.bench.provider import DOMAIN, KEY, URL_FILE
from consumer.sandbox.bench.topics import Topics
from consumer.sandbox.broker import EmbeddedBroker
from consumer.sandbox.processes import Running, end, free_port, readiness, start_module

#: Told the name of each step.
Tell = Callable[[str], None]
#: Starts a module with its arguments, a log, and variables of its environment.
Start = Callable[[Sequence[str | Path], Path, Mapping[str, str]], Running]

#: Seconds for a process to start, on a machine that has other things to do.
_START_SECONDS: Final = 60.0
_LOOK_EVERY: Final = 0.02
#: The embedded broker's group settles after half of this.
_EMBEDDED_SESSION_SECONDS: Final = 3.0

_CONFIG: Final = """\
[kafka]
bootstrap_servers = "{bootstrap}"
group_id = "{group}"
events_topic = "{events}"
tracking_topic = "{tracking}"
dead_letter_topic = "{dead_letters}"
session_timeout_seconds = {session}

[mailgun]
base_url = "{url}"
domain = "{domain}"
api_key = "{key}"
lookup_key = "{key}"
from_address = "Alarms <alarms@{domain}>"

[ledger]
url = "sqlite:///{ledger}"

[catalog]
url = "file:{catalog}"
"""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is given. `settings` by their names in the environment, in lower case."""

    name: str
    events_topic: str
    partitions: int
    settings: Mapping[str, object] = {}


class Provider:
    """The fake Mailgun's process, and its record."""

    def __init__(self, process: Running, folder: Path) -> None:
        self.process = process
        self.url = (folder / URL_FILE).read_text(encoding="ascii")
        self.accepted = AcceptanceFile(folder)


class Worker:
    """One `messenger run`."""

    def __init__(self, process: Running, folder: Path, port: int, tracking_topic: str) -> None:
        self.process = process
        self.config = folder / "messenger.toml"
        self.log = folder / "worker.log"
        self.group = folder.name
        self.tracking_topic = tracking_topic
        self._port = port

    @property
    def partitions(self) -> int:
        """How many it says it has."""
        return len(readiness(self._port).get("partitions", ()))

    def ensure_alive(self) -> None:
        """Raises DependencyError with the end of its log."""
        code = self.process.poll()
        if code is not None:
            tail = self.log.read_text(encoding="utf-8")[-500:].strip()
            raise DependencyError(f"messenger run ended with {code}: {tail}")


class Place:
    """A context manager: whatever it started is stopped, and its topics are deleted."""

    def __init__(
        self,
        folder: Path,
        bootstrap: str | None,
        clock: Clock,
        tell: Tell,
        start: Start = start_module,
    ) -> None:
        """`bootstrap` None: the embedded broker. Raises SettingsError where it cannot measure."""
        ensure_linux()
        self.folder = folder
        self.clock = clock
        self.tell = tell
        self.catalog = folder / "catalog"
        self._given = bootstrap
        self._start = start
        self._stack = ExitStack()
        self._jobs = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            bootstrap = self._given
            if bootstrap is None:
                self.tell("starting the embedded broker")
                bootstrap = stack.enter_context(EmbeddedBroker(clock=self.clock)).bootstrap
            self.kafka = KafkaSettings(bootstrap_servers=bootstrap)
            self.topics = stack.enter_context(Topics(self.kafka))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def broker(self) -> str:
        """Which one it is."""
        if self._given is None:
            return "embedded (Tansu, in memory); --bootstrap-servers names a real Kafka"
        return f"Kafka at {self._given}"

    @property
    def broker_pid(self) -> int | None:
        """None: it runs elsewhere."""
        _, _, port = self.kafka.bootstrap_servers.split(",")[0].rpartition(":")
        return listener(int(port))

    def start_provider(self, *latencies: float) -> Provider:
        """The fake, answering after one of these times (seconds)."""
        folder = self._folder("provider")
        seconds = map(str, latencies)
        program = ["consumer.sandbox.bench.provider", str(folder), *seconds]
        process = self.start(program, folder / "provider.log")
        self.until((folder / URL_FILE).exists, f"the fake Mailgun did not start; see {folder}")
        return Provider(process, folder)

    def start_worker(self, job: Job, provider: Provider) -> Worker:
        """`messenger run` with a ledger of its own, which begins with the topic's first event."""
        folder = self._folder(job.name)
        tracking = self.topics.make("tracking", job.partitions)
        given = self._given is not None
        (folder / "messenger.toml").write_text(
            _CONFIG.format(
                bootstrap=self.kafka.bootstrap_servers,
                group=folder.name,
                events=job.events_topic,
                tracking=tracking,
                dead_letters=self.topics.make("dead-letters", 1),
                session=self.kafka.session_timeout_seconds if given else _EMBEDDED_SESSION_SECONDS,
                url=provider.url,
                domain=DOMAIN,
                key=KEY,
                ledger=folder / "messenger.db",
                catalog=self.catalog,
            ),
            encoding="utf-8",
        )
        port = free_port()
        settings = dict(job.settings) | {"telemetry__port": port}
        process = self.start(
            ["consumer", "run", "--config", folder / "messenger.toml", "--worker", job.name],
            folder / "worker.log",
            {f"MESSENGER_{name.upper()}": str(value) for name, value in settings.items()},
        )
        return Worker(process, folder, port, tracking)

    def start(
        self, program: Sequence[str | Path], log: Path, settings: Mapping[str, str] | None = None
    ) -> Running:
        """A module with its arguments as a process, which is stopped whatever happens."""
        process = self._start(program, log, settings or {})
        self._stack.callback(end, process)
        return process

    def until(self, done: Callable[[], bool], what: str, seconds: float = _START_SECONDS) -> None:
        """Wait for it. Raises DependencyError with `what` when it takes too long."""
        deadline = self.clock.monotonic() + seconds
        while not done():
            if self.clock.monotonic() > deadline:
                raise DependencyError(what)
            self.clock.wait(_LOOK_EVERY)

    def until_assigned(self, worker: Worker, partitions: int) -> None:
        """The worker has its partitions."""

        def assigned() -> bool:
            worker.ensure_alive()
            return worker.partitions >= partitions

        self.until(assigned, f"the worker got no partitions; see {worker.log}")

    def _folder(self, name: str) -> Path:
        self._jobs += 1
        folder = self.folder / f"{self._jobs}-{name}"
        folder.mkdir()
        return folder
