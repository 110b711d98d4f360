"""Messenger as its users run it: the command as processes, on real Kafka and the fake Mailgun."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from consumer import wire
from consumer.domain.reasons import Kind
from consumer.domain.tracking import TrackingEvent
from consumer.sandbox.mailgun import FakeMailgun, Options
from tests.support.kafka import Kafka, until
from tests.support.process import Process, run

#: Forked off with all imports done, or a fresh interpreter.
Started = Process | subprocess.Popen[bytes]

DOMAIN = "alerts.example.com"
KEY = "key-of-the-tests"


def budget(seconds: float) -> dict[str, object]:
    """So long is a send in doubt looked up, whatever its state."""
    return {f"delivery.doubt_seconds.{state}": seconds for state in ("critical", "warning", "ok")}


class Messenger:
    """Topics, a fake Mailgun, a settings file, and as many consumer processes as a test starts."""

    #: The module that the processes run, and its arguments before the command.
    program: Sequence[str] = ("consumer",)

    def __init__(
        self,
        folder: Path,
        kafka: Kafka,
        *,
        partitions: int = 4,
        ledger_url: str | None = None,
        options: Options | None = None,
        settings: str = "",
        overrides: Mapping[str, object] | None = None,
        events_config: Mapping[str, str] | None = None,
    ) -> None:
        """`settings` are lines more for the file; `overrides` by dotted name win over it."""
        self.folder = folder
        self.kafka = kafka
        self.events = kafka.create_topic("alarm-events", partitions, events_config)
        self.tracking = kafka.create_topic("notification-tracking", partitions)
        self.dead_letters = kafka.create_topic("dead-letter", 1)
        self.group = f"messenger-{self.events}"
        self.catalog = folder / "catalog"
        self.ledger_url = ledger_url or f"sqlite:///{folder}/messenger.db"
        self.fake = FakeMailgun(options or Options(api_keys={KEY: "full"}))
        self._settings = settings
        self._overrides = {
            f"MESSENGER_{name.upper().replace('.', '__')}": str(value)
            for name, value in (overrides or {}).items()
        }
        self._processes: dict[str, Started] = {}

    def __enter__(self) -> Self:
        self.fake.start()
        self.catalog.mkdir(exist_ok=True)
        self.config = self.folder / "messenger.toml"
        self.config.write_text(
            f"""
[kafka]
bootstrap_servers = "{self.kafka.bootstrap}"
group_id = "{self.group}"
events_topic = "{self.events}"
tracking_topic = "{self.tracking}"
dead_letter_topic = "{self.dead_letters}"
session_timeout_seconds = 3.0

[mailgun]
base_url = "{self.fake.url}"
domain = "{DOMAIN}"
api_key = "{KEY}"
lookup_key = "{KEY}"
from_address = "Alarms <alarms@{DOMAIN}>"

[ledger]
url = "{self.ledger_url}"
lease_seconds = 4.0

[catalog]
url = "file:{self.catalog}"
lookup_patience_seconds = 0.5

[delivery.doubt_seconds]
critical = 3.0
warning = 3.0
ok = 3.0

[telemetry]
port = 0
{self._settings}
"""
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in list(self._processes):
            self.kill(name)
        self.fake.stop()

    def start(self, name: str) -> None:
        """One `messenger run`; its log goes to {name}.log."""
        self._processes[name] = Process(
            *self.program,
            *("run", "-c", str(self.config), "--worker", name),
            stdout=self.folder / f"{name}.log",
            env=os.environ | self._overrides,
        )

    def start_pair(self, first: str, second: str) -> None:
        """Two processes, each of which has its share of the partitions."""
        self.start(first)
        self.until_logged(first, "partitions.assigned")
        self.start(second)
        self.until_logged(second, "partitions.assigned")

    def kill(self, name: str) -> None:
        """`kill -9`: no goodbye."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def terminate(self, name: str, timeout_seconds: float = 30.0) -> int:
        """SIGTERM, and the exit code."""
        process = self._processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout_seconds)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command with the same settings."""
        env = os.environ | self._overrides | {"COLUMNS": "200"}
        return run("consumer", *arguments, "-c", self.config, env=env)

    def log(self, name: str) -> list[dict[str, Any]]:
        """The process's log lines."""
        lines = (self.folder / f"{name}.log").read_text(encoding="utf-8").splitlines()
        return [msgspec.json.decode(line) for line in lines if line.startswith("{")]

    def until_logged(
        self, name: str, event: str, timeout_seconds: float = 30.0, **fields: object
    ) -> None:
        """Some process has said so, with these fields."""
        wanted = {"event": event, **fields}
        until(
            lambda: any(wanted.items() <= line.items() for line in self.log(name)),
            f"{wanted} in the log of {name}",
            timeout_seconds,
            pause_seconds=0.05,
        )

    def until_accepted(self, number: int, timeout_seconds: float = 90.0) -> None:
        """The fake has accepted this many emails."""
        until(
            lambda: self._alive() and self.fake.stats()["accepted_messages"] >= number,
            f"{number} accepted emails",
            timeout_seconds,
        )

    def until_done(self, records: int, timeout_seconds: float = 90.0) -> None:
        """The group has committed this many records."""
        until(
            lambda: self._alive() and self._committed() >= records,
            f"{records} committed records",
            timeout_seconds,
            pause_seconds=0.1,
        )

    def _committed(self) -> int:
        return sum(self.kafka.committed(self.group, self.events).values())

    def _alive(self) -> bool:
        """A process that ended by itself is told at once, not after a time-out."""
        for name, process in self._processes.items():
            tail = (self.folder / f"{name}.log").read_text(encoding="utf-8")[-2000:]
            assert process.poll() is None, f"{name} ended with {process.returncode}:\n{tail}"
        return True

    def tracked(self, kinds: Sequence[Kind] = ()) -> list[TrackingEvent]:
        """Tracking records by id, each once."""
        records = [wire.decode_tracking(r.value) for r in self.kafka.read_all(self.tracking)]
        told = {record.id: record for record in records}
        return [r for r in told.values() if not kinds or r.kind in kinds]
