"""The recorder: documents of a provider in, acknowledged tracking records out.

For webhooks and polling alike, and in one order: doubts are settled, records are acknowledged by
Kafka together with the events that follow from them, and only then is noted that they were told. A
crash before that note has the same records written again when the report comes again, under the
same ids: readers take an id twice for one record.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Literal

import msgspec

from consumer.adapters.group_commit import Gather
from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import BrokerUnavailable, LedgerUnavailable
from consumer.domain.feedback import SentEmail
from consumer.domain.ledger import DeliveryState, Settlement
from consumer.domain.reasons import Kind, Reason
from consumer.domain.tracking import TrackingEvent
from consumer.feedback.aftermath import NOTHING_MORE, Aftermath
from consumer.feedback.ports import FeedbackStore
from consumer.feedback.reading import read
from consumer.feedback.report import NoReport, Report
from consumer.feedback.telling import Told, tell
from consumer.ports import Clock, Ledger, RecordSink
from consumer.worker.outbox import Outbox

#: Seconds Kafka may take; a webhook's sender waits for so long, and comes again.
_DELIVER_SECONDS = 10.0

Source = Literal["webhook", "poll"]


class Outcome(StrEnum):
    """What became of one document."""

    RECORDED = "recorded"
    #: Told before, by the other side or by an earlier webhook.
    KNOWN = "known"
    #: Mailgun has the email: it settles a doubt, tracking was told by who sent it.
    ACCEPTED = "accepted"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"
    #: Its token came before, with something else: somebody signs what is not Mailgun's.
    REPLAYED = "replayed"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One document and who brought it."""

    document: Any
    source: Source
    #: Of a webhook.
    token: str | None = None


class _Read(msgspec.Struct, frozen=True):
    entry: Entry
    report: Report | NoReport

    @property
    def stands_for(self) -> str:
        """What the token is bound to."""
        return self.report.tracking_id if isinstance(self.report, Report) else ""


class Recorder:
    """Safe for many threads; what they bring at the same time is recorded together."""

    def __init__(
        self,
        *,
        owner: str,
        worker: str,
        store: FeedbackStore,
        ledger: Ledger,
        sink: RecordSink,
        tracking_topic: str,
        clock: Clock,
        installation: str = "",
        aftermath: Aftermath = NOTHING_MORE,
        on_document: Callable[[Source, Outcome], None] = lambda _source, _outcome: None,
        on_recorded: Callable[[TrackingEvent], None] = lambda _record: None,
        on_follow_up: Callable[[AlarmEvent], None] = lambda _event: None,
        on_dependency: Callable[[str, bool, str], None] = lambda _name, _ok, _why: None,
    ) -> None:
        """`installation`: what our emails carry; those that carry another are not ours."""
        self._owner = owner
        self._worker = worker
        self._store = store
        self._ledger = ledger
        self._sink = sink
        self._tracking_topic = tracking_topic
        self._clock = clock
        self._installation = installation
        self._aftermath = aftermath
        self._on_document = on_document
        self._on_recorded = on_recorded
        self._on_follow_up = on_follow_up
        self._on_dependency = on_dependency
        # One batch at a time: two threads with the same report write it once.
        self._gather: Gather[Entry, Outcome] = Gather(self._watched)

    def record(self, entries: Sequence[Entry]) -> Sequence[Outcome]:
        """What became of each, once all are acknowledged and noted.

        Raises LedgerUnavailable or BrokerUnavailable; some may be recorded then, and the same
        call again completes it.
        """
        return self._gather.ask_all(entries) if entries else ()

    def _watched(self, entries: Sequence[Entry]) -> Sequence[Outcome]:
        try:
            outcomes = self._record_all(entries)
        except LedgerUnavailable as error:
            self._on_dependency("ledger", False, str(error))
            raise
        self._on_dependency("ledger", True, "")
        return outcomes

    def _record_all(self, entries: Sequence[Entry]) -> Sequence[Outcome]:
        documents = [_Read(entry, read(entry.document)) for entry in entries]
        used = dict(self._store.used({d.entry.token for d in documents if d.entry.token}))
        reports = [d.report for d in documents if isinstance(d.report, Report)]
        sent = self._store.sent({report.uid for report in reports})
        outcomes: list[Outcome] = []
        fresh: dict[str, Told] = {}
        settlements: dict[str, Settlement] = {}
        for each in documents:
            token = each.entry.token
            if token and used.setdefault(token, each.stands_for) != each.stands_for:
                outcomes.append(Outcome.REPLAYED)
            elif isinstance(each.report, NoReport):
                outcomes.append(Outcome(each.report.why))
            else:
                email = sent.get(each.report.uid)
                if (settlement := settles(each.report, email)) is not None:
                    settlements.setdefault(settlement.uid, settlement)
                outcomes.append(self._sort(each.report, email, fresh))
        self._settle(list(settlements.values()))
        told = set(self._store.told(fresh))
        self._aftermath.suppress([r for r in reports if r.tracking_id in fresh.keys() - told])
        self._deliver([each for id_, each in fresh.items() if id_ not in told])
        tokens = {token: used[token] for d in documents if (token := d.entry.token)}
        self._store.note(fresh.keys() - told, tokens, self._clock.now())
        return self._said(documents, outcomes, fresh, told)

    def _sort(self, report: Report, email: SentEmail | None, fresh: dict[str, Told]) -> Outcome:
        """Fill `fresh`; what is in it already came twice in one batch."""
        told = tell(report, email, self._worker, self._installation)
        if told is None:
            return Outcome.FOREIGN
        if report.kind is Kind.ACCEPTED:
            return Outcome.ACCEPTED
        if report.tracking_id in fresh:
            return Outcome.KNOWN
        fresh[report.tracking_id] = told
        return Outcome.RECORDED

    def _settle(self, settlements: Sequence[Settlement]) -> None:
        if settlements:
            self._ledger.settle(self._owner, settlements, self._clock.now())

    def _deliver(self, told: Sequence[Told]) -> None:
        """All acknowledged, or BrokerUnavailable: what was not taken comes again."""
        if not told:
            return
        outbox = Outbox(self._sink, self._tracking_topic, "")
        follow_ups: list[AlarmEvent] = []
        for each in told:
            outbox.track(each.record, each.atom)
            if (event := self._aftermath.follow_up(each.record)) is not None:
                outbox.event(self._aftermath.events_topic or "", event)
                follow_ups.append(event)
        try:
            outbox.deliver(_DELIVER_SECONDS)
        except BrokerUnavailable as error:
            self._on_dependency("kafka_producer", False, str(error))
            raise
        self._on_dependency("kafka_producer", True, "")
        for event in follow_ups:
            self._on_follow_up(event)

    def _said(
        self,
        documents: Sequence[_Read],
        outcomes: Sequence[Outcome],
        fresh: dict[str, Told],
        told: set[str],
    ) -> Sequence[Outcome]:
        final = [
            Outcome.KNOWN if outcome is Outcome.RECORDED and each.stands_for in told else outcome
            for each, outcome in zip(documents, outcomes, strict=True)
        ]
        for each, outcome in zip(documents, final, strict=True):
            self._on_document(each.entry.source, outcome)
            if outcome is Outcome.RECORDED:
                self._on_recorded(fresh[each.stands_for].record)
        return final


def settles(report: Report, sent: SentEmail | None) -> Settlement | None:
    """What a report says of a send that the ledger does not know to be accepted.

    The resolver asks the ledger before it asks the provider, so this answers a doubt; and of a
    send that is about to be repeated, its mark is refused. Pure.
    """
    if sent is None or not report.says_it_was_accepted:
        return None
    row = sent.row
    if row.state is DeliveryState.ACCEPTED:
        return None
    return Settlement(
        uid=row.uid,
        atom=row.atom,
        # Nobody's: the row stays with its owner, and the provider's word counts whoever says it.
        fence=0,
        state=DeliveryState.ACCEPTED,
        transport="mailgun",
        provider_id=None if report.message_id is None else f"<{report.message_id}>",
        reason=Reason.FOUND,
        message=f"Mailgun has it: {report.event}",
    )
