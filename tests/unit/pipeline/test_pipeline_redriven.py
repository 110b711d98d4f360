"""Events that a person sent again: only what is missing goes out, and nothing stays open."""

from collections.abc import Iterator

import pytest

from consumer.domain.catalog import Plan, Target
from consumer.domain.ledger import DeliveryState
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Undelivered
from consumer.pipeline.pipeline import Incoming, Prepared
from tests.support.factories import make_event
from tests.support.pipeline import Bench

EVENT = make_event()
LATER = make_event(id="later", timestamp=EVENT.timestamp + 1)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.ledger.close()


def redriven(bench: Bench) -> Prepared:
    """What comes of the event when it is read again, opened in the ledger."""
    bench.ledger.reopen([EVENT.id], bench.clock.now())
    (answer,) = bench.prepare(EVENT)
    assert isinstance(answer, Prepared)
    return answer


def test_a_held_email_whose_alarm_has_moved_on_is_looked_up_and_never_sent(bench: Bench) -> None:
    """No email is made: a lookup needs its Message-Id, its address and the time of its attempt."""
    since = bench.clock.now()
    bench.earlier_run(
        DeliveryState.IN_DOUBT, reason=Reason.HELD, message_id="<m@elsewhere.example.com>"
    )
    bench.earlier_event(EVENT)
    bench.earlier_event(LATER)
    bench.clock.advance(3600)
    answer = redriven(bench)
    assert [ending.kind for ending in answer.endings] == [Kind.STALE]
    (send,) = answer.sends
    assert send.obsolete is Reason.STATE_MOVED_ON
    assert send.doubt is not None
    assert (send.doubt.since, send.doubt.transport) == (since, "mailgun")
    assert (send.email.message_id, send.email.to) == (
        "<m@elsewhere.example.com>",
        "oncall@example.com",
    )
    assert (list(answer.known), bench.count("create_email", "passed")) == ([], 0)
    assert (bench.count("plan", "passed"), bench.count("plan", "ended")) == (0, 0)


def test_a_refused_email_whose_alarm_has_moved_on_ends_as_superseded(bench: Bench) -> None:
    """Opened again it waits for its next attempt, which never comes."""
    bench.earlier_run(DeliveryState.FAILED)
    bench.earlier_event(EVENT)
    bench.earlier_event(LATER)
    answer = redriven(bench)
    assert not answer.sends
    (known,) = answer.known
    assert (known.result.kind, known.attempt, known.is_news) == (Kind.SUPERSEDED, 2, True)


def never_told(bench: Bench) -> list[Kind]:
    """How the event ends, read again, whose dead letter says that `ntGone` was unknown."""
    undelivered = [Undelivered("", "", "ntGone", EVENT.id)]
    incoming = Incoming(EVENT, bench.clock.now(), undelivered)
    (answer,) = bench.pipeline.prepare([incoming], {}, {})
    assert isinstance(answer, Prepared)
    return [ending.kind for ending in answer.endings]


def test_who_had_no_address_is_superseded_once_the_alarm_has_moved_on(bench: Bench) -> None:
    bench.earlier_event(EVENT)
    bench.earlier_event(LATER)
    bench.ledger.reopen([EVENT.id], bench.clock.now())
    assert never_told(bench) == [Kind.STALE, Kind.SUPERSEDED]


def test_a_redriven_record_that_is_read_twice_supersedes_nobody_the_second_time(
    bench: Bench,
) -> None:
    """The first reading has the word, and may be sending."""
    bench.earlier_event(EVENT)
    assert never_told(bench) == [Kind.DUPLICATE]


def test_a_mended_plan_sends_what_was_missing_and_nothing_twice(bench: Bench) -> None:
    bench.catalog.put(Plan(id="npOnCall01", critical_state=["ntExAmPl02", "ntHook", "ntGone"]))
    bench.catalog.put(Target(id="ntHook", type="webhook"))
    (before,) = bench.prepare(EVENT)
    assert isinstance(before, Prepared)
    assert [ending.reason for ending in before.endings] == [
        Reason.UNSUPPORTED_TYPE,
        Reason.UNKNOWN_NOTIFICATION,
    ]
    bench.earlier_run(DeliveryState.ACCEPTED)
    bench.earlier_event(EVENT)
    bench.catalog.put(Target(id="ntHook", type="email", details={"address": "b@example.com"}))
    bench.catalog.put(Target(id="ntGone", type="email", details={"address": "c@example.com"}))
    after = redriven(bench)
    assert [send.email.to for send in after.sends] == ["b@example.com", "c@example.com"]
    assert [known.result.kind for known in after.known] == [Kind.ACCEPTED]
    assert not after.endings
