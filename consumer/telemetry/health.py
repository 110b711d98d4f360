"""Liveness and readiness: pure rules over what the parts report."""

import threading
from collections.abc import Container, Iterable, Mapping
from typing import Final

import msgspec

#: Ends the name of what is asked about a transport's sends in doubt: `mailgun_lookup`.
LOOKUP: Final = "_lookup"
_UNHEARD = "not heard of yet"


class Condition(msgspec.Struct, frozen=True):
    """One part's word: fine or not, and why."""

    ok: bool
    why: str = ""


class Health:
    """Collects conditions by name. Thread-safe."""

    def __init__(self, needed: Iterable[str] = ()) -> None:
        """`needed`: not ready before these were heard of."""
        self._lock = threading.Lock()
        self._conditions = {name: Condition(False, _UNHEARD) for name in needed}

    def report(self, name: str, ok: bool, why: str = "") -> bool:
        """Note a part's condition; True when it changed."""
        with self._lock:
            before = self._conditions.get(name)
            self._conditions[name] = Condition(ok, why)
            return before is None or before.ok != ok or before.why == _UNHEARD

    def conditions(self) -> Mapping[str, Condition]:
        with self._lock:
            return dict(self._conditions)


def is_ready(conditions: Mapping[str, Condition], excused: Container[str] = ()) -> bool:
    """Every dependency that was heard of answers, but for those that nobody waits for."""
    return all(condition.ok or name in excused for name, condition in conditions.items())


def excuses(
    conditions: Mapping[str, Condition], carriers: Mapping[str, str], in_doubt: int
) -> Mapping[str, str]:
    """Why nobody waits for a dependency that is away, by its name.

    `carriers`: who carries the emails of a transport that is away; `in_doubt`: how many sends
    wait to be looked up.
    """
    found = {}
    for name, condition in conditions.items():
        carrier = carriers.get(name)
        if condition.ok:
            continue
        if carrier is not None and is_fine(conditions, carrier):
            found[name] = f"{carrier} carries"
        elif name.endswith(LOOKUP) and not in_doubt:
            found[name] = "nothing is in doubt"
    return found


def is_fine(conditions: Mapping[str, Condition], name: str) -> bool:
    """It answers, or was not asked yet."""
    return name not in conditions or conditions[name].ok


def alive(now: float, turned_at: float, limit_seconds: float) -> bool:
    """The poll loop has turned lately (monotonic seconds)."""
    return now - turned_at < limit_seconds
