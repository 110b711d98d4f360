"""The main job's stages on a ledger and a catalog in memory, and what earlier runs left there."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from consumer.adapters.ledger import SqlLedger, open_ledger
from consumer.domain.alarm import AlarmEvent
from consumer.domain.ledger import (
    ClaimRequest,
    Closing,
    DeliveryState,
    SendingMark,
    Settlement,
)
from consumer.domain.notification import Notification
from consumer.domain.reasons import Kind
from consumer.pipeline.deliver import Route
from consumer.pipeline.limits import LimitRules, Limits
from consumer.pipeline.lock import LockRules, Progress
from consumer.pipeline.mail.renderer import Renderer
from consumer.pipeline.pipeline import Incoming, NotYet, Pipeline, PipelineRules, Prepared
from consumer.pipeline.receive import ReceiveSettings
from consumer.telemetry.metrics import Metrics
from tests.support.catalog import MemoryCatalog, whole_catalog
from tests.support.clock import CALLERS_CLOCK, ManualClock
from tests.support.factories import make_notification

DOMAIN = "alerts.example.com"
OWNER, EARLIER = "messenger-2", "messenger-1"
LEASE_SECONDS = 30.0


class Bench:
    """A pipeline whose surroundings a test can look at and break."""

    def __init__(
        self,
        catalog: MemoryCatalog | None = None,
        templates: Path | None = None,
        limits: LimitRules | None = None,
        live_routes: Callable[[], Sequence[Route]] | None = None,
        **rules: Any,
    ) -> None:
        self.clock = ManualClock()
        self.ledger: SqlLedger = open_ledger("sqlite://", clock=CALLERS_CLOCK)
        self.catalog = catalog or whole_catalog()
        self.metrics = Metrics()
        defaults = {"receive": ReceiveSettings(), "lock": LockRules()}
        self.pipeline = Pipeline(
            owner=OWNER,
            ledger=self.ledger,
            catalog=self.catalog,
            renderer=Renderer(
                "alerts.example.com", "Alarms <alarms@alerts.example.com>", templates
            ),
            clock=self.clock,
            metrics=self.metrics,
            rules=PipelineRules(**(defaults | rules)),
            find_suppressed=partial(self.ledger.suppressions.holding_back, DOMAIN),
            routes=live_routes,
            limits=Limits(self.ledger.limits, limits or LimitRules(), self.clock),
        )

    def prepare(
        self,
        *events: AlarmEvent,
        waited: float = 0.0,
        progress: Mapping[str, Progress] | None = None,
        on_their_way: Mapping[str, frozenset[str]] | None = None,
    ) -> Sequence[Prepared | NotYet]:
        """Prepare events that were first seen `waited` seconds ago."""
        incoming = [Incoming(event, self.clock.now() - waited) for event in events]
        return self.pipeline.prepare(incoming, progress or {}, on_their_way or {})

    def hold(self, atom: str, owner: str = EARLIER) -> int:
        """Let `owner` hold an atom with a lease of its own; returns the fence."""
        now = self.clock.now()
        self.ledger.heartbeat(owner, now, LEASE_SECONDS)
        return self.ledger.claim(owner, [ClaimRequest(atom, ())], now).won[atom].fence

    def earlier_run(
        self,
        state: DeliveryState,
        *,
        notification: Notification | None = None,
        attempt: int = 1,
        message_id: str | None = None,
        route: str = "",
        **result: Any,
    ) -> None:
        """A process brought the notification to `state` and was gone before its event ended."""
        notification = notification or make_notification()
        atom, now = notification.event.atom, self.clock.now()
        fence = self.hold(atom)
        mark = SendingMark(
            uid=notification.uid,
            event_id=notification.event.id,
            atom=atom,
            fence=fence,
            target_id=notification.target_id,
            type=notification.type,
            destination=notification.destination,
            message_id=message_id or f"<{notification.uid}@alerts.example.com>",
            transport="mailgun",
            attempt=attempt,
            route=route,
        )
        assert not self.ledger.mark_sending(EARLIER, [mark], now)
        if state is not DeliveryState.SENDING:
            settlement = Settlement(
                uid=mark.uid, atom=atom, fence=fence, state=state, transport="mailgun", **result
            )
            self.ledger.settle(EARLIER, [settlement], now)
        self.ledger.release_all(EARLIER)

    def earlier_event(self, event: AlarmEvent, thread_event_id: str | None = None) -> None:
        """A process finished an event of the atom."""
        self.hold(event.atom)
        closing = Closing(
            event_id=event.id,
            atom=event.atom,
            outcome=Kind.ACCEPTED,
            timestamp_ms=event.timestamp,
            state=event.state,
            advances=True,
            thread_event_id=thread_event_id,
        )
        self.ledger.close_events([closing], self.clock.now())
        self.ledger.release_all(EARLIER)

    def count(self, stage: str, outcome: str) -> float:
        """Items that a stage has counted so far."""
        labels = {"stage": stage, "outcome": outcome}
        value = self.metrics.registry.get_sample_value("messenger_stage_items_total", labels)
        assert value is not None, f"no such metric: {labels}"
        return value
