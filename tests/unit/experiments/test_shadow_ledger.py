"""Ledgers in memory that begin with what another one says."""

from collections.abc import Iterator

import pytest

from consumer.adapters.ledger import SqlLedger
from consumer.domain.alarm import State
from consumer.experiments.shadow_asking import Question
from consumer.experiments.shadow_ledger import Beginnings, put_atoms
from tests.support.factories import make_event
from tests.unit.experiments.shadow_rig import EVENT, RECOVERY, empty_ledger, record, side


@pytest.fixture
def copy() -> Iterator[SqlLedger]:
    with empty_ledger() as made:
        yield made


def test_beginnings_are_where_alarms_stood_before(copy: SqlLedger) -> None:
    with side() as production:
        production.answer(Question(record=record(EVENT)))
        beginnings = Beginnings(production.ledger)
        (known,) = beginnings.of([RECOVERY])
        assert beginnings.of([RECOVERY]) == [], "each alarm begins once"
        put_atoms(copy, [known])
        copied = copy.find_atoms([EVENT.atom])[EVENT.atom]
        assert (copied.last_event_id, copied.last_state) == (EVENT.id, State.CRITICAL)
        assert (copied.last_timestamp_ms, copied.thread_event_id) == (EVENT.timestamp, EVENT.id)


def test_an_alarm_that_has_moved_on_since_begins_unknown() -> None:
    with side() as production:
        production.answer(Question(record=record(EVENT)))
        earlier = make_event(id="earlier", timestamp=EVENT.timestamp - 1)
        assert Beginnings(production.ledger).of([earlier]) == []
        assert Beginnings(production.ledger).of([EVENT]) == []
