"""A recorder with a ledger in memory, a sink that acknowledges, and one email that was sent."""

from collections.abc import Sequence

from consumer.adapters.ledger import SqlLedger
from consumer.domain.alarm import State
from consumer.domain.ledger import (
    ClaimRequest,
    Closing,
    DeliveryRow,
    DeliveryState,
    SendingMark,
    Settlement,
)
from consumer.feedback.aftermath import Aftermath
from consumer.feedback.recorder import Entry, Outcome, Recorder, Source
from tests.support.clock import ManualClock
from tests.support.factories import make_event, make_notification
from tests.support.reports import UID
from tests.support.worker_fakes import FakeSink

ATOM = make_event().atom
OWNER = "sender-1"
DOMAIN = "alerts.example.com"
INSTALLATION = "0a1b2c3d"


class Rig:
    """What a recorder stands on."""

    def __init__(self, ledger: SqlLedger, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.ledger = ledger
        self.sink = FakeSink()
        #: Where events for others go; None: nobody else is told.
        self.events_topic: str | None = None
        self.documents: list[tuple[Source, Outcome]] = []
        self.recorder = self.another()

    def another(self, worker: str = "feedback-1") -> Recorder:
        """A recorder of another process, on the same ledger and topic."""
        return Recorder(
            owner=worker,
            worker=worker,
            store=self.ledger.feedback,
            ledger=self.ledger,
            sink=self.sink,
            tracking_topic="tracked",
            clock=self.clock,
            installation=INSTALLATION,
            aftermath=Aftermath(
                domain=DOMAIN,
                suppressions=self.ledger.suppressions,
                events_topic=self.events_topic,
            ),
            on_document=lambda source, outcome: self.documents.append((source, outcome)),
        )

    def send(self, state: DeliveryState | None = DeliveryState.ACCEPTED, uid: str = UID) -> None:
        """The email of `factories.make_notification`; without a state it is being sent."""
        sent = make_notification(uid=uid)
        now = self.clock.now()
        self.ledger.heartbeat(OWNER, now, 30.0)
        won = self.ledger.claim(OWNER, [ClaimRequest(ATOM, (sent.event.id,))], now).won
        self._fence = won[ATOM].fence
        mark = SendingMark(
            uid=uid,
            event_id=sent.event.id,
            atom=ATOM,
            fence=self._fence,
            target_id=sent.target_id,
            type=sent.type,
            destination=sent.destination,
            message_id=f"<{uid}@alerts.example.com>",
            transport="mailgun",
            attempt=1,
        )
        assert not self.ledger.mark_sending(OWNER, [mark], now)
        if state is not None:
            self.settle(state, uid)

    def settle(self, state: DeliveryState, uid: str = UID) -> None:
        result = Settlement(uid=uid, atom=ATOM, fence=self._fence, state=state, transport="mailgun")
        self.ledger.settle(OWNER, [result], self.clock.now())

    def end_event(self) -> None:
        event = make_event()
        closing = Closing(
            event_id=event.id,
            atom=ATOM,
            outcome="accepted",
            timestamp_ms=event.timestamp,
            state=State.CRITICAL,
            advances=True,
        )
        self.ledger.close_events([closing], self.clock.now())

    def row(self, uid: str = UID) -> DeliveryRow:
        (found,) = self.ledger.find_deliveries(uid=uid)
        return found

    def heard(self, *documents: object, token: str | None = None) -> Sequence[Outcome]:
        """By webhooks, all at once."""
        entries = [Entry(document=d, source="webhook", token=token) for d in documents]
        return self.recorder.record(entries)

    def polled(self, *documents: object) -> Sequence[Outcome]:
        return self.recorder.record([Entry(document=d, source="poll") for d in documents])
