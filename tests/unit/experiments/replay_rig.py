"""A replay on a ledger and a catalog in memory, and what production did before."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from consumer import wire
from consumer.adapters.ledger import SqlLedger, migrating
from consumer.adapters.ledger.database import Database
from consumer.adapters.ledger.engine import build_engine, parse_url
from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.identity import message_id, notification_uid
from consumer.domain.ledger import (
    ClaimRequest,
    Closing,
    DeliveryState,
    SendingMark,
    Settlement,
)
from consumer.domain.reasons import Kind
from consumer.domain.record import Record
from consumer.experiments.filters import Filter
from consumer.experiments.replay_pipeline import ReplayPipeline
from consumer.experiments.replay_report import Report
from consumer.experiments.replay_selecting import Memory, Selector, Wish
from consumer.pipeline.lock import LockRules
from consumer.pipeline.mail.renderer import Renderer
from consumer.pipeline.pipeline import Incoming, NotYet, PipelineRules, Prepared
from consumer.pipeline.receive import ReceiveSettings
from consumer.telemetry.metrics import Metrics
from tests.support.catalog import whole_catalog
from tests.support.clock import CALLERS_CLOCK, ManualClock
from tests.support.factories import make_event

DOMAIN = "alerts.example.com"
PRODUCTION, REPLAY = "production-1", "replay-1"
DAY = 86_400.0
#: The address that the catalog's plan leads to, and by which target.
TARGET, ADDRESS = "ntExAmPl02", "oncall@example.com"
CRITICAL, OK = State.CRITICAL, State.OK


def event(id_: str, state: State = CRITICAL, seconds: int = 0, **changes: Any) -> AlarmEvent:
    """An event of one alarm, so many seconds after its first."""
    at = make_event().timestamp + seconds * 1000
    before = OK if state is CRITICAL else CRITICAL
    return make_event(
        **({"id": id_, "state": state, "timestamp": at, "previous_state": before} | changes)
    )


class Rig:
    """Tell it what production did; then replay."""

    def __init__(self, wish: Wish | None = None, wanted: Filter | None = None) -> None:
        self.clock = ManualClock()
        self.ledger = _ledger()
        self.report = Report()
        self.over(self.ledger, wish, wanted)
        self._offset = 0

    def over(self, ledger: Memory, wish: Wish | None = None, wanted: Filter | None = None) -> None:
        """A new replay, on this ledger."""
        wish = wish or Wish(name="test")
        self.selector = Selector(
            wish=wish,
            wanted=wanted or Filter(),
            receive=ReceiveSettings(),
            ledger=ledger,
            clock=self.clock,
            retention_seconds=30 * DAY,
            report=self.report,
        )
        self.pipeline = ReplayPipeline(
            selector=self.selector,
            report=self.report,
            ledger=ledger,
            mail_domain=DOMAIN,
            out_of_order=wish.out_of_order,
            owner=REPLAY,
            catalog=whole_catalog(),
            renderer=Renderer(DOMAIN, f"Alarms <alarms@{DOMAIN}>", None),
            clock=self.clock,
            metrics=Metrics(),
            rules=PipelineRules(
                receive=ReceiveSettings(),
                lock=LockRules(asked_again=self.selector.asked_again),
            ),
            find_suppressed=partial(self.ledger.suppressions.holding_back, DOMAIN),
        )

    def happened(
        self,
        of: AlarmEvent,
        state: DeliveryState | None = None,
        *,
        outcome: Kind | None = None,
        address: str = ADDRESS,
        closed: bool = True,
        **result: Any,
    ) -> None:
        """Production had the event, and brought its notification to `state`; None: to nothing."""
        now = self.clock.now()
        self.ledger.heartbeat(PRODUCTION, now, 30.0)
        fence = self.ledger.claim(PRODUCTION, [ClaimRequest(of.atom, ())], now).won[of.atom].fence
        if state is not None:
            uid = notification_uid(of.id, TARGET, "email", address)
            mark = SendingMark(
                uid=uid,
                event_id=of.id,
                atom=of.atom,
                fence=fence,
                target_id=TARGET,
                type="email",
                destination=address,
                message_id=message_id(uid, DOMAIN),
                transport="mailgun",
                attempt=1,
            )
            assert not self.ledger.mark_sending(PRODUCTION, [mark], now)
            settled = Settlement(
                uid=uid, atom=of.atom, fence=fence, state=state, transport="mailgun", **result
            )
            self.ledger.settle(PRODUCTION, [settled], now)
        if closed:
            self.close(of, outcome or Kind(state or Kind.EXPIRED))
        self.ledger.release_all(PRODUCTION)

    def close(self, of: AlarmEvent, outcome: Kind) -> None:
        closing = Closing(
            event_id=of.id,
            atom=of.atom,
            outcome=outcome,
            timestamp_ms=of.timestamp,
            state=of.state,
            advances=True,
            thread_event_id=None,
        )
        self.ledger.close_events([closing], self.clock.now())

    def records(self, *events: AlarmEvent) -> list[Record]:
        found = []
        for of in events:
            self._offset += 1
            value = wire.encode_event(of)
            now = int(self.clock.now() * 1000)
            found.append(Record("alarm-events", 0, self._offset, None, value, timestamp=now))
        return found

    def replay(self, *events: AlarmEvent) -> Sequence[Prepared | NotYet]:
        """All of them, read in one go."""
        records = self.records(*events)
        self.selector.look(records)
        going = [of for received in self.pipeline.receive(records) for of in received.events]
        return self.pipeline.prepare([Incoming(of, self.clock.now()) for of in going], {}, {})

    def sent(self, *events: AlarmEvent) -> list[str]:
        """Ids of the events that go out, in order."""
        return [
            answer.locked.event.id
            for answer in self.replay(*events)
            if isinstance(answer, Prepared) and answer.sends
        ]

    @property
    def left_out(self) -> dict[str, int]:
        return dict(self.report.totals.left_out)


def _ledger() -> SqlLedger:
    """With its tables, which take a second to make: they are made once."""
    database, connection = _memory()
    connection.deserialize(_tables())
    return SqlLedger(database, clock=CALLERS_CLOCK)


@cache
def _tables() -> bytes:
    database, connection = _memory()
    migrating.upgrade_database(database)
    tables: bytes = connection.serialize()
    database.close()
    return tables


def _memory() -> tuple[Database, Any]:
    """A database in memory, and the one connection that it has."""
    url = parse_url("sqlite://")
    engine = build_engine(url, pool_size=1, timeout_seconds=5.0, connect_timeout_seconds=5.0)
    with engine.connect() as connection:
        return Database(engine, 5.0), connection.connection.driver_connection
