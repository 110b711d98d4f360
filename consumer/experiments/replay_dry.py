"""A replay without doing it: what would be sent, to whom, and why not. Nothing is written.

The same selector and the same pipeline as in earnest, on a ledger that is only read.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from consumer.adapters.clock import SystemClock
from consumer.adapters.ledger import SqlLedger
from consumer.domain.notification import Email
from consumer.domain.record import Record
from consumer.experiments.overlay import ReadOnlyLedger
from consumer.experiments.replay import Given, make_catalog, make_pipeline, make_selector
from consumer.experiments.replay_pipeline import ReplayPipeline
from consumer.experiments.replay_report import Report
from consumer.pipeline.lock import Progress
from consumer.pipeline.pipeline import Incoming, NotYet, Prepared
from consumer.pipeline.sends import Send
from consumer.settings import Settings
from consumer.telemetry.metrics import Metrics

#: First seen so long ago that nobody waits for a catalog that lacks something.
_LONG_AGO: Final = 0.0
_POLL_SECONDS, _BATCH = 0.5, 500


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of one event at one destination, or of the event as a whole."""

    #: Topic/partition/offset.
    record: str
    event_id: str
    tenant_id: str
    alarm_id: str
    state: str
    #: Epoch milliseconds.
    timestamp: int
    #: send; look up first; or the kind it would end as.
    what: str
    #: Why it is not sent; empty where it is.
    why: str = ""
    destination: str = ""
    subject: str = ""
    message_id: str = ""


class DryRun:
    """Goes through all that was asked for, once."""

    def __init__(self, settings: Settings, given: Given, ledger: SqlLedger) -> None:
        self.report = Report()
        #: Emails that would go.
        self.emails = 0
        clock = SystemClock()
        overlay = ReadOnlyLedger(ledger)
        self._given = given
        self._catalog = make_catalog(settings, clock)
        self._selector = make_selector(
            settings, given, overlay, clock=clock, report=self.report, stores=ledger
        )
        self._pipeline: ReplayPipeline = make_pipeline(
            settings,
            given,
            self._selector,
            overlay,
            owner="dry-run",
            catalog=self._catalog,
            clock=clock,
            report=self.report,
            metrics=Metrics(),
            stores=ledger,
        )
        #: How far each alarm would have come.
        self._progress: dict[str, Progress] = {}
        self._seen: dict[str, frozenset[str]] = {}

    def __iter__(self) -> Iterator[tuple[Foreseen, Email | None]]:
        """With its email where there is one. Raises LedgerUnavailable, CatalogUnavailable and
        BrokerUnavailable."""
        try:
            while not self._given.reader.done:
                records = self._given.reader.poll(_POLL_SECONDS, _BATCH)
                if records:
                    yield from self._foresee(records)
        finally:
            self._catalog.close()

    def _foresee(self, records: Sequence[Record]) -> Iterator[tuple[Foreseen, Email | None]]:
        self._selector.look(records)
        arrivals = [
            (received.record, Incoming(event, _LONG_AGO))
            for received in self._pipeline.receive(records)
            for event in received.events
        ]
        incoming = [each for _, each in arrivals]
        answers = self._pipeline.prepare(incoming, self._progress, self._seen)
        for (record, each), answer in zip(arrivals, answers, strict=True):
            if isinstance(answer, Prepared):
                self._move_on(answer)
            yield from self._of(record, each, answer)

    def _move_on(self, answer: Prepared) -> None:
        event, atom = answer.locked.event, answer.locked.event.atom
        self._progress[atom] = answer.locked.progress
        self._seen[atom] = self._seen.get(atom, frozenset()) | {event.id}

    def _of(
        self, record: Record, incoming: Incoming, answer: Prepared | NotYet
    ) -> Iterator[tuple[Foreseen, Email | None]]:
        event = incoming.event
        about = Foreseen(
            record="/".join(map(str, record.position)),
            event_id=event.id,
            tenant_id=event.tenant_id,
            alarm_id=event.alarm_id,
            state=event.state,
            timestamp=event.timestamp,
            what="waits",
        )
        if isinstance(answer, NotYet):
            yield msgspec.structs.replace(about, why=answer.why), None
            return
        for send in answer.sends:
            yield self._of_send(about, send)
        for known in answer.known:
            result, to = known.result, known.notification.destination
            yield (
                msgspec.structs.replace(
                    about, what=result.kind, why=result.message, destination=to
                ),
                None,
            )
        for ending in answer.endings:
            to = ending.destination or ending.target_id or ""
            yield (
                msgspec.structs.replace(
                    about, what=ending.kind, why=ending.message, destination=to
                ),
                None,
            )

    def _of_send(self, about: Foreseen, send: Send) -> tuple[Foreseen, Email | None]:
        told = msgspec.structs.replace(
            about,
            destination=send.notification.destination,
            subject=send.email.subject,
            message_id=send.email.message_id,
            what="send" if send.doubt is None else "look up first",
        )
        if send.obsolete is not None:
            return msgspec.structs.replace(told, what="look up only", why=send.obsolete), None
        self.emails += 1
        return told, send.email
