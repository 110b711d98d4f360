"""The demo's parts: started in order, stopped in reverse order, whatever happens between."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.kafka.topics import TopicAdmin
from consumer.adapters.ledger import open_ledger, upgrade
from consumer.domain.record import Record
from consumer.sandbox.broker import EmbeddedBroker
from consumer.sandbox.catalog import write_sample_catalog
from consumer.sandbox.mailgun import FakeMailgun, Options
from consumer.sandbox.processes import end, free_port, readiness, start_module
from consumer.tracing import Trace, find, parse_reference

EVENTS, TRACKING, DEAD_LETTERS = (
    "alarm-events",
    "notification-tracking",
    "alarm-events-dead-letter",
)
PARTITIONS = 4
_DOMAIN = "alerts.example.com"
_KEY = "key-demo"

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
url = "{ledger}"

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
        self._ledger_url = f"sqlite:///{folder}/messenger.db"
        self._stack = ExitStack()
        self._ports: list[int] = []
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
        upgrade(self._ledger_url)
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
                ledger=self._ledger_url,
                folder=self.folder,
            )
        )

    def start_consumer(self, name: str) -> None:
        """One `messenger run` as a process of its own, its log beside the ledger."""
        port = free_port()
        process = start_module(
            ["consumer", "run", "--config", self.config, "--worker", name],
            self.folder / f"{name}.log",
            {"MESSENGER_TELEMETRY__PORT": str(port)},
        )
        self._stack.callback(end, process)
        self._ports.append(port)

    def partitions_assigned(self) -> int:
        """How many partitions the consumers say they have."""
        return sum(len(readiness(port).get("partitions", ())) for port in self._ports)

    def traces(self, event_id: str, told: Sequence[Record]) -> Sequence[Trace]:
        """What `messenger trace` finds of it: in the ledger, and in the tracking topic's records.

        Not by the command itself, which would have the topic to read once more.
        """
        with closing(open_ledger(self._ledger_url, pool_size=1)) as ledger:
            return find(
                parse_reference(event_id), ledger=ledger, read=lambda wanted: filter(wanted, told)
            ).traces
