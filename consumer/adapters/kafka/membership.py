"""Whether the member has its place in the group: one that waits for it for ever looks idle."""

from typing import Any

from kafka.structs import MemberState


def is_settled(consumer: Any) -> bool:
    """Whether the group has told the member its partitions; none, if others have all."""
    coordinator = getattr(consumer, "_coordinator", None)
    # The first leader of a fresh start gives out nothing: it does not know the topics yet.
    joins_anew = coordinator is not None and coordinator.need_rejoin()
    return consumer.group_metadata().state is MemberState.STABLE and not joins_anew


class Membership:
    """How long the member has waited for its place; pure. Times are monotonic seconds."""

    def __init__(self, patience_seconds: float, now: float) -> None:
        self._patience = patience_seconds
        self._waits_since = self._said_at = now

    def overdue(self, settled: bool, now: float) -> float | None:
        """The seconds waited, each time that our patience is over once more; else None."""
        if settled:
            self._waits_since = self._said_at = now
        if now - self._said_at < self._patience:
            return None
        self._said_at = now
        return now - self._waits_since
