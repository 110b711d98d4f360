"""A storm: a backlog of alarms with distinct recipients, in batch calls, one by one, and bare."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from consumer.adapters.kafka.topics import read_topic
from consumer.sandbox.bench.appending import Record, append_backlog
from consumer.sandbox.bench.bare import run_bare
from consumer.sandbox.bench.figures import Figure, Ratio, Report, Section, divided
from consumer.sandbox.bench.place import Job, Place
from consumer.sandbox.bench.proc import cores, machine
from consumer.sandbox.bench.work import Outcome, bound_of, rounded, work_off
from consumer.sandbox.catalog import write_load_catalog
from consumer.sandbox.traffic import generate_atoms

PARTITIONS: Final = 4
#: Growth that is still called flat: what an allocator's mood makes of the same work.
_FLAT: Final = 1.1
#: Alarms, each with a recipient of its own. More events than that take turns: then the catalog
#: is the same, and memory tells of the events alone.
_MOST_ALARMS: Final = 50_000
#: Records that the bare loop produces over and over; as many as make their compression honest.
_EXAMPLES: Final = 2_000


class StormPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How large a storm."""

    events: int = 50_000
    #: For one call per email, which takes its time.
    single_events: int = 5_000
    #: Seconds after which the fake answers.
    latency: float = 0.2
    seed: int = 1


class Bare(msgspec.Struct, frozen=True, kw_only=True):
    """What the loop did that only consumes and produces."""

    events: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float | None:
        return divided(self.events, self.seconds)


def storm(place: Place, plan: StormPlan) -> Report:
    """The same backlog by batch calls and by the bare loop; a part of it by single calls."""
    topic = _prepare(place, plan.events, plan)
    place.tell("storm in batch calls")
    job = Job(name="batch", events_topic=topic, partitions=PARTITIONS)
    batch = work_off(place, job, place.start_provider(plan.latency), plan.events)
    place.tell("the bare loop on the same events")
    bare = _bare(place, topic, batch)
    place.tell("storm with one call for each email")
    few = min(plan.events, plan.single_events)
    job = Job(
        name="single",
        events_topic=_append(place, few, plan),
        partitions=PARTITIONS,
        settings={"mailgun__batch_limit": 1},
    )
    single = work_off(place, job, place.start_provider(plan.latency), few)
    return Report(
        benchmark=f"storm: the fake answers after {plan.latency * 1000:.0f} ms",
        broker=place.broker,
        machine=machine(),
        sections=[
            Section("batch calls", batch.figures()),
            Section("one call for each email", single.figures()),
            Section("bare loop: consume, produce one record, acks=all", _bare_figures(bare)),
        ],
        ratios=[
            Ratio("batch calls / one call each", _by(batch, single), 10.0),
            Ratio("batch calls / bare loop", divided(batch.per_second, bare.per_second), 0.4),
        ],
        notes=[
            f"batch calls: {bound_of(batch.shares, cores())}",
            f"one call each: {bound_of(single.shares, cores())}",
        ],
    )


def storm_memory(place: Place, plan: StormPlan) -> Report:
    """Peak memory with so many events and with ten times as many, on the same catalog."""
    outcomes = []
    for events in (plan.events, 10 * plan.events):
        topic = _prepare(place, events, plan)
        place.tell(f"storm of {events} events in batch calls")
        job = Job(name="batch", events_topic=topic, partitions=PARTITIONS)
        outcomes.append(work_off(place, job, place.start_provider(plan.latency), events))
    few, many = outcomes
    return Report(
        benchmark="storm: peak memory",
        broker=place.broker,
        machine=machine(),
        sections=[Section(f"{each.events} events", each.figures()) for each in outcomes],
        ratios=[
            Ratio(
                "peak memory with ten times the events",
                divided(many.peak_bytes, few.peak_bytes),
                _FLAT,
                at_most=True,
            )
        ],
    )


def _prepare(place: Place, events: int, plan: StormPlan) -> str:
    """Catalog and backlog; returns the topic."""
    alarms = min(_MOST_ALARMS, plan.events)
    write_load_catalog(place.catalog, alarms, alarms)
    return _append(place, events, plan)


def _append(place: Place, events: int, plan: StormPlan) -> str:
    place.tell(f"appending {events} events")
    topic = place.topics.make("events", PARTITIONS)
    append_backlog(place.kafka, topic, _records(place, events, plan), place.clock)
    return topic


def _records(place: Place, events: int, plan: StormPlan) -> Iterator[Record]:
    now_ms = int(place.clock.now() * 1000)
    alarms = min(_MOST_ALARMS, plan.events)
    for record in generate_atoms(events, alarms, plan.seed, now_ms):
        yield record.key, record.value


def _bare(place: Place, topic: str, batch: Outcome) -> Bare:
    examples = islice(read_topic(place.kafka, batch.worker.tracking_topic), _EXAMPLES)
    measured = run_bare(
        "bare_loop",
        [
            *(place.kafka.bootstrap_servers, topic),
            *(place.topics.make("bare", PARTITIONS), batch.events),
        ],
        b"\n".join(record.value or b"" for record in examples),
    )
    return Bare(events=batch.events, **measured)


def _bare_figures(bare: Bare) -> list[Figure]:
    cpu_ms = 1000 * bare.cpu_seconds / bare.events
    return [
        Figure("events", bare.events),
        Figure("events", rounded(bare.per_second), "per second"),
        Figure("processor time", rounded(cpu_ms, 3), "ms per event"),
    ]


def _by(outcome: Outcome, limit: Outcome) -> float | None:
    return divided(outcome.per_second, limit.per_second)
