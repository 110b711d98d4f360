"""From the append of an event to its request at the provider, beside the broker's own time."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from consumer.sandbox.bench.appending import Appender, event_id, paced
from consumer.sandbox.bench.figures import Figure, Ratio, Section, less, quantile
from consumer.sandbox.bench.place import Job, Place
from consumer.sandbox.bench.work import rounded
from consumer.sandbox.processes import end
from consumer.sandbox.traffic import generate_atoms

_PARTITIONS: Final = 4
_WARM_UP_PER_SECOND: Final = 50.0
#: Milliseconds over the broker's own.
_MOST: Final = {"p50": 15.0, "p99": 100.0}
_SHARES: Final = {"p50": 0.50, "p99": 0.99}
#: Seconds for the last emails.
_PATIENCE: Final = 60.0


class LatencyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How fast events come, and for how long."""

    #: Events in a second.
    rates: Sequence[float] = (10.0, 100.0, 400.0)
    #: At each rate.
    seconds: float = 20.0
    #: Events that are not measured: templates are compiled, connections opened, the catalog read.
    warm_up: int = 100
    #: Seconds after which the fake answers.
    provider_latency: float = 0.05


def latencies(
    place: Place, plan: LatencyPlan, alarms: int, settings: Mapping[str, object]
) -> tuple[list[Section], list[Ratio]]:
    """For each rate its quantiles, and how far they are above those of a bare consumer."""
    topic = place.topics.make("events", _PARTITIONS)
    provider = place.start_provider(plan.provider_latency)
    job = Job(name="latency", events_topic=topic, partitions=_PARTITIONS, settings=settings)
    worker = place.start_worker(job, provider)
    reader = _Reader(place, topic)
    place.until_assigned(worker, _PARTITIONS)
    appended = _append(place, topic, plan, alarms)
    emails = sum(map(len, appended.values())) + plan.warm_up
    place.until(lambda: len(provider.accepted) >= emails, "not all was sent", _PATIENCE)
    end(worker.process)
    requested = {each.event_id: each.at for each in provider.accepted.all}
    read = reader.stop()
    sections, ratios = [], []
    for rate, times in appended.items():
        ours, brokers = _milliseconds(times, requested), _milliseconds(times, read)
        sections.append(_section(rate, ours, brokers))
        ratios += _ratios(rate, ours, brokers)
    return sections, ratios


def _append(
    place: Place, topic: str, plan: LatencyPlan, alarms: int
) -> dict[float, dict[str, float]]:
    """By rate, by event id: when it was appended."""
    counts = {rate: max(1, round(rate * plan.seconds)) for rate in plan.rates}
    now_ms = int(place.clock.now() * 1000)
    stream = generate_atoms(plan.warm_up + sum(counts.values()), alarms, 1, now_ms)
    with Appender(place.kafka, place.clock) as appender:

        def feed(rate: float, count: int) -> dict[str, float]:
            place.tell(f"{count} events, {rate:g} in a second")
            records = list(islice(stream, count))
            pairs = [(record.key, record.value) for record in records]
            times = paced(lambda pair: appender.append(topic, pair), pairs, rate, place.clock)
            appender.flush()
            return dict(zip(map(event_id, records), times, strict=True))

        feed(_WARM_UP_PER_SECOND, plan.warm_up)
        return {rate: feed(rate, count) for rate, count in counts.items()}


class _Reader:
    """The bare consumer's process."""

    def __init__(self, place: Place, topic: str) -> None:
        self._file = place.folder / "bare-reader.txt"
        log = place.folder / "bare-reader.log"
        program = ["consumer.sandbox.bench.bare_reader", place.kafka.bootstrap_servers, topic]
        self._process = place.start([*program, self._file], log)
        place.until(lambda: "ready" in log.read_text(encoding="utf-8"), f"no reader; see {log}")

    def stop(self) -> dict[str, float]:
        """When each event came, epoch seconds."""
        end(self._process)
        return _times(self._file)


def _times(file: Path) -> dict[str, float]:
    pairs = (line.split() for line in file.read_text(encoding="utf-8").splitlines())
    return {event_id: float(at) for at, event_id in pairs}


def _milliseconds(since: Mapping[str, float], until: Mapping[str, float]) -> list[float]:
    return [1000 * (until[id_] - at) for id_, at in since.items() if id_ in until]


def _section(rate: float, ours: Sequence[float], brokers: Sequence[float]) -> Section:
    figures = [Figure("events", len(ours))]
    for name, share in _SHARES.items():
        figures += [
            Figure(f"append to request, {name}", rounded(quantile(ours, share)), "ms"),
            Figure(f"append to bare consumer, {name}", rounded(quantile(brokers, share)), "ms"),
        ]
    return Section(f"{rate:g} events per second", figures)


def _ratios(rate: float, ours: Sequence[float], brokers: Sequence[float]) -> list[Ratio]:
    return [
        Ratio(
            f"{rate:g}/s: append to request, {name} over the broker's own",
            less(quantile(ours, share), quantile(brokers, share)),
            _MOST[name],
            at_most=True,
            unit="ms",
        )
        for name, share in _SHARES.items()
    ]
