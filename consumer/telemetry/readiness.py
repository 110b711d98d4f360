"""Whether the work is being done, and what is to be said of each dependency; pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from consumer.telemetry.health import Condition, excuses, is_fine, is_ready

#: A provider's wait that nobody has to hear of (seconds).
_SHORT: Final = 5.0


class Carriers(msgspec.Struct, frozen=True):
    """By transport, which other one carries its emails while it is away, or when it asks to wait
    for more than `after` seconds."""

    of: Mapping[str, str] = MappingProxyType({})
    after: float = 0.0


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How many sends wait to be looked up, and how many for a sender or for their time."""

    in_doubt: int
    waiting: int


def readiness(
    conditions: Mapping[str, Condition],
    asked: Mapping[str, float],
    carriers: Carriers,
    load: Load,
) -> tuple[bool, Mapping[str, str]]:
    """Ready or not, and a word on each dependency.

    `asked`: for how many seconds a provider asked us to wait, by transport, while it does. For
    more than a moment that is as good as being away, unless nothing waits for it.
    """
    waits = {
        name: Condition(False, f"asked us to wait {seconds:.0f} s")
        for name, seconds in asked.items()
        if seconds > _SHORT and is_fine(conditions, name)
    }
    known = {**conditions, **waits}
    carried = {
        name: carrier
        for name, carrier in carriers.of.items()
        if name not in waits or asked[name] > carriers.after
    }
    excused = dict(excuses(known, carried, load.in_doubt))
    if not load.waiting:
        excused = dict.fromkeys(waits, "no email waits") | excused
    told = {name: _told(each, excused.get(name)) for name, each in known.items()}
    for name, seconds in asked.items():
        if name in waits:
            told[name] = f"{waits[name].why}; {excused.get(name, f'{load.waiting} emails wait')}"
        else:
            told[name] = f"{told.get(name, 'ok')}; asked us to wait {seconds:.0f} s"
    return is_ready(known, excused), dict(sorted(told.items()))


def _told(condition: Condition, excuse: str | None) -> str:
    if condition.ok:
        return "ok"
    return condition.why if excuse is None else f"away, {excuse}: {condition.why}"
