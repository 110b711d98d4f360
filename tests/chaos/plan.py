"""What one run is made of: its size, and a schedule of disturbances drawn from a seed. Pure."""

import random
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Literal

import msgspec

from tests.chaos import faults

#: Disturbances keep away from the first and the last part of the run (fractions of it).
_BEGIN, _END = 0.06, 0.92
#: How often each befalls a process: crashes most, since they leave the most behind.
_PROCESS_ACTIONS: Final = ("kill",) * 6 + ("restart",) * 2 + ("freeze",)


class Action(StrEnum):
    KILL = "kill"
    #: SIGTERM and a new process.
    RESTART = "restart"
    #: SIGSTOP beyond lease and session, then SIGCONT.
    FREEZE = "freeze"
    #: Kafka or PostgreSQL: stopped in order and started again.
    STOP = "stop"
    #: Kafka or PostgreSQL: ended without goodbye and started again.
    CRASH = "crash"
    #: One more process joins the group, and leaves it.
    JOIN = "join"
    #: The provider misbehaves for some calls.
    FAULTS = "faults"


class Disturbance(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is done to one target. What befalls one target is done one by one."""

    #: Seconds after the start of the traffic.
    at: float
    target: str
    action: Action
    #: How long it stays gone or frozen (seconds).
    seconds: float = 0.0
    faults: Sequence[Mapping[str, Any]] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a run."""

    events: int = 20_000
    processes: int = 3
    seed: int = 1
    #: How long events are produced; the run is over when all of them are dealt with.
    minutes: float = 5.0
    ledger: Literal["sqlite", "postgresql"] = "postgresql"
    #: Senders of one process.
    workers: int = 16
    #: Beside it a plain consumer loop on the same events and faults.
    naive: bool = True
    #: Kills, orderly restarts and freezes of processes in all.
    kills: int = 45
    #: Outages of the broker, and as many of the database.
    outages: int = 3
    joins: int = 3
    #: How often the provider begins to misbehave, besides what always goes wrong.
    bursts: int = 40
    #: The provider's own records of what it accepted are this late (seconds).
    visibility: float = 1.0
    #: Time to deal with all that is left when the disturbances are over (seconds).
    patience: float = 180.0

    @property
    def seconds(self) -> float:
        return self.minutes * 60

    @property
    def names(self) -> tuple[str, ...]:
        """The processes of the group."""
        return tuple(f"messenger-{number}" for number in range(1, self.processes + 1))


def schedule(plan: Plan) -> list[Disturbance]:
    """The same for the same plan; sorted by time."""
    rng = random.Random(plan.seed)
    found = [*_processes(plan, rng), *_servers(plan, rng), *_provider(plan, rng)]
    found += [
        Disturbance(at=at, target="extra", action=Action.JOIN, seconds=rng.uniform(4, 8))
        for at in _moments(rng, plan, plan.joins)
    ]
    return sorted(found, key=lambda each: each.at)


def _processes(plan: Plan, rng: random.Random) -> Iterator[Disturbance]:
    dealt = _dealt(rng, _PROCESS_ACTIONS, plan.kills)
    for number, name in enumerate(plan.names):
        own = dealt[number :: plan.processes]
        for at, action in zip(_moments(rng, plan, len(own)), own, strict=True):
            # Frozen for longer than the lease (4 s), or gone for up to a session (3 s).
            seconds = rng.uniform(5, 7) if action == "freeze" else rng.uniform(0, 3)
            yield Disturbance(at=at, target=name, action=Action(action), seconds=seconds)


def _servers(plan: Plan, rng: random.Random) -> Iterator[Disturbance]:
    targets = ("kafka", "postgresql") if plan.ledger == "postgresql" else ("kafka",)
    for target in targets:
        actions = _dealt(rng, ("stop", "crash"), plan.outages)
        for at, action in zip(_moments(rng, plan, plan.outages), actions, strict=True):
            seconds = rng.uniform(0, 4)
            yield Disturbance(at=at, target=target, action=Action(action), seconds=seconds)


def _provider(plan: Plan, rng: random.Random) -> Iterator[Disturbance]:
    bursts = _dealt(rng, faults.BURSTS, plan.bursts)
    for at, burst in zip(_moments(rng, plan, plan.bursts), bursts, strict=True):
        yield Disturbance(at=at, target="mailgun", action=Action.FAULTS, faults=(burst,))


def _moments(rng: random.Random, plan: Plan, count: int) -> list[float]:
    """One moment in each of `count` equal parts of the run."""
    begin, end = plan.seconds * _BEGIN, plan.seconds * _END
    step = (end - begin) / max(count, 1)
    return [begin + step * (number + rng.random()) for number in range(count)]


def _dealt(rng: random.Random, items: Sequence[Any], count: int) -> list[Any]:
    """The items in random order, each once before any comes again."""
    dealt: list[Any] = []
    while len(dealt) < count:
        dealt += rng.sample(items, len(items))
    return dealt[:count]
