"""A clock that tests move by hand."""

from sqlalchemy import Double, bindparam

#: For a ledger, instead of its database's clock: the time is what each caller says it is.
CALLERS_CLOCK = bindparam("now", type_=Double)


class ManualClock:
    """Time stands still until `advance`; `wait` advances it and returns at once."""

    def __init__(self, now: float = 1_392_138_740.0) -> None:
        self._now = now
        self.waits: list[float] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._now += seconds

    def advance(self, seconds: float) -> None:
        self._now += seconds
