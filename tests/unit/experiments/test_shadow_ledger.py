"""Ledgers in memory that begin with what another one says."""

from collections.abc import Iterator

import pytest

from consumer.adapters.ledger import SqlLedger
from consumer.domain.alarm import State
from consumer.domain.ledger import ClaimRequest, DeliveryState
from consumer.experiments.shadow_asking import Question
from consumer.experiments.shadow_ledger import Beginnings, copy_known, put_atoms
from tests.support.factories import make_event
from tests.support.pipeline import Bench
from tests.unit.experiments.shadow_rig import EVENT, RECOVERY, empty_ledger, record, side


@pytest.fixture
def copy() -> Iterator[SqlLedger]:
    with empty_ledger() as made:
        yield made


def test_a_copy_knows_what_ended_and_where_alarms_stand(copy: SqlLedger) -> None:
    with side() as production:
        production.answer(Question(record=record(EVENT)))
        copy_known(production.ledger, copy, [EVENT, RECOVERY])
        assert copy.find_events([EVENT.id]).keys() == {EVENT.id}
        claims = copy.claim("me", [ClaimRequest(EVENT.atom, [EVENT.id])], 0.0)
        won = claims.won[EVENT.atom]
        assert (won.last_event_id, won.last_state) == (EVENT.id, State.CRITICAL)
        assert won.last_timestamp_ms == EVENT.timestamp
        assert won.thread_event_id == EVENT.id


@pytest.mark.parametrize("state", list(DeliveryState))
def test_a_copy_knows_how_far_emails_got(copy: SqlLedger, state: DeliveryState) -> None:
    bench = Bench()
    bench.earlier_run(state, attempt=3)
    copy_known(bench.ledger, copy, [EVENT])
    (original,) = bench.ledger.find_deliveries()
    (copied,) = copy.find_deliveries()
    for name in ("uid", "state", "attempt", "destination", "message_id", "transport"):
        assert getattr(copied, name) == getattr(original, name)
    assert copied.updated_at == original.updated_at
    bench.ledger.close()


def test_beginnings_are_where_alarms_stood_before(copy: SqlLedger) -> None:
    with side() as production:
        production.answer(Question(record=record(EVENT)))
        beginnings = Beginnings(production.ledger)
        (known,) = beginnings.of([RECOVERY])
        assert beginnings.of([RECOVERY]) == [], "each alarm begins once"
        put_atoms(copy, [known])
        copied = copy.find_atoms([EVENT.atom])[EVENT.atom]
        assert (copied.last_event_id, copied.last_state) == (EVENT.id, State.CRITICAL)


def test_an_alarm_that_has_moved_on_since_begins_unknown() -> None:
    with side() as production:
        production.answer(Question(record=record(EVENT)))
        earlier = make_event(id="earlier", timestamp=EVENT.timestamp - 1)
        assert Beginnings(production.ledger).of([earlier]) == []
        assert Beginnings(production.ledger).of([EVENT]) == []
