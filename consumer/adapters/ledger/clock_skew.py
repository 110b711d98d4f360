"""Whether a process's clock and the database's disagree: told once for each change."""

from collections.abc import Callable
from typing import Final

#: Called with the seconds by which the process's clock is ahead; 0 when the two agree again.
OnSkew = Callable[[float], None]

#: Seconds that are no disagreement.
_TOLERANCE: Final = 1.0


def not_told(_ahead: float) -> None:
    """For a ledger whose clock nobody watches."""


def seconds_ahead(before: float, after: float, shared: float) -> float:
    """By how much a clock is ahead of the shared one at the least, when that was read between
    `before` and `after`; negative when it is behind. A slow answer is no disagreement.
    """
    return max(0.0, before - shared) + min(0.0, after - shared)


class ClockSkew:
    """Remembers what was told last. Used from one thread at a time."""

    def __init__(self, tell: OnSkew) -> None:
        self._tell = tell
        self._told = 0.0

    def measured(self, ahead: float) -> None:
        agreed = abs(ahead) <= _TOLERANCE
        known = self._told == 0.0 if agreed else abs(ahead - self._told) <= _TOLERANCE
        if not known:
            self._told = 0.0 if agreed else ahead
            self._tell(self._told)
