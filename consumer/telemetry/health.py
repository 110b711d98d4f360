"""Liveness and readiness: pure rules over what the parts report."""

import threading
from collections.abc import Iterable, Mapping

import msgspec

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

    def ready(self) -> bool:
        """Every dependency that was heard of answers."""
        return all(condition.ok for condition in self.conditions().values())


def alive(now: float, turned_at: float, limit_seconds: float) -> bool:
    """The poll loop has turned lately (monotonic seconds)."""
    return now - turned_at < limit_seconds
