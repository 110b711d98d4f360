"""The demo's parts: started in order, stopped in reverse order, whatever happens between."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import requests

from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.kafka.topics import TopicAdmin
from consumer.adapters.ledger import upgrade
from consumer.sandbox.broker import EmbeddedBroker
from consumer.sandbox.catalog import write_sample_catalog
from consumer.sandbox.mailgun import FakeMailgun, Options

EVENTS, TRACKING, DEAD_LETTERS = (
    "alarm-events",
    "notification-tracking",
    "alarm-events-dead-letter",
)
PARTITIONS = 4
_DOMAIN = "alerts.example.com"
_KEY = "key-demo"
#: Seconds that a consumer may take to end after SIGTERM.
_GRACE = 25.0

_CONFIG = """\
[kafka]
bootstrap_servers = "{bootstrap}"
events_topic = "{events}"
tracking_topic = "{tracking}"
dead_letter_topic = "{dead_letters}"
# The embedded broker's group settles after half of this.
session_timeout_seconds = 3.0

[mailgun]
base_url = "{mailgun}"
domain = "{domain}"
api_key_file = "{key_file}"
lookup_key_file = "{key_file}"
from_address = "Alarms <alarms@{domain}>"

[ledger]
url = "sqlite:///{folder}/messenger.db"

[catalog]
url = "file:{folder}/catalog"
lookup_patience_seconds = 1.0

[telemetry]
port = 0
"""


class Parts:
    """Broker, fake Mailgun, ledger, catalog, consumers: all below one folder."""

    def __init__(self, folder: Path, inbox_port: int) -> None:
        self.folder = folder
        self._inbox_port = inbox_port
        self._stack = ExitStack()
        self._health: list[str] = []
        self.config = folder / "messenger.toml"
        self.kafka = KafkaSettings(bootstrap_servers="")

    def __enter__(self) -> "Parts":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start_broker(self) -> str:
        broker = self._stack.enter_context(EmbeddedBroker())
        self.kafka = KafkaSettings(bootstrap_servers=broker.bootstrap)
        with TopicAdmin(self.kafka) as admin:
            admin.create([EVENTS, TRACKING, DEAD_LETTERS], PARTITIONS, 1)
        return broker.bootstrap

    def start_mailgun(self) -> str:
        """The inbox stays at one port where it can: a page that was open is still right."""
        options = Options(api_keys={_KEY: "full"}, domains=frozenset({_DOMAIN}))
        try:
            self.mailgun = FakeMailgun(options, port=self._inbox_port).start()
        except OSError:
            self.mailgun = FakeMailgun(options).start()
        self._stack.callback(self.mailgun.stop)
        return self.mailgun.url

    def write_files(self) -> None:
        """Catalog, ledger and the settings that the consumers and you can use."""
        write_sample_catalog(self.folder / "catalog")
        upgrade(f"sqlite:///{self.folder}/messenger.db")
        key_file = self.folder / "mailgun-key"
        key_file.write_text(_KEY)
        key_file.chmod(0o600)
        self.config.write_text(
            _CONFIG.format(
                bootstrap=self.kafka.bootstrap_servers,
                events=EVENTS,
                tracking=TRACKING,
                dead_letters=DEAD_LETTERS,
                mailgun=self.mailgun.url,
                domain=_DOMAIN,
                key_file=key_file,
                folder=self.folder,
            )
        )

    def start_consumer(self, name: str) -> None:
        """One `messenger run` as a process of its own, its log beside the ledger."""
        port = _free_port()
        log = self._stack.enter_context((self.folder / f"{name}.log").open("wb"))
        process = subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", "consumer", "run", "--config", self.config, "--worker", name],
            env=_environment() | {"MESSENGER_TELEMETRY__PORT": str(port)},
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            # Ctrl-C is ours to handle: the consumers are asked to end in their order.
            start_new_session=True,
        )
        self._stack.callback(_end, process)
        self._health.append(f"http://127.0.0.1:{port}/readyz")

    def partitions_assigned(self) -> int:
        """How many partitions the consumers say they have."""
        return sum(len(self._readiness(address).get("partitions", ())) for address in self._health)

    def trace(self, reference: str) -> str:
        """What `messenger trace` prints for it."""
        done = subprocess.run(  # noqa: S603  # our own command
            [sys.executable, "-m", "consumer", "trace", reference, "--config", self.config],
            capture_output=True,
            text=True,
            check=False,
            env=_environment() | {"COLUMNS": "100"},
        )
        return done.stdout or done.stderr

    def _readiness(self, address: str) -> dict[str, list[str]]:
        with contextlib.suppress(requests.RequestException, ValueError), _session() as session:
            answer: dict[str, list[str]] = json.loads(session.get(address, timeout=1).content)
            return answer
        return {}


@contextlib.contextmanager
def _session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _environment() -> dict[str, str]:
    """Ours without settings: the demo's file is the whole configuration."""
    inherited = os.environ  # noqa: TID251  # handed on to the children, not read
    return {k: v for k, v in inherited.items() if not k.startswith("MESSENGER_")}
