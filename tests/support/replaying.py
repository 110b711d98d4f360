"""An outage in which events are given up, and replays of what was missed."""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from consumer.domain.reasons import Kind
from consumer.sandbox.catalog import write_load_catalog
from consumer.sandbox.traffic import TrafficRecord
from tests.support.fleet import Fleet
from tests.support.load import RECIPIENTS, by_event, load
from tests.support.messenger import Messenger
from tests.support.outages import QUICK
from tests.support.process import Process
from tests.support.proxy import TcpProxy

#: So old may an event get while the provider is away.
HASTY: dict[str, object] = {
    f"delivery.max_age_seconds.{state}": 0.2 for state in ("critical", "warning", "ok")
}


class Replaying(Fleet):
    """Some events are told, others are given up: `missed`. Production runs beside the replays."""

    def __init__(self, *more: Any, atoms: int = 60, **settings: Any) -> None:
        # A replay that was killed keeps its alarms no longer than a test likes to wait.
        super().__init__(*more, overrides=QUICK | {"ledger.lease_seconds": 2}, **settings)
        self._atoms = atoms
        self.records: list[TrafficRecord] = []
        self.told: frozenset[str] = frozenset()
        self.missed: frozenset[str] = frozenset()

    def go_through_an_outage(self, before: int, during: int, seconds: float = 90.0) -> None:
        """One process tells the first events; the next finds nobody at the provider's address."""
        write_load_catalog(self.catalog, self._atoms, RECIPIENTS)
        self.records = load(before + during, atoms=self._atoms)
        self.start("before")
        self.feed(self.records[:before])
        self.until_done(before, seconds)
        assert self.terminate("before") == 0
        self.told = frozenset(self.mails())
        if not during:
            return
        there = urlsplit(self.fake.url)
        with TcpProxy(there.hostname or "", there.port or 0) as proxy:
            proxy.refuse()
            away = {"mailgun.base_url": f"http://{proxy.address}"}
            self.start("during", HASTY | away)
            self.feed(self.records[before:])
            self.until_done(len(self.records), seconds)
            assert self.terminate("during") == 0
        self.missed = frozenset(record.event.id or "" for record in self.tracked([Kind.EXPIRED]))

    def mails(self) -> Mapping[str, int]:
        """By event, how many emails were accepted."""
        return by_event(self.fake.messages(limit=1_000_000))

    def begin(self, name: str, *arguments: str) -> None:
        """The command in the background; to be killed by its name."""
        self._processes[name] = Process(
            *self.program,
            *("replay", "-c", str(self.config), "--name", name, *arguments),
            stdout=self.folder / f"{name}.log",
            env=os.environ | self._overrides,
        )

    @property
    def positions(self) -> dict[int, int]:
        """Where production goes on."""
        return self.kafka.committed(self.group, self.events)


def replayed(messenger: Messenger, *arguments: str) -> dict[str, Any]:
    """`messenger replay`, and what it told at its end."""
    ran = messenger.command("replay", *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def assert_each_once(mails: Mapping[str, int], wanted: Iterable[str]) -> None:
    """All of them, no others, none twice."""
    wrong = {id_: mails.get(id_, 0) for id_ in {*mails, *wanted} if mails.get(id_, 0) != 1}
    assert not wrong, f"sent so many times: {wrong}"
    assert not mails.keys() - set(wanted)
