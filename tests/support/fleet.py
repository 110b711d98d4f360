"""Many processes of one test, each with settings of its own: started, frozen, thawed, ended."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from consumer.adapters.ledger import open_ledger
from consumer.domain.reasons import Kind
from consumer.sandbox.catalog import write_load_catalog
from consumer.sandbox.traffic import TrafficRecord
from tests.support.kafka import Kafka, until
from tests.support.load import ATOMS, RECIPIENTS, assert_in_order, by_event, decoded
from tests.support.messenger import Messenger
from tests.support.process import Process


class Fleet(Messenger):
    """`Messenger` on the load catalog, with a say in how its processes live.

    One email per call, unless the test says otherwise: so many are under way as there are senders.
    """

    def __init__(
        self,
        folder: Path,
        kafka: Kafka,
        *,
        overrides: Mapping[str, object] | None = None,
        **more: Any,
    ) -> None:
        alone = {"mailgun.batch_limit": 1}
        super().__init__(folder, kafka, overrides=alone | dict(overrides or {}), **more)

    def start(
        self,
        name: str,
        settings: Mapping[str, object] | None = None,
        *arguments: str,
        stderr: int | None = None,
    ) -> None:
        """One `messenger run`; its own `settings`, by dotted name, win over everybody's.

        `stderr`: a file descriptor for its log, instead of {name}.log.
        """
        if not any(self.catalog.iterdir()):
            write_load_catalog(self.catalog, ATOMS, RECIPIENTS)
        own = {
            f"MESSENGER_{key.upper().replace('.', '__')}": str(value)
            for key, value in (settings or {}).items()
        }
        named = () if arguments else ("--worker", name)
        log = self.folder / f"{name}.log"
        command = ("consumer", "run", "-c", str(self.config), *named, *arguments)
        env = os.environ | self._overrides | own
        if stderr is None:
            self._processes[name] = Process(*command, stdout=log, env=env)
            return
        with log.open("ab") as out:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=stderr,
                env=env,
            )

    def slow_provider(self, seconds: float) -> None:
        """Every send takes this long from now on."""
        self.fake.forget_faults()
        self.fake.script({"kind": "delay", "seconds": seconds, "when": "before", "count": None})

    def until_asked(self, sends: int) -> None:
        """So many sends have arrived at the slow provider."""
        until(lambda: self._asked() >= sends, f"{sends} sends at the provider")

    def _asked(self) -> int:
        return sum(fault["served"] for fault in self.fake.faults())

    def feed(self, records: Sequence[TrafficRecord], topic: str | None = None) -> None:
        self.kafka.produce(topic or self.events, [(r.key, r.value) for r in records])

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def freeze_in_mid_send(self, name: str, sends: int) -> None:
        """SIGSTOP while so many sends are under way: it does nothing more, and does not know it.

        All that is marked is at the slow provider then, and nobody writes to the ledger: a process
        that is frozen in a write stops all others of its SQLite file.
        """
        with closing(open_ledger(self.ledger_url)) as ledger:

            def at_provider() -> bool:
                under_way = self._asked() - self.fake.stats()["accepted_messages"]
                return under_way >= sends and ledger.counts()["deliveries.sending"] == under_way

            def frozen() -> bool:
                if not at_provider():
                    return False
                self._processes[name].send_signal(signal.SIGSTOP)
                if at_provider() and self._writable():
                    return True
                self.thaw(name)
                return False

            until(frozen, f"{sends} sends under way")

    def _writable(self) -> bool:
        """Whether nobody is in the middle of a write that would block all others."""
        if not self.ledger_url.startswith("sqlite:"):
            return True
        path = self.ledger_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            connection.execute("ROLLBACK")
        return True

    def thaw(self, name: str) -> None:
        self._processes[name].send_signal(signal.SIGCONT)

    def until_ended(self, name: str, timeout_seconds: float = 30.0) -> int:
        """It ends by itself; the exit code."""
        return self._processes.pop(name).wait(timeout_seconds)

    def timed_end(self, name: str) -> tuple[int, float]:
        """SIGTERM; the exit code, and the seconds that it took."""
        began = time.monotonic()
        return self.terminate(name), time.monotonic() - began

    def text(self, name: str) -> str:
        """All that it printed, what is not a log line included."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def moves(self, name: str, what: str) -> list[list[str]]:
        """The partitions of each `assigned`, `revoked` or `lost` that it logged."""
        return [
            line["partitions"]
            for line in self.log(name)
            if line["event"] == f"partitions.{what}" and line["partitions"]
        ]


def assert_each_once(messenger: Messenger, events: Collection[str]) -> None:
    """One email for each event; of any other, what the process told is in the error."""
    sent = by_event(messenger.fake.messages(limit=10_000))
    told = messenger.tracked()
    wrong = {
        each: (sent[each], [(r.kind, r.outcome.reason) for r in told if r.event.id == each])
        for each in {*events, *sent}
        if sent[each] != 1 or each not in events
    }
    assert not wrong, f"emails, and what was told: {wrong}"


def assert_promise_kept(fleet: Messenger, records: Sequence[TrafficRecord]) -> None:
    """Each event of `records` was accepted once, in order, and told of as accepted once."""
    events = decoded(records)
    mails = fleet.fake.messages(limit=10_000)
    assert_each_once(fleet, events)
    assert_in_order(mails, events)
    accepted = fleet.tracked([Kind.ACCEPTED])
    assert Counter(record.event.id for record in accepted) == dict.fromkeys(events, 1)
    assert not [record.event.id for record in accepted if record.possible_duplicate]
    assert not fleet.tracked([Kind.FAILED, Kind.EXPIRED, Kind.SUPERSEDED])
