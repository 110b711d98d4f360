"""One tenant storms, another sends one alarm per second: how long does that one wait?"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from consumer.sandbox.bench.acceptances import rate
from consumer.sandbox.bench.appending import Appender, event_id
from consumer.sandbox.bench.figures import Figure, Ratio, Report, Section, divided, quantile
from consumer.sandbox.bench.place import Job, Place, Provider, Worker
from consumer.sandbox.bench.proc import machine
from consumer.sandbox.bench.work import rounded
from consumer.sandbox.catalog import LOAD_TENANT, write_load_catalog
from consumer.sandbox.processes import Running, end
from consumer.sandbox.traffic import TrafficRecord, generate_atoms

_QUIET_TENANT: Final = "900001"
_QUIET_ACCOUNT: Final = "acQuiet001"
#: Its alarms take turns, so that none waits for its own last email.
_QUIET_ALARMS: Final = 100
#: The storm's partition, and the other one.
_STORM, _OWN = 0, 1
_P50, _P99 = 0.50, 0.99
#: Seconds for the quiet tenant's last emails.
_PATIENCE: Final = 60.0
#: Alarms before anything is measured.
_WARM_UP: Final = 3


class FairnessPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How large a storm, and how long it is quiet before."""

    events: int = 30_000
    quiet_seconds: float = 30.0
    #: Seconds between two alarms of the quiet tenant.
    interval: float = 1.0
    #: Seconds after which the fake answers.
    latency: float = 0.2


class Waits(msgspec.Struct, frozen=True):
    """Milliseconds from append to request of the quiet tenant's alarms."""

    quiet: list[float]
    storm: list[float]
    storm_per_second: float | None

    @property
    def ratio(self) -> float | None:
        """Its p99 in the storm against its p99 in peace."""
        return divided(quantile(self.storm, _P99), quantile(self.quiet, _P99))


def fairness(place: Place, plan: FairnessPlan) -> Report:
    """On a partition of its own, and on the storm's."""
    _write_catalog(place.catalog, plan.events)
    own = _waits(place, plan, _OWN)
    shared = _waits(place, plan, _STORM)
    return Report(
        benchmark=f"fairness: a storm of {plan.events} events",
        broker=place.broker,
        machine=machine(),
        sections=[
            Section("the quiet tenant has a partition of its own", _figures(own)),
            Section("it shares the storm's partition", _figures(shared)),
        ],
        ratios=[
            Ratio("own partition: p99 in the storm / quiet p99", own.ratio),
            Ratio("shared partition: p99 in the storm / quiet p99", shared.ratio),
        ],
        notes=[
            "on a shared partition an alarm waits for what was appended before it to be read: "
            "Kafka's order, no consumer can look past it",
        ],
    )


def _waits(place: Place, plan: FairnessPlan, partition: int) -> Waits:
    topic = place.topics.make("events", 2)
    provider = place.start_provider(plan.latency)
    worker = place.start_worker(Job(name="fair", events_topic=topic, partitions=2), provider)
    place.until_assigned(worker, 2)
    with Appender(place.kafka, place.clock) as appender:
        quiet = _Quiet(place, appender, topic, partition)
        for _ in range(_WARM_UP):
            quiet.say()
        place.tell("one alarm per second, and nothing else")
        deadline = place.clock.monotonic() + plan.quiet_seconds
        before = quiet.go_on(plan.interval, lambda: place.clock.monotonic() >= deadline)
        place.tell(f"the same while a storm of {plan.events} events comes")
        storm = _start_storm(place, topic, plan.events)
        during = quiet.go_on(plan.interval, lambda: _is_over(plan, worker, provider, quiet))
    end(storm)
    emails = plan.events + len(quiet.said)
    place.until(lambda: len(provider.accepted) >= emails, "not all was sent", _PATIENCE)
    end(worker.process)
    requested = {each.event_id: each.at for each in provider.accepted.all}
    return Waits(
        quiet=[1000 * (requested[id_] - at) for id_, at in before.items()],
        storm=[1000 * (requested[id_] - at) for id_, at in during.items()],
        storm_per_second=rate([e for e in provider.accepted.all if e.event_id not in quiet.said]),
    )


class _Quiet:
    """The tenant with one alarm per second."""

    def __init__(self, place: Place, appender: Appender, topic: str, partition: int) -> None:
        self._clock = place.clock
        self._appender = appender
        self._topic = topic
        self._partition = partition
        self._events = _quiet_events(int(place.clock.now() * 1000))
        #: By event id, when it was appended.
        self.said: dict[str, float] = {}

    def say(self) -> str:
        """One alarm; its event's id."""
        record = next(self._events)
        id_ = event_id(record)
        pair = record.key, record.value
        self.said[id_] = self._appender.append(self._topic, pair, self._partition)
        return id_

    def go_on(self, interval: float, over: Callable[[], bool]) -> dict[str, float]:
        """One alarm after the other, at least one; by event id, when each was appended."""
        ids = [self.say()]
        self._clock.wait(interval)
        while not over():
            ids.append(self.say())
            self._clock.wait(interval)
        return {id_: self.said[id_] for id_ in ids}


def _is_over(plan: FairnessPlan, worker: Worker, provider: Provider, quiet: _Quiet) -> bool:
    worker.ensure_alive()
    if len(provider.accepted) < plan.events:
        return False
    storm = sum(1 for each in provider.accepted.all if each.event_id not in quiet.said)
    return storm >= plan.events


def _start_storm(place: Place, topic: str, events: int) -> Running:
    program = ["consumer.sandbox.bench.appending", place.kafka.bootstrap_servers, topic]
    numbers = [str(events), str(events), str(_STORM)]
    return place.start([*program, *numbers], place.folder / "storm.log")


def _write_catalog(catalog: Path, events: int) -> None:
    """The load catalog's tenant with an alarm for each event, and the quiet one in its image."""
    write_load_catalog(catalog, _QUIET_ALARMS, _QUIET_ALARMS)
    folder = (catalog / LOAD_TENANT).rename(catalog / _QUIET_TENANT)
    account = {"id": _QUIET_ACCOUNT, "external_id": _QUIET_TENANT}
    (folder / "account.json").write_bytes(msgspec.json.encode(account))
    write_load_catalog(catalog, events, events)


def _quiet_events(now_ms: int) -> Iterator[TrafficRecord]:
    """Without end."""
    theirs = {"tenant_id": _QUIET_TENANT, "account_id": _QUIET_ACCOUNT}
    for record in generate_atoms(sys.maxsize, _QUIET_ALARMS, 2, now_ms):
        event = msgspec.json.decode(record.value) | theirs
        key = record.key.replace(LOAD_TENANT.encode(), _QUIET_TENANT.encode(), 1)
        yield TrafficRecord(key, msgspec.json.encode(event), record.label)


def _figures(waits: Waits) -> list[Figure]:
    return [
        Figure("alarms in peace", len(waits.quiet)),
        Figure("append to request in peace, p50", rounded(quantile(waits.quiet, _P50)), "ms"),
        Figure("append to request in peace, p99", rounded(quantile(waits.quiet, _P99)), "ms"),
        Figure("alarms in the storm", len(waits.storm)),
        Figure("append to request in the storm, p50", rounded(quantile(waits.storm, _P50)), "ms"),
        Figure("append to request in the storm, p99", rounded(quantile(waits.storm, _P99)), "ms"),
        Figure("the storm's notifications", rounded(waits.storm_per_second), "per second"),
    ]
