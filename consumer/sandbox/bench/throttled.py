"""A provider that takes so many emails in a window of time and answers 429 after that: how much of
what it allows is used, one by one and in batch calls, by both ways in which it names the wait."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import requests

from consumer.sandbox.bench.acceptances import Acceptance, doubled
from consumer.sandbox.bench.appending import append_backlog
from consumer.sandbox.bench.figures import Figure, Ratio, Report, Section, divided
from consumer.sandbox.bench.place import Job, Place, Provider
from consumer.sandbox.bench.proc import machine
from consumer.sandbox.bench.work import rounded, work_off
from consumer.sandbox.catalog import write_load_catalog
from consumer.sandbox.traffic import generate_atoms

PARTITIONS: Final = 4
#: The share that has to be used.
_USED: Final = 0.9
#: Answers 429 for each email: all senders may be under way when a window is used up.
_REFUSED: Final = 0.1


class Way(msgspec.Struct, frozen=True):
    """How emails are sent, and how a refusal names the end of the wait."""

    name: str
    batch_limit: int
    #: `date` or `seconds`.
    wait: str


WAYS: Final = (
    Way("one by one, date", 1, "date"),
    Way("one by one, seconds", 1, "seconds"),
    Way("batch calls, date", 1_000, "date"),
    Way("batch calls, seconds", 1_000, "seconds"),
)


class ThrottledPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How many emails, and in how many windows at the least.

    Waits are named in whole seconds: of short windows that alone takes a share.
    """

    events: int = 2_000
    windows: int = 4
    window_seconds: float = 15.0
    #: Seconds after which the fake answers.
    latency: float = 0.05
    ways: Sequence[Way] = WAYS
    seed: int = 1

    @property
    def limit(self) -> int:
        """Emails of one window."""
        return max(1, self.events // self.windows)


class Throttled(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker did with its events under the limit."""

    plan: ThrottledPlan
    way: Way
    accepted: Sequence[Acceptance]
    #: Calls answered 429.
    refused: int

    @property
    def astray(self) -> int:
        """Emails that were lost, or accepted twice."""
        lost = self.plan.events - len({each.event_id for each in self.accepted})
        return lost + doubled(self.accepted)

    def ratios(self) -> list[Ratio]:
        """All of them, with the way's name."""
        name, per_window = self.way.name, self.plan.limit
        share = used(self.accepted, per_window, self.plan.window_seconds)
        refused = divided(self.refused, len(self.accepted))
        return [
            Ratio(f"{name}: accepted / allowed", share, _USED),
            Ratio(f"{name}: calls answered 429 / email", refused, _REFUSED, at_most=True),
            Ratio(f"{name}: lost or doubled", self.astray, 0, at_most=True, unit="emails"),
        ]

    def figures(self) -> list[Figure]:
        """What the ratios are made of."""
        begins = windows(self.accepted, self.plan.window_seconds)
        apart = divided(begins[-1] - begins[0], len(begins) - 1) if begins else None
        return [
            Figure("emails accepted", len(self.accepted)),
            Figure("calls answered 429", self.refused),
            Figure("windows", len(begins)),
            Figure("from window to window", rounded(apart, 2), "s"),
        ]


def throttled(place: Place, plan: ThrottledPlan) -> Report:
    """The same backlog by each way, each with a worker and a fake of its own."""
    write_load_catalog(place.catalog, plan.events, plan.events)
    runs = [_run(place, plan, way) for way in plan.ways]
    return Report(
        benchmark=f"throttled: {plan.limit} emails in each {plan.window_seconds:g} s",
        broker=place.broker,
        machine=machine(),
        sections=[Section(run.way.name, run.figures()) for run in runs],
        ratios=[ratio for run in runs for ratio in run.ratios()],
        notes=["a window begins with its first call, and its end is told in whole seconds"],
    )


def windows(accepted: Sequence[Acceptance], seconds: float) -> list[float]:
    """When each window began: with the first email after the end of the one before."""
    begins: list[float] = []
    for each in accepted:
        if not begins or each.at >= begins[-1] + seconds:
            begins.append(each.at)
    return begins


def used(accepted: Sequence[Acceptance], limit: int, seconds: float) -> float | None:
    """Emails in a second against those that are allowed, from the first window's begin to the
    last one's, which need not be full. None: there was but one."""
    begins = windows(accepted, seconds)
    if len(begins) < 2:
        return None
    before = sum(each.at < begins[-1] for each in accepted)
    return before / (begins[-1] - begins[0]) / (limit / seconds)


def _run(place: Place, plan: ThrottledPlan, way: Way) -> Throttled:
    place.tell(f"{plan.events} events, {way.name}")
    topic = place.topics.make("events", PARTITIONS)
    now_ms = int(place.clock.now() * 1000)
    records = generate_atoms(plan.events, plan.events, plan.seed, now_ms)
    append_backlog(place.kafka, topic, ((r.key, r.value) for r in records), place.clock)
    provider = place.start_provider(plan.latency)
    rule = {"limit": plan.limit, "per_seconds": plan.window_seconds, "counts": "recipient"}
    _control(provider, "PUT", "limits", {"rate_limits": [rule]})
    _control(provider, "PUT", "switches", {"rate_limit_text": way.wait})
    settings = {"mailgun__batch_limit": way.batch_limit}
    job = Job(name="throttled", events_topic=topic, partitions=PARTITIONS, settings=settings)
    outcome = work_off(place, job, provider, plan.events)
    refused = _control(provider, "GET", "stats")["rejected_calls"]
    return Throttled(plan=plan, way=way, accepted=outcome.accepted, refused=refused)


def _control(
    provider: Provider, method: str, name: str, wish: dict[str, Any] | None = None
) -> dict[str, Any]:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(method, f"{provider.url}/_fake/{name}", json=wish, timeout=10)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told
