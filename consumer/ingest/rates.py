"""How often a client may come: a bucket of tokens for each, filled at a steady rate."""

from collections.abc import Iterable

from consumer.ports import Clock


class Rates:
    """A bucket for each name that is given, and no other: strangers cannot make it grow.

    Not for several threads: the door asks on its event loop.
    """

    def __init__(
        self, names: Iterable[str], *, per_second: float, burst: int, clock: Clock
    ) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._clock = clock
        #: Tokens, and when they were counted (monotonic seconds).
        self._buckets = dict.fromkeys(names, (self._burst, clock.monotonic()))

    def wait(self, name: str) -> float:
        """0: one more may come now, and is counted. Else the seconds until one may."""
        tokens, counted = self._buckets[name]
        now = self._clock.monotonic()
        tokens = min(self._burst, tokens + (now - counted) * self._per_second)
        missing = max(0.0, 1.0 - tokens)
        self._buckets[name] = (tokens if missing else tokens - 1.0, now)
        return missing / self._per_second
