"""Deciding: the pipeline's own decisions, by the events' time, with the ledger moved on."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from consumer.adapters.ledger import SqlLedger
from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.catalog import Plan
from consumer.domain.follow_up import Unreached, attributes_of, follow_up_id
from consumer.domain.ledger import DeliveryState
from consumer.domain.notification import SendOptions
from consumer.domain.reasons import Kind, Reason
from consumer.experiments.deciding import OWNER, Arrival, Deciding, Decision, EventClock
from consumer.pipeline.deliver import Route
from consumer.pipeline.lock import LockRules
from consumer.pipeline.mail.renderer import Renderer
from consumer.pipeline.pipeline import Pipeline, PipelineRules
from consumer.pipeline.receive import ReceiveSettings
from consumer.pipeline.recipients import RecipientRules
from consumer.telemetry.metrics import Metrics
from tests.support.catalog import MemoryCatalog, whole_catalog
from tests.support.factories import make_event
from tests.unit.experiments.shadow_rig import empty_ledger

EVENT = make_event()
RECOVERY = make_event(
    id="recovery", state=State.OK, previous_state=State.CRITICAL, timestamp=EVENT.timestamp + 60_000
)
RENDERER = Renderer("alerts.example.com", "Alarms <alarms@alerts.example.com>")
HOUR = dict.fromkeys(State, 3_600.0)


@pytest.fixture
def ledger() -> Iterator[SqlLedger]:
    with empty_ledger() as made:
        yield made


def deciding(
    ledger: SqlLedger,
    catalog: MemoryCatalog | None = None,
    *,
    max_age: dict[State, float] = HOUR,
    lag_seconds: float = 0.0,
    **rules: Any,
) -> Deciding:
    clock = EventClock()
    pipeline = Pipeline(
        owner=OWNER,
        ledger=ledger,
        catalog=catalog or whole_catalog(),
        renderer=RENDERER,
        clock=clock,
        metrics=Metrics(),
        rules=PipelineRules(**({"receive": ReceiveSettings(), "lock": LockRules()} | rules)),
    )
    return Deciding(pipeline, ledger, clock, max_age, lag_seconds=lag_seconds)


def arrival(event: AlarmEvent, late: float = 1.0, redriven_ms: int = 0) -> Arrival:
    return Arrival(event=event, at=event.timestamp / 1000 + late, redriven_ms=redriven_ms)


def decide(made: Deciding, *events: AlarmEvent) -> list[Decision]:
    return list(made.decide_all([arrival(event) for event in events]))


def reason(decision: Decision) -> Reason | None:
    return None if decision.ending is None else decision.ending.reason


def test_a_decision_holds_the_email_as_it_would_be_sent(ledger: SqlLedger) -> None:
    (decision,) = decide(deciding(ledger), EVENT)
    (decided,) = decision.emails
    assert decided.destination == "oncall@example.com"
    assert decided.email.subject
    assert decided.email.text
    assert decided.email.html
    assert (decided.options, decided.target_id) == (SendOptions(), "ntExAmPl02")
    assert decided.plan_id == "npOnCall01"
    assert decision.ending is None


def test_the_ledger_is_moved_on_as_if_each_email_had_been_accepted(ledger: SqlLedger) -> None:
    decisions = decide(deciding(ledger), EVENT, EVENT, RECOVERY)
    assert [reason(each) for each in decisions] == [None, Reason.SEEN_BEFORE, None]
    states = [row.state for row in ledger.find_deliveries()]
    assert states == [DeliveryState.ACCEPTED, DeliveryState.ACCEPTED]
    assert dict(decisions[2].emails[0].email.headers)["References"]


def test_the_same_events_lead_to_the_same_decisions(ledger: SqlLedger) -> None:
    events = [EVENT, RECOVERY, EVENT]
    first = decide(deciding(ledger), *events)
    with empty_ledger() as other:
        second = decide(deciding(other), *events)
    replace = msgspec.structs.replace
    assert [replace(d, seconds=0) for d in first] == [replace(d, seconds=0) for d in second]


@pytest.mark.parametrize(("late", "expired"), [(3_500.0, False), (3_601.0, True)])
def test_how_late_an_event_came_decides_its_age(
    ledger: SqlLedger, late: float, expired: bool
) -> None:
    decision = deciding(ledger).decide(arrival(EVENT, late))
    assert [each.reason for each in decision.endings] == ([Reason.TOO_OLD] if expired else [])
    assert len(decision.emails) == (not expired)


def test_the_lag_is_added_to_the_age(ledger: SqlLedger) -> None:
    decision = deciding(ledger, lag_seconds=200.0).decide(arrival(EVENT, 3_500.0))
    assert [each.kind for each in decision.endings] == [Kind.EXPIRED]


def test_a_redriven_event_is_as_old_as_its_redriving(ledger: SqlLedger) -> None:
    redriven = EVENT.timestamp + 9_000_000
    decision = deciding(ledger).decide(arrival(EVENT, 9_001.0, redriven))
    assert len(decision.emails) == 1


def test_what_no_catalog_knows_ends_at_once_and_leaves_no_trace(ledger: SqlLedger) -> None:
    made = deciding(ledger)
    lost = make_event(alarm_id="alNew")
    assert [reason(each) for each in decide(made, lost, lost)] == [Reason.NOT_IN_CATALOG] * 2
    assert not ledger.find_events([lost.id])


def test_a_catalog_that_is_away_leaves_an_event_undecided(ledger: SqlLedger) -> None:
    catalog = whole_catalog()
    catalog.degraded = True
    (decision,) = decide(deciding(ledger, catalog), make_event(alarm_id="alNew"))
    assert decision.waits is not None
    assert "alNew" in decision.waits


def test_routes_and_rules_are_the_operators(ledger: SqlLedger) -> None:
    to_test = Route(options=SendOptions(transport="smtp", test_mode=True))
    made = deciding(ledger, routes=[to_test], lock=LockRules(repeating_sources=frozenset({"ele"})))
    again = make_event(id="again", timestamp=EVENT.timestamp + 1, previous_state=State.CRITICAL)
    first, second = decide(made, EVENT, again)
    assert first.emails[0].options == to_test.options
    assert reason(second) is Reason.SAME_STATE


def test_a_follow_up_is_decided_by_who_was_told(ledger: SqlLedger) -> None:
    rules = RecipientRules(on_bounce="fallback_contact", fallback_contact="ops@example.com")
    unreached = Unreached(address="oncall@example.com", why="no such user", event_id=EVENT.id)
    told = make_event(
        id=follow_up_id(EVENT.id, unreached.address), attributes=attributes_of(unreached)
    )
    _, decision = decide(deciding(ledger, recipients=rules), EVENT, told)
    assert [each.destination for each in decision.emails] == ["ops@example.com"]


def test_an_event_without_recipients_says_why(ledger: SqlLedger) -> None:
    catalog = whole_catalog(Plan(id="npOnCall01"))
    (decision,) = decide(deciding(ledger, catalog), EVENT)
    assert reason(decision) is Reason.EMPTY_LIST
