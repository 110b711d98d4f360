"""From a reference to timelines: both sources, either one, folded and in order."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.adapters.ledger import SqlLedger
from consumer.domain.alarm import State
from consumer.domain.errors import BrokerUnavailable, LedgerUnavailable
from consumer.domain.ledger import (
    DeliveryState,
)
from consumer.domain.reasons import Kind, Reason
from consumer.domain.tracking import TrackedEvent
from consumer.tracing import by_event, find, fold, is_about, parse_reference
from tests.support.factories import make_event
from tests.unit.tracing_rig import (
    ADDRESS,
    EVENT,
    MESSAGE_ID,
    T0,
    UID,
    Topic,
    attempt,
    ended,
    ending,
    ledger,
    no_topic,
    sent,
)

__all__ = ["ledger"]  # the fixture


# -- what a reference may be -------------------------------------------------------------------


@pytest.mark.parametrize("text", [MESSAGE_ID, MESSAGE_ID.strip("<>"), f" {MESSAGE_ID.upper()} "])
def test_a_uid_before_an_at_is_a_message_id_and_a_uid(text: str) -> None:
    reference = parse_reference(text)
    assert reference.message_id == MESSAGE_ID.strip("<>")
    assert reference.ids == {UID}
    assert reference.address is None


def test_brackets_make_a_message_id_and_nothing_else() -> None:
    reference = parse_reference("<20111114.5817@samples.mailgun.org>")
    assert reference.message_id == "20111114.5817@samples.mailgun.org"
    assert (reference.ids, reference.address) == (frozenset(), None)


def test_anything_with_an_at_may_be_an_address_a_message_id_or_an_id() -> None:
    reference = parse_reference("OnCall@Example.COM")
    assert reference.address == "OnCall@example.com"
    assert reference.message_id == "OnCall@Example.COM"
    assert reference.ids == {"OnCall@Example.COM"}


def test_a_uuid_is_looked_for_in_lower_case_too() -> None:
    assert parse_reference(UID.upper()).ids == {UID, UID.upper()}
    assert parse_reference("Ac:en:AL:1").ids == {"Ac:en:AL:1"}


@pytest.mark.parametrize(
    "text", [EVENT, UID, UID.upper(), MESSAGE_ID, MESSAGE_ID.strip("<>"), "oncall@EXAMPLE.com"]
)
def test_each_kind_of_reference_finds_the_step(text: str) -> None:
    step = attempt(Kind.ACCEPTED)
    assert is_about(step, parse_reference(text))
    assert not is_about(step, parse_reference(text.replace("3", "4").replace("on", "no")))


def test_the_correlation_id_finds_the_step() -> None:
    step = ending(Kind.DISABLED, Reason.ALARM_DISABLED, event_id="ac:en:al:ch:1:OK")
    assert is_about(step, parse_reference("ac:en:al:ch:1:OK"))


@pytest.mark.parametrize("text", ["alBodyM4tc", "enW3bSrv01", "chHttpW3b1", make_event().atom])
def test_so_do_the_ids_of_its_alarm(text: str) -> None:
    assert is_about(attempt(Kind.ACCEPTED), parse_reference(text))
    assert not is_about(attempt(Kind.ACCEPTED), parse_reference(text + "x"))


def test_a_tenant_is_too_much_to_be_asked_for() -> None:
    assert not is_about(attempt(Kind.ACCEPTED), parse_reference(make_event().tenant_id))


# -- folding -----------------------------------------------------------------------------------


def test_a_step_told_twice_is_one_step_at_its_first_time() -> None:
    twice = [attempt(Kind.ACCEPTED, at=T0 + 5), attempt(Kind.ACCEPTED, at=T0)]
    (step,) = fold(twice)
    assert step.at == T0


def test_steps_of_one_moment_stand_in_the_order_of_their_attempts() -> None:
    steps = [attempt(Kind.ACCEPTED, 3), attempt(Kind.DEFERRED, 1), attempt(Kind.DEFERRED, 2)]
    assert [step.attempt for step in fold(steps)] == [1, 2, 3]


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.FAILED, Kind.SUPERSEDED, Kind.EXPIRED])
def test_in_one_moment_an_attempt_ends_after_all_that_was_on_its_way(kind: Kind) -> None:
    steps = [attempt(each) for each in (kind, Kind.DEFERRED, Kind.FALLBACK, Kind.IN_DOUBT)]
    assert [step.kind for step in fold(steps)] == [
        Kind.FALLBACK,
        Kind.IN_DOUBT,
        Kind.DEFERRED,
        kind,
    ]


_STEPS = st.lists(
    st.builds(
        attempt,
        st.sampled_from([Kind.ACCEPTED, Kind.DEFERRED]),
        st.integers(1, 3),
        st.integers(T0, T0 + 3),
    )
)


@given(_STEPS, st.randoms())
def test_folding_depends_on_neither_order_nor_repetition(steps: list[Any], random: Any) -> None:
    shuffled = steps * 2
    random.shuffle(shuffled)
    folded = fold(steps)
    assert [(s.id, s.at) for s in fold(shuffled)] == [(s.id, s.at) for s in folded]
    assert {step.id for step in folded} == {step.id for step in steps}


def test_a_record_without_an_event_id_goes_by_its_place() -> None:
    step = ending(Kind.INVALID, Reason.NOT_JSON)
    unread = msgspec.structs.replace(step, event=TrackedEvent(id=None))
    assert list(by_event([unread])) == ["alarm-events/0/8"]


# -- finding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [EVENT, UID, MESSAGE_ID, ADDRESS])
def test_both_sources_tell_their_part(ledger: SqlLedger, text: str) -> None:
    sent(ledger)
    ended(ledger, EVENT, "accepted")
    topic = Topic(attempt(Kind.DEFERRED, 1), attempt(Kind.ACCEPTED, 2, T0 + 9))
    (trace,) = find(parse_reference(text), ledger=ledger, read=topic).traces
    assert [step.kind for step in trace.steps] == [Kind.DEFERRED, Kind.ACCEPTED]
    assert [row.state for row in trace.deliveries] == [DeliveryState.ACCEPTED]
    assert trace.ended is not None
    assert trace.event.alarm_id == "alBodyM4tc"


def test_an_address_is_found_however_it_is_typed(ledger: SqlLedger) -> None:
    sent(ledger)
    asked = parse_reference("OnCall@EXAMPLE.com")
    assert find(asked, ledger=ledger, read=None).traces
    assert is_about(attempt(Kind.ACCEPTED), asked)


def test_all_of_an_event_is_shown_whichever_part_was_asked_for() -> None:
    other = attempt(Kind.ACCEPTED, uid=UID.replace("3", "1"), destination="b@example.com")
    topic = Topic(other, attempt(Kind.ACCEPTED))
    (trace,) = find(parse_reference(UID), ledger=None, read=topic).traces
    assert len(trace.steps) == 2


def test_what_the_ledger_knows_takes_one_reading_of_the_topic(ledger: SqlLedger) -> None:
    sent(ledger)
    topic = Topic(attempt(Kind.ACCEPTED))
    find(parse_reference(MESSAGE_ID), ledger=ledger, read=topic)
    assert topic.reads == 1


def test_with_an_event_comes_what_told_it_once_more(ledger: SqlLedger) -> None:
    """Its id leads to the first one; the ledger knows of no other."""
    sent(ledger)
    again = make_event(id="again", event_id=EVENT)
    later = attempt(Kind.ACCEPTED, at=T0 + 9, event=again, uid=UID.replace("3", "1"))
    topic = Topic(attempt(Kind.ACCEPTED), later)
    found = find(parse_reference(EVENT), ledger=ledger, read=topic).traces
    assert [(each.event.id, len(each.steps)) for each in found] == [(EVENT, 1), ("again", 1)]
    (last,) = find(parse_reference("again"), ledger=ledger, read=topic).traces
    assert last.event.event_id == EVENT


def test_an_event_that_only_ended_is_found_in_the_ledger(ledger: SqlLedger) -> None:
    ended(ledger, EVENT, "suppressed")
    (trace,) = find(parse_reference(EVENT), ledger=ledger, read=None).traces
    assert trace.event.id == EVENT
    assert (trace.event.tenant_id, trace.event.entity_id) == ("487000", "enW3bSrv01")
    assert (trace.event.alarm_id, trace.event.check_id) == ("alBodyM4tc", "chHttpW3b1")
    assert trace.event.state is State.CRITICAL


def test_records_that_cannot_be_read_are_passed_over() -> None:
    topic = Topic(b"{", b"", b'{"schema": "other/1"}', attempt(Kind.ACCEPTED))
    (trace,) = find(parse_reference(EVENT), ledger=None, read=topic).traces
    assert len(trace.steps) == 1


def test_without_kafka_the_ledger_tells_its_part(ledger: SqlLedger) -> None:
    sent(ledger)
    found = find(parse_reference(EVENT), ledger=ledger, read=no_topic)
    assert [type(error) for error in found.away] == [BrokerUnavailable]
    (trace,) = found.traces
    assert list(trace.steps) == []
    assert len(trace.deliveries) == 1


def test_without_the_ledger_the_topic_tells_its_part(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def away(*arguments: object, **_named: object) -> Sequence[Any]:
        asked.append(arguments)
        raise LedgerUnavailable("the ledger does not answer")

    monkeypatch.setattr(ledger, "find_deliveries", away)
    monkeypatch.setattr(ledger, "find_events", away)
    found = find(parse_reference(EVENT), ledger=ledger, read=Topic(attempt(Kind.ACCEPTED)))
    assert [type(error) for error in found.away] == [LedgerUnavailable]
    assert len(asked) == 1, "a ledger that is away is asked once"
    assert len(found.traces) == 1


def test_nothing_known_gives_nothing(ledger: SqlLedger) -> None:
    found = find(parse_reference("nobody"), ledger=ledger, read=Topic(attempt(Kind.ACCEPTED)))
    assert (list(found.traces), found.left_out, list(found.away)) == ([], 0, [])


def test_of_many_events_the_newest_are_shown_last_one_last(ledger: SqlLedger) -> None:
    steps = [
        attempt(
            Kind.ACCEPTED,
            at=T0 + n,
            uid=f"{n:08}-1111-5111-8111-111111111111",
            event=make_event(id=f"event-{n}"),
        )
        for n in (3, 1, 2, 4)
    ]
    found = find(parse_reference(ADDRESS), ledger=ledger, read=Topic(*steps), limit=2)
    assert [trace.event.id for trace in found.traces] == ["event-3", "event-4"]
    assert found.left_out == 2
