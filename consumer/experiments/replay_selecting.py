"""Which events of which records are replayed: filter first, then the ledger.

A record is looked at once, when it has been read. What is said of it is kept until the pipeline
has taken it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.ledger import DeliveryRow, EventRow
from consumer.domain.record import Position, Record
from consumer.domain.recovery import problem_of, recovered
from consumer.domain.resend import resend
from consumer.experiments.filters import Filter
from consumer.experiments.replay_report import Report
from consumer.experiments.replay_standing import Verdict, Why, missing, resendable
from consumer.experiments.seen import Seen, see_events
from consumer.pipeline.receive import ReceiveSettings
from consumer.ports import Clock, LedgerOfAtoms

#: Milliseconds by which the clocks that made a record and pruned the ledger may differ.
_CLOCKS_MS = 3_600_000


class Memory(LedgerOfAtoms, Protocol):
    """A ledger that is asked about many events at once."""

    def deliveries_of(self, event_ids: Sequence[str]) -> Mapping[str, DeliveryRow]:
        """By notification uid, all deliveries of these events."""

    def newest_told(self, atoms: Sequence[str], since: float) -> Mapping[str, EventRow]:
        """By atom, the newest event that was told, of those that ended at `since` or later."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked for."""

    #: The replay's name.
    name: str
    #: A deliberate resend, and why. None: only what is missing.
    resend: str | None = None
    #: Also what was suppressed.
    suppressed: bool = False
    #: Also what was overtaken by a newer state that was told.
    out_of_order: bool = False


class Selector:
    """Reads records as production would, and says which of their events go. For one thread."""

    def __init__(
        self,
        *,
        wish: Wish,
        wanted: Filter,
        receive: ReceiveSettings,
        ledger: Memory,
        clock: Clock,
        retention_seconds: float,
        report: Report,
        problems: Callable[[Collection[str]], Mapping[str, AlarmEvent]] = lambda _ids: {},
    ) -> None:
        """`problems`: by event id, those that a recovery names and says no more of."""
        self._problems = problems
        self._wish = wish
        self._wanted = wanted
        self._receive = receive
        self._ledger = ledger
        self._clock = clock
        self._retention_ms = retention_seconds * 1000
        self._report = report
        self._chosen: dict[Position, tuple[AlarmEvent, ...]] = {}
        #: Ids of chosen events that have ended: to be opened when their alarm is ours.
        self.to_open: set[str] = set()
        #: Ids of chosen events that were to be sent before.
        self.asked_again: set[str] = set()

    def look(self, records: Sequence[Record]) -> Sequence[int]:
        """Choose among the events of the records; how many go, record by record.

        Raises LedgerUnavailable; nothing has been chosen or counted then.
        """
        seen = self._recalled(see_events(records, self._receive))
        meant = [each for each in seen if each.event is not None and self._wanted.matches(each)]
        verdicts = self._verdicts(meant)
        chosen: dict[Position, list[AlarmEvent]] = {}
        for each, (event, verdict) in zip(meant, verdicts, strict=True):
            if verdict.why is None:
                chosen.setdefault(each.record.position, []).append(event)
                self._note(event, verdict)
            else:
                self._report.left_out(verdict.why)
        self._report.read(len(records), matched=len(meant))
        self._report.unreadable(sum(each.event is None for each in seen))
        self._chosen |= {place: tuple(events) for place, events in chosen.items()}
        return [len(chosen.get(record.position, ())) for record in records]

    def take(self, record: Record) -> tuple[AlarmEvent, ...]:
        """The events of the record that go; asked once."""
        return self._chosen.pop(record.position, ())

    def _recalled(self, seen: Sequence[Seen]) -> list[Seen]:
        """Recoveries that name only their problem, as events of its alarm."""
        named = [None if each.event is None else problem_of(each.event) for each in seen]
        wanted = {name for name in named if name is not None}
        known = self._problems(wanted) if wanted else {}
        return [
            msgspec.structs.replace(each, event=recovered(known[name], each.event))
            if each.event is not None and name is not None and name in known
            else each
            for each, name in zip(seen, named, strict=True)
        ]

    def _note(self, event: AlarmEvent, verdict: Verdict) -> None:
        if verdict.opens:
            self.to_open.add(event.id)
        if verdict.again:
            self.asked_again.add(event.id)

    def _verdicts(self, meant: Sequence[Seen]) -> list[tuple[AlarmEvent, Verdict]]:
        events = [each.event for each in meant if each.event is not None]
        goes = [self._as_wished(event) for event in events]
        ids = {event.id for event in (*events, *goes)}
        ended = self._ledger.find_events(ids) if ids else {}
        rows: dict[str, list[DeliveryRow]] = {}
        for row in self._ledger.deliveries_of(sorted(ids)).values() if ids else ():
            rows.setdefault(row.event_id, []).append(row)
        return [
            (new, self._verdict(each.record, old, new, ended, rows))
            for each, old, new in zip(meant, events, goes, strict=True)
        ]

    def _as_wished(self, event: AlarmEvent) -> AlarmEvent:
        wish = self._wish
        return event if wish.resend is None else resend(event, wish.name, wish.resend)

    def _verdict(
        self,
        record: Record,
        old: AlarmEvent,
        new: AlarmEvent,
        ended: Mapping[str, EventRow],
        rows: Mapping[str, Sequence[DeliveryRow]],
    ) -> Verdict:
        theirs = rows.get(new.id, ())
        if self._wish.resend is None:
            return missing(
                ended.get(new.id),
                theirs,
                is_remembered=self._is_remembered(record, old),
                suppressed=self._wish.suppressed,
                overtaken=self._wish.out_of_order,
            )
        first = resendable(ended.get(old.id))
        if first.why is not None:
            return first
        verdict = missing(ended.get(new.id), theirs, is_remembered=True)
        if verdict.why is Why.ALREADY_SENT:
            return Verdict(Why.ALREADY_RESENT)
        if verdict.why is not None:
            return verdict
        return msgspec.structs.replace(verdict, again=True)

    def _is_remembered(self, record: Record, event: AlarmEvent) -> bool:
        """Rows are kept for a time after an event ended, which was after its record was made."""
        made = record.timestamp if record.timestamp > 0 else event.timestamp
        oldest = self._clock.now() * 1000 - self._retention_ms
        return made >= oldest + min(_CLOCKS_MS, self._retention_ms / 2)
