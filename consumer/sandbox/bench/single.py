"""Single sends: one call for each email, beside a bare loop that only posts the same bodies."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

import msgspec

from consumer.sandbox.bench.acceptances import out_of_order, rate
from consumer.sandbox.bench.appending import append_backlog, event_id
from consumer.sandbox.bench.bare import run_bare
from consumer.sandbox.bench.bodies import bodies_of
from consumer.sandbox.bench.figures import Figure, Ratio, Report, Section, divided
from consumer.sandbox.bench.latency import LatencyPlan, latencies
from consumer.sandbox.bench.place import Job, Place
from consumer.sandbox.bench.proc import cores, machine
from consumer.sandbox.bench.work import Outcome, bound_of, rounded, work_off
from consumer.sandbox.catalog import write_load_catalog
from consumer.sandbox.traffic import TrafficRecord, generate_atoms

_PARTITIONS: Final = 4
#: Bodies that a bare loop posts over and over.
_BODIES: Final = 1_000
#: The serial loop's share of the events: it would take as many times as long.
_SERIAL_SHARE: Final = 50
#: Seconds, each as likely: what a provider's answers took is never the same twice.
RANDOM_LATENCIES: Final = tuple(number / 1000 for number in range(25, 300, 50))


class SinglePlan(msgspec.Struct, frozen=True, kw_only=True):
    """How many events, and how they are sent."""

    events: int = 5_000
    senders: int = 64
    alarms: int = 1_000
    #: Seconds after which the fake answers.
    provider_latencies: Sequence[float] = (0.0, 0.05, 0.15)
    latency: LatencyPlan = LatencyPlan()
    seed: int = 1


class Pair(msgspec.Struct, frozen=True):
    """Messenger, and the bare loop that posts the same bodies."""

    outcome: Outcome
    bare_per_second: float | None
    bare_cpu_ms: float

    @property
    def ratio(self) -> float | None:
        return divided(self.outcome.per_second, self.bare_per_second)


def single(place: Place, plan: SinglePlan) -> Report:
    """Throughput on four partitions and on one; latency from append to request."""
    write_load_catalog(place.catalog, plan.alarms, plan.alarms)
    runs = [(f"{each * 1000:.0f} ms", _pair(place, plan, each)) for each in plan.provider_latencies]
    one, ordering = _one_partition(place, plan)
    quick, differences = latencies(place, plan.latency, plan.alarms, _settings(plan))
    return Report(
        benchmark=f"single: one call for each email, {plan.senders} senders",
        broker=place.broker,
        machine=machine(),
        sections=[
            *(Section(f"the fake answers after {name}", _figures(pair)) for name, pair in runs),
            Section("one partition, random latencies, against a serial loop", ordering),
            *quick,
        ],
        ratios=[
            *(Ratio(f"{name}: Messenger / bare requests", p.ratio, 0.7) for name, p in runs),
            Ratio("one partition / serial loop", one.ratio, 50.0),
            *differences,
        ],
        notes=[
            *(f"{name}: {bound_of(pair.outcome.shares, cores())}" for name, pair in runs),
            f"one partition: {bound_of(one.outcome.shares, cores())}",
        ],
    )


def _settings(plan: SinglePlan) -> dict[str, object]:
    return {"mailgun__batch_limit": 1, "delivery__senders": plan.senders}


def _pair(place: Place, plan: SinglePlan, *provider: float, partitions: int = _PARTITIONS) -> Pair:
    """One backlog through Messenger, then the same bodies through the bare loop."""
    records = _records(place, plan)
    outcome = _messenger(place, plan, records, provider, partitions)
    place.tell("the bare loop posts the same bodies")
    return _beside(place, outcome, records, provider, plan.senders, plan.events)


def _one_partition(place: Place, plan: SinglePlan) -> tuple[Pair, list[Figure]]:
    """All alarms in one partition, the provider's answers in random times, order looked at."""
    records = _records(place, plan)
    outcome = _messenger(place, plan, records, RANDOM_LATENCIES, 1)
    place.tell("the serial loop posts the same bodies")
    few = max(2, plan.events // _SERIAL_SHARE)
    pair = _beside(place, outcome, records, RANDOM_LATENCIES, 1, few)
    turns = {event_id(record): (record.key, turn) for turn, record in enumerate(records)}
    late = Figure("out of order", out_of_order(outcome.accepted, turns), "emails")
    alarms = Figure("alarms", len({record.key for record in records}))
    return pair, [alarms, late, *_figures(pair)]


def _messenger(
    place: Place,
    plan: SinglePlan,
    records: Sequence[TrafficRecord],
    provider: Sequence[float],
    partitions: int,
) -> Outcome:
    milliseconds = " or ".join(f"{each * 1000:.0f}" for each in provider)
    place.tell(f"{plan.events} events on {partitions} partitions, answers after {milliseconds} ms")
    topic = place.topics.make("events", partitions)
    append_backlog(place.kafka, topic, ((r.key, r.value) for r in records), place.clock)
    job = Job(name="single", events_topic=topic, partitions=partitions, settings=_settings(plan))
    return work_off(place, job, place.start_provider(*provider), plan.events)


def _beside(
    place: Place,
    outcome: Outcome,
    records: Sequence[TrafficRecord],
    provider: Sequence[float],
    concurrency: int,
    emails: int,
) -> Pair:
    fake = place.start_provider(*provider)
    values = (record.value for record in islice(records, _BODIES))
    bodies = bodies_of(values, outcome.worker.config, place.clock)
    spent = run_bare("bare_posts", [fake.url, concurrency, emails], b"\n".join(bodies))
    place.until(lambda: len(fake.accepted) >= emails, "the bare loop's emails were not accepted")
    return Pair(outcome, rate(fake.accepted.all), 1000 * spent["cpu_seconds"] / emails)


def _figures(pair: Pair) -> list[Figure]:
    return [
        *pair.outcome.figures(),
        Figure("bare loop", rounded(pair.bare_per_second), "per second"),
        Figure("bare loop's processor time", rounded(pair.bare_cpu_ms, 3), "ms per email"),
    ]


def _records(place: Place, plan: SinglePlan) -> list[TrafficRecord]:
    now_ms = int(place.clock.now() * 1000)
    return list(generate_atoms(plan.events, plan.alarms, plan.seed, now_ms))
