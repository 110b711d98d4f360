"""A real Alertmanager's alerts come out as emails, whatever happens to the door meanwhile."""

import os
import signal
import socket
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from consumer.sandbox.catalog import LOAD_TENANT, load_ids, write_load_catalog
from tests.support.alertmanager import Alertmanager
from tests.support.kafka import KafkaBroker, until
from tests.support.messenger import Messenger
from tests.support.process import Process
from tests.support.proxy import TcpProxy

TOKEN = "token-of-the-test-of-the-door"
ALERTS = 12


def alert(number: int) -> dict[str, str]:
    """Each is on an entity of the catalog, and has a plan of its own."""
    return {
        "alertname": f"Load{number}",
        "instance": load_ids(number * 10)[0],
        "job": "node",
        "severity": "critical",
        "tenant": LOAD_TENANT,
        "notification_plan": f"npLoad{number:06}",
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Ingest:
    """`messenger ingest` as a process that is killed and started again, on one port."""

    def __init__(self, messenger: Messenger, bootstrap: str) -> None:
        self.port = free_port()
        self._messenger = messenger
        self._bootstrap = bootstrap
        self._name = ""

    def start(self, name: str) -> None:
        self._name = name
        env = {
            "MESSENGER_KAFKA__BOOTSTRAP_SERVERS": self._bootstrap,
            "MESSENGER_INGEST__CLIENTS__ALERTMANAGER__TOKEN": TOKEN,
            "MESSENGER_INGEST__PORT": str(self.port),
            "MESSENGER_INGEST__TELEMETRY_PORT": "0",
        }
        self.process = Process(
            *("consumer", "ingest", "-c", str(self._messenger.config)),
            stdout=self._messenger.folder / f"{name}.log",
            env=os.environ | env,
        )
        until(lambda: self._has_logged("ingest.listening"), f"{name} listens")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def knows_and_refuses(self) -> bool:
        """It has found Kafka away, and somebody was told to come again."""
        return self._has_logged("dependency.down") and self._has_logged(
            "ingest.refused", status=503
        )

    def _has_logged(self, event: str, **fields: object) -> bool:
        assert self.process.poll() is None, f"{self._name} ended; see its log"
        wanted = {"event": event, **fields}
        return any(wanted.items() <= line.items() for line in self._messenger.log(self._name))


def told(mails: Sequence[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """How many emails there are by recipient and state."""
    return Counter((str(mail["to"]), str(mail["variables"]["state"])) for mail in mails)


def test_alerts_and_their_ends_become_emails_each_once_whatever_happens_to_the_door(
    tmp_path: Path, proxied_kafka: tuple[KafkaBroker, TcpProxy]
) -> None:
    """The door is killed; alerts come while it is gone, and find Kafka away when it is back. At the
    end some fire again, with the time at which they began first."""
    broker, proxy = proxied_kafka
    began = datetime.now(UTC) - timedelta(minutes=5)
    before, later = [alert(n) for n in range(ALERTS // 2)], [alert(n) for n in range(6, ALERTS)]
    with Messenger(tmp_path, broker) as messenger:
        write_load_catalog(messenger.catalog, ALERTS * 10, ALERTS * 10)
        door = Ingest(messenger, proxy.address)
        url = f"http://127.0.0.1:{door.port}/alertmanager"
        with Alertmanager(tmp_path, url, TOKEN) as alertmanager:
            messenger.start("one")
            door.start("door")
            alertmanager.post(before, since=began)
            messenger.until_accepted(len(before))
            # It would not tell the end of a group that it does not take for told.
            until(alertmanager.has_told, "Alertmanager has heard that they are taken")

            door.kill()
            proxy.refuse()
            alertmanager.post(before, since=began, until=datetime.now(UTC))
            alertmanager.post(later, since=began)
            door.start("door-again")
            until(door.knows_and_refuses, "the door says that Kafka is away")
            proxy.through()
            messenger.until_accepted(2 * len(before) + len(later))

            alertmanager.post(later, since=began, until=datetime.now(UTC))
            messenger.until_accepted(2 * ALERTS)

            alertmanager.post(later, since=began)
            messenger.until_accepted(2 * ALERTS + len(later))
            alertmanager.post(later, since=began, until=datetime.now(UTC))
            messenger.until_accepted(2 * ALERTS + 2 * len(later))
            assert door.terminate() == 0
        assert messenger.terminate("one") == 0
        mails = messenger.fake.messages(limit=1_000)
        addresses = [f"load-{number}@example.net" for number in range(ALERTS)]
        addresses += addresses[len(before) :]
        states = ("CRITICAL", "OK")
        assert told(mails) == Counter((to, state) for to in addresses for state in states)
