"""Summaries that are due become events, once Kafka has them and not before."""

from collections.abc import Iterator

import msgspec
import pytest

from consumer.adapters.ledger import SqlLedger, open_ledger
from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.errors import LedgerUnavailable
from consumer.domain.rate_limit import Asked, Owed, is_summary
from consumer.worker.summaries import Summaries
from tests.support.clock import CALLERS_CLOCK, ManualClock
from tests.support.worker import TOPIC
from tests.support.worker_fakes import FakeSink


@pytest.fixture
def ledger() -> Iterator[SqlLedger]:
    opened = open_ledger("sqlite://", clock=CALLERS_CLOCK)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sink() -> FakeSink:
    return FakeSink()


@pytest.fixture
def summaries(ledger: SqlLedger, sink: FakeSink, clock: ManualClock) -> Summaries:
    return Summaries(ledger.limits, sink, TOPIC, clock)


def hold_back(ledger: SqlLedger, clock: ManualClock, address: str = "oncall@example.com") -> str:
    asked = [
        Asked(
            uid=f"{n}/{address}",
            tenant_id="487000",
            destination=address,
            atom="a",
            event_id=f"e{n}",
            state=State.WARNING,
            timestamp_ms=n,
            at_most=1,
        )
        for n in range(2)
    ]
    answers = ledger.limits.admit(asked, 900.0, clock.now())
    return str(answers[f"1/{address}"])


def written(sink: FakeSink) -> list[AlarmEvent]:
    return [msgspec.json.decode(value or b"", type=AlarmEvent) for _, _, value, _ in sink.records]


def test_one_that_is_due_becomes_an_event_with_the_id_that_was_said(
    summaries: Summaries, ledger: SqlLedger, sink: FakeSink, clock: ManualClock
) -> None:
    id_ = hold_back(ledger, clock)
    assert not summaries.step()
    assert sink.records == []
    clock.advance(900)
    summaries.step()
    summaries.step()
    (event,) = written(sink)
    assert (event.id, is_summary(event)) == (id_, True)
    topic, key, _, _ = sink.records[0]
    assert (topic, key) == (TOPIC, event.atom.encode())


def test_one_that_kafka_did_not_take_comes_up_again(
    summaries: Summaries, ledger: SqlLedger, sink: FakeSink, clock: ManualClock
) -> None:
    hold_back(ledger, clock)
    clock.advance(900)
    sink.refuse = lambda _: RuntimeError("away")
    summaries.step()
    sink.refuse = lambda _: None
    summaries.step()
    assert sink.records == []
    clock.advance(60)
    summaries.step()
    assert len(written(sink)) == 1


def test_who_is_told_hears_of_those_that_were_written(
    ledger: SqlLedger, sink: FakeSink, clock: ManualClock
) -> None:
    told: list[Owed] = []
    summaries = Summaries(ledger.limits, sink, TOPIC, clock, told.extend)
    ids = {hold_back(ledger, clock, f"{name}@example.com") for name in "abc"}
    clock.advance(900)
    summaries.step()
    assert {each.id for each in told} == ids


def test_a_ledger_that_is_away_is_asked_again_later(
    summaries: Summaries, ledger: SqlLedger, sink: FakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise LedgerUnavailable("away")

    monkeypatch.setattr(ledger.limits, "claim_due", away)
    assert not summaries.step()
    assert sink.records == []


def test_it_stops_when_asked(summaries: Summaries) -> None:
    summaries.start()
    summaries.stop(5.0)
    assert not summaries._thread.is_alive()
