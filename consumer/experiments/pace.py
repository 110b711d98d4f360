"""At most so many events a second, evenly spread."""

from typing import Final

#: Seconds that one may go too early: so short sleeps cost more than they are worth.
_EARLY: Final = 0.02


class Pace:
    """Says when the next one may go. Times are monotonic seconds."""

    def __init__(self, per_second: float | None) -> None:
        self._gap = 0.0 if per_second is None else 1.0 / per_second
        self._free_at = 0.0

    def wait_seconds(self, now: float) -> float:
        """How long the next one has to wait; 0: it may go now."""
        ahead = self._free_at - now
        return ahead if ahead > _EARLY else 0.0

    def spend(self, now: float) -> None:
        """One goes now. Time in which none went is not saved up."""
        self._free_at = max(now, self._free_at) + self._gap
