"""One worker on one backlog, measured: how fast, how much processor time, how much memory."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import requests

from consumer.sandbox.bench.acceptances import Acceptance, doubled, rate
from consumer.sandbox.bench.figures import Figure, Number
from consumer.sandbox.bench.place import Job, Place, Provider, Worker
from consumer.sandbox.bench.proc import OTHERS, Load, cpu_seconds, peak_bytes
from consumer.sandbox.processes import end

_MEBIBYTE: Final = 2**20
#: Percent: what counts as all there is; the rest is lost between samples.
_ONE_CORE: Final = 85.0
_ALL_CORES: Final = 90.0
#: Without any progress for so many seconds, something is broken.
_PATIENCE: Final = 60.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker did with its events."""

    events: int
    accepted: Sequence[Acceptance]
    calls: int
    #: Processor time before the first acceptance: starting, joining, the first batch.
    cpu_before: float
    #: Processor time from the first acceptance to the last commit.
    cpu_after: float
    #: Emails after those that had been accepted when `cpu_after` began.
    emails_after: int
    peak_bytes: int
    #: Percent of one core by process, from the first acceptance to the last.
    shares: Mapping[str, float]
    worker: Worker

    @property
    def per_second(self) -> float | None:
        return rate(self.accepted)

    @property
    def cpu_ms(self) -> float | None:
        """Milliseconds of processor time for one notification."""
        return 1000 * self.cpu_after / self.emails_after if self.emails_after else None

    def figures(self) -> list[Figure]:
        """All of it, for people."""
        return [
            Figure("events", self.events),
            Figure("emails accepted", len(self.accepted)),
            Figure("accepted twice", doubled(self.accepted)),
            Figure("API calls", self.calls),
            Figure("notifications", rounded(self.per_second), "per second"),
            Figure("worker's processor time", rounded(self.cpu_ms, 3), "ms per notification"),
            Figure("worker's processor time before", rounded(self.cpu_before, 2), "s"),
            Figure("worker's peak memory", rounded(self.peak_bytes / _MEBIBYTE), "MiB"),
            *(
                Figure(f"load of {name}", rounded(share), "% of a core")
                for name, share in self.shares.items()
            ),
        ]


def rounded(value: Number | None, digits: int = 1) -> float | None:
    """For people and for JSON alike: what is beyond these digits is noise."""
    return None if value is None else round(value, digits)


def work_off(place: Place, job: Job, provider: Provider, events: int) -> Outcome:
    """Start a worker on a topic of so many events, and stop it when all of them are done.

    Raises DependencyError when it does not go on.
    """
    worker = place.start_worker(job, provider)
    pid = worker.process.pid
    wait = _Wait(place, worker, provider)
    wait.until_accepted(1)
    load, cpu_before, seen = Load(_pids(place, worker, provider)), cpu_seconds(pid), wait.accepted
    begun = place.clock.monotonic()
    wait.until_accepted(events)
    shares = load.shares(place.clock.monotonic() - begun)
    wait.until_committed(job.events_topic, events)
    outcome = Outcome(
        events=events,
        accepted=tuple(provider.accepted.all),
        calls=_calls(provider),
        cpu_before=cpu_before,
        cpu_after=cpu_seconds(pid) - cpu_before,
        emails_after=events - seen,
        peak_bytes=peak_bytes(pid),
        shares=shares,
        worker=worker,
    )
    end(worker.process)
    return outcome


def bound_of(shares: Mapping[str, float], cores: int) -> str:
    """What bounds the speed, as far as processor time tells. `shares` in percent of a core."""
    ours = {name: share for name, share in shares.items() if name != OTHERS}
    if not ours:
        return "too short to say what bounds it"
    busiest = max(ours, key=lambda name: ours[name])
    busy = sum(shares.values()) / cores
    if ours[busiest] >= _ONE_CORE:
        what = f"{busiest}, which has all of the one core that Python can use"
    elif busy >= _ALL_CORES:
        what = "the machine"
    else:
        what = "waiting, not processor time"
    return (
        f"bound by {what} ({busiest} at {ours[busiest]:.0f} % of a core, all cores together at "
        f"{busy:.0f} %, of a core {shares.get(OTHERS, 0):.0f} % by processes not measured here)"
    )


class _Wait:
    """For progress, with an end to patience."""

    def __init__(self, place: Place, worker: Worker, provider: Provider) -> None:
        self._place = place
        self._worker = worker
        self._provider = provider
        self.accepted = 0

    def until_accepted(self, emails: int) -> None:
        while self.accepted < emails:
            before = self.accepted

            def moved() -> bool:
                self._worker.ensure_alive()
                self.accepted = len(self._provider.accepted)
                return self.accepted > before  # noqa: B023  # called before the next round

            stuck = f"no more than {before} of {emails} emails; see {self._worker.log}"
            self._place.until(moved, stuck, _PATIENCE)

    def until_committed(self, topic: str, events: int) -> None:
        with self._place.topics.admin(self._worker.group) as admin:

            def committed() -> bool:
                self._worker.ensure_alive()
                return sum(state.done for state in admin.describe([topic])) >= events

            self._place.until(
                committed, f"not all events were committed; see {self._worker.log}", _PATIENCE
            )


def _pids(place: Place, worker: Worker, provider: Provider) -> dict[str, int]:
    pids = {"worker": worker.process.pid, "fake": provider.process.pid}
    broker = place.broker_pid
    return pids if broker is None else pids | {"broker": broker}


def _calls(provider: Provider) -> int:
    with requests.Session() as session:
        session.trust_env = False
        calls: int = session.get(f"{provider.url}/_fake/stats", timeout=10).json()["calls"]
        return calls
