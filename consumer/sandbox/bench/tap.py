"""Production under full load without a tap and with one: what a tap costs it."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Final

import msgspec

from consumer.sandbox.bench.appending import append_backlog
from consumer.sandbox.bench.figures import Figure, Number, Ratio, Report, Section, divided
from consumer.sandbox.bench.place import Job, Place
from consumer.sandbox.bench.proc import cores, cpu_seconds, machine
from consumer.sandbox.bench.provider import DOMAIN
from consumer.sandbox.bench.work import Outcome, bound_of, rounded, work_off
from consumer.sandbox.catalog import write_load_catalog
from consumer.sandbox.processes import end
from consumer.sandbox.traffic import generate_atoms

PARTITIONS: Final = 4
_MOST_ALARMS: Final = 50_000
#: The tap follows at so much of production's own pace: then it is at work as long as production.
_PACE: Final = 0.8
#: What production may lose while somebody looks: less than two runs of the same differ by.
_KEPT, _WORK = 0.95, 1.05


class TapPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How large a storm, and how often each way; the ways take turns, so that a machine that
    grows slower or quicker favours neither."""

    events: int = 50_000
    rounds: int = 2
    #: Seconds after which the fake answers.
    latency: float = 0.2
    seed: int = 1


class Tapped(msgspec.Struct, frozen=True, kw_only=True):
    """A storm with a tap beside it."""

    outcome: Outcome
    #: Events that it had written when production was done.
    events: int
    cpu_seconds: float


def tap(place: Place, plan: TapPlan) -> Report:
    """The same backlog by workers of their own, in turns without and with a tap."""
    topic = _prepare(place, plan)
    alone: list[Outcome] = []
    tapped: list[Tapped] = []
    for number in range(plan.rounds):
        # Without, with, with, without: see TapPlan.
        for is_tapped in (False, True) if number % 2 == 0 else (True, False):
            how = "with" if is_tapped else "without"
            place.tell(f"storm {how} a tap, {number + 1} of {plan.rounds}")
            if is_tapped:
                tapped.append(_tapped(place, topic, plan, alone[0]))
            else:
                alone.append(_worked(place, topic, plan))
    return report(place.broker, plan, alone, tapped)


def report(
    broker: str, plan: TapPlan, alone: Sequence[Outcome], tapped: Sequence[Tapped]
) -> Report:
    """What the runs come to. Pure, but for the machine's name."""
    beside = [each.outcome for each in tapped]
    speed = _mean([o.per_second for o in beside]), _mean([o.per_second for o in alone])
    work = _mean([o.cpu_ms for o in beside]), _mean([o.cpu_ms for o in alone])
    return Report(
        benchmark=f"tap: the fake answers after {plan.latency * 1000:.0f} ms",
        broker=broker,
        machine=machine(),
        sections=[
            *(Section("without a tap", each.figures()) for each in alone),
            *(Section("with a tap", _figures(each)) for each in tapped),
        ],
        ratios=[
            Ratio("notifications with a tap / without", divided(*speed), _KEPT),
            Ratio(
                "worker's processor time with a tap / without",
                divided(*work),
                _WORK,
                at_most=True,
            ),
        ],
        notes=[
            f"without a tap: {bound_of(alone[-1].shares, cores())}",
            "A tap on the same machine takes its processor time from whoever needs it: on one "
            "that is busy already the first ratio tells of that, the second of the work alone.",
        ],
    )


def _prepare(place: Place, plan: TapPlan) -> str:
    alarms = min(_MOST_ALARMS, plan.events)
    write_load_catalog(place.catalog, alarms, alarms)
    topic = place.topics.make("events", PARTITIONS)
    place.tell(f"appending {plan.events} events")
    records = generate_atoms(plan.events, alarms, plan.seed, int(place.clock.now() * 1000))
    append_backlog(place.kafka, topic, ((r.key, r.value) for r in records), place.clock)
    return topic


def _worked(place: Place, topic: str, plan: TapPlan) -> Outcome:
    """By a worker of its own group, with a ledger of its own."""
    job = Job(name="storm", events_topic=topic, partitions=PARTITIONS)
    return work_off(place, job, place.start_provider(plan.latency), plan.events)


def _tapped(place: Place, topic: str, plan: TapPlan, alone: Outcome) -> Tapped:
    rate = max(1.0, _PACE * (alone.per_second or plan.events))
    number = sum(1 for _ in place.folder.glob("tap-*.log"))
    out, log = place.folder / f"tap-{number}.ndjson", place.folder / f"tap-{number}.log"
    process = place.start(
        [
            *("consumer", "tap", "--topic", topic, "--from", "beginning"),
            *("--rate", f"{rate:.3f}", "--into", f"file:{out}"),
        ],
        log,
        {
            "MESSENGER_KAFKA__BOOTSTRAP_SERVERS": place.kafka.bootstrap_servers,
            "MESSENGER_MAILGUN__DOMAIN": DOMAIN,
            "MESSENGER_MAILGUN__API_KEY": "none",
            "MESSENGER_MAILGUN__FROM_ADDRESS": f"tap@{DOMAIN}",
        },
    )
    place.until(lambda: out.exists() and _lines(out) > 0, f"the tap shows nothing; see {log}")
    before = cpu_seconds(process.pid)
    outcome = _worked(place, topic, plan)
    result = Tapped(
        outcome=outcome, events=_lines(out), cpu_seconds=cpu_seconds(process.pid) - before
    )
    end(process)
    return result


def _lines(file: Path) -> int:
    with file.open("rb") as opened:
        return sum(block.count(b"\n") for block in iter(lambda: opened.read(1 << 20), b""))


def _figures(tapped: Tapped) -> list[Figure]:
    cpu_ms = divided(1000 * tapped.cpu_seconds, tapped.events)
    return [
        *tapped.outcome.figures(),
        Figure("events in the tap when production was done", tapped.events),
        Figure("tap's processor time", rounded(cpu_ms, 3), "ms per event"),
    ]


def _mean(values: Sequence[Number | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return fmean(measured) if measured else None
