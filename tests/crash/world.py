"""What outlives a process: the topics, the group's offsets, the ledger, the provider, the time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from consumer.adapters.ledger import open_ledger
from consumer.domain.alarm import AlarmEvent
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record
from consumer.domain.tracking import TrackingEvent
from consumer.worker.offsets import TopicPartition
from tests.crash.events import FIRST, LOG, OTHER, SECOND, uid
from tests.support.clock import CALLERS_CLOCK, ManualClock
from tests.support.provider import FakeProvider
from tests.support.worker import FIRST as PARTITION

LEASE_SECONDS: Final = 30.0
#: Records after which nothing more is told of a notification or an event.
_FINAL: Final = frozenset({Kind.ACCEPTED, Kind.DUPLICATE})
_EVENTS: Final = {event.id: event for event in (FIRST, SECOND, OTHER)}


class World:
    """Shared by all processes of one scenario."""

    def __init__(self, ledger: Path) -> None:
        self.clock = ManualClock()
        self.provider = FakeProvider()
        self.tracked: list[TrackingEvent] = []
        self.committed: dict[TopicPartition, int] = {}
        self.ledger = open_ledger(f"sqlite:///{ledger}", clock=CALLERS_CLOCK)
        #: Commits that passed a record which was not done.
        self.wrong_commits: list[str] = []

    @property
    def next_offset(self) -> int:
        """Where the partition's next owner begins."""
        return self.committed.get(PARTITION, 0)

    def left(self) -> Sequence[Record]:
        return LOG[self.next_offset :]

    def is_closed(self, event: AlarmEvent) -> bool:
        return event.id in self.ledger.find_events([event.id])

    def check_commit(self) -> None:
        """Every record below the offset has ended in the ledger, and its last record is told."""
        below = list(_EVENTS)[: self.next_offset]
        told = {record.event.id for record in self.tracked if record.kind in _FINAL}
        closed = self.ledger.find_events(below)
        self.wrong_commits += [id_ for id_ in below if id_ not in told or id_ not in closed]

    def story(self, event: AlarmEvent) -> list[str]:
        """What tracking says of an event, each record once: as those who read it fold it."""
        records = {r.id: r for r in self.tracked if r.event.id == event.id}
        return [_word(record) for record in records.values()]

    def sends(self, event: AlarmEvent) -> int:
        """How many requests the provider got for it."""
        return self.provider.calls.count(uid(event))

    def close(self) -> None:
        self.ledger.close()


def _word(record: TrackingEvent) -> str:
    """The kind, or the reason where that says more; a star where it may be a duplicate."""
    reason = record.outcome.reason
    told = reason if reason in (Reason.FOUND, Reason.NOT_FOUND) else record.kind
    return f"{told}*" if record.possible_duplicate else str(told)
