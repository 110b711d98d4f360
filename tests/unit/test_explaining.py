"""Why, in plain words."""

from typing import Any

import msgspec
import pytest

from consumer.domain.alarm import State
from consumer.domain.ledger import DeliveryRow, DeliveryState, EventRow
from consumer.domain.reasons import Kind, Reason
from consumer.domain.tracking import TrackedEvent, TrackedNotification, TrackingEvent
from consumer.explaining import explain, moment
from consumer.tracing import Trace
from tests.unit.tracing_rig import T0, UID, attempt, ending


def trace(*steps: TrackingEvent, **more: Any) -> Trace:
    return Trace(event=TrackedEvent(id="e"), steps=steps, **more)


def reported(kind: Kind) -> TrackingEvent:
    """What a provider reports of the email later."""
    return msgspec.structs.replace(attempt(Kind.ACCEPTED, at=T0 + 99), kind=kind, id=f"r-{kind}")


def row(state: DeliveryState, message: str | None = None) -> DeliveryRow:
    return DeliveryRow(
        uid=UID,
        event_id="e",
        atom="a:b:c:d",
        target_id="ntExAmPl02",
        type="email",
        destination="oncall@example.com",
        message_id="m",
        transport="mailgun",
        state=state,
        attempt=1,
        owner="w",
        fence=1,
        message=message,
    )


def end(outcome: str) -> EventRow:
    return EventRow(
        id="e", atom="a", outcome=outcome, timestamp_ms=T0, state=State.OK, closed_at=1.0
    )


def test_each_destination_has_a_sentence_and_its_last_step_decides() -> None:
    steps = (attempt(Kind.DEFERRED, 1), attempt(Kind.ACCEPTED, 2))
    assert explain(trace(*steps)) == ["oncall@example.com: sent, the provider has accepted it"]


def test_reports_follow_what_they_are_about() -> None:
    steps = (attempt(Kind.ACCEPTED), reported(Kind.DELIVERED), reported(Kind.OPENED))
    assert explain(trace(*steps)) == ["oncall@example.com: delivered; opened"]


def test_a_deferred_one_says_why_and_when_it_goes_on() -> None:
    step = msgspec.structs.replace(attempt(Kind.DEFERRED), next_attempt_at=T0 + 60_000)
    (line,) = explain(trace(step))
    assert line.startswith("oncall@example.com: not accepted yet, it is tried again (says the")
    assert line.endswith("not before 2014-02-11 17:13:14.000")


def test_a_doubt_is_told() -> None:
    step = msgspec.structs.replace(attempt(Kind.ACCEPTED, 2), possible_duplicate=True)
    (line,) = explain(trace(step))
    assert "possibly twice" in line


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.SUPERSEDED, "not sent again, the alarm's state had moved on (says"),
        (Kind.EXPIRED, "not sent again, it had become too old (says"),
        (Kind.FAILED, "not sent again, it failed for good (says"),
        (Kind.DEFERRED, "not accepted yet, it is tried again (says"),
    ],
)
def test_what_is_not_sent_again_after_a_doubt_is_not_called_twice(kind: Kind, words: str) -> None:
    step = msgspec.structs.replace(attempt(kind, 2), possible_duplicate=True)
    (line,) = explain(trace(step))
    assert f": may have been sent by an earlier attempt; {words}" in line
    assert "twice" not in line


def test_what_the_plan_no_longer_names_is_not_called_overtaken() -> None:
    step = attempt(Kind.SUPERSEDED, 2)
    outcome = msgspec.structs.replace(step.outcome, reason=Reason.NO_LONGER_PLANNED)
    (line,) = explain(trace(msgspec.structs.replace(step, outcome=outcome)))
    assert line.startswith("oncall@example.com: not sent, the plan no longer names it (")


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        (Kind.SUPPRESSED, Reason.MAINTENANCE, "a maintenance window was in force"),
        (Kind.STALE, Reason.OLDER_THAN_LAST, "a newer event"),
        (Kind.UNCHANGED, Reason.SAME_STATE, "in this state already"),
        (Kind.INVALID, Reason.NOT_JSON, "could not be read"),
        (Kind.NO_RECIPIENTS, Reason.EMPTY_LIST, "nobody for this state"),
        (Kind.LOOKUP_FAILED, Reason.NOT_IN_CATALOG, "the catalog does not know it"),
    ],
)
def test_an_event_without_an_email_says_why(kind: Kind, reason: Reason, words: str) -> None:
    (line,) = explain(trace(ending(kind, reason)))
    assert line.startswith("nothing was sent: ")
    assert words in line
    assert line.endswith(f"(is {reason})")


def test_that_it_came_again_is_not_why_nothing_was_sent() -> None:
    steps = (
        ending(Kind.DISABLED, Reason.CHECK_DISABLED),
        ending(Kind.DUPLICATE, Reason.SEEN_BEFORE, at=T0 + 5),
    )
    assert "disabled" in explain(trace(*steps))[0]
    assert "handled before" in explain(trace(steps[1]))[0]


def test_what_the_ledger_has_as_accepted_was_sent_whatever_was_told_last() -> None:
    """The record of it is lost, or still to come. What readers did is told as well."""
    accepted = [row(DeliveryState.ACCEPTED)]
    sent = "oncall@example.com: sent, the provider has accepted it"
    for kind in (Kind.FALLBACK, Kind.DEFERRED, Kind.FAILED, Kind.IN_DOUBT):
        assert explain(trace(attempt(kind), deliveries=accepted)) == [sent]
    assert explain(trace(reported(Kind.OPENED), deliveries=accepted)) == [f"{sent}; opened"]
    bounced = explain(trace(reported(Kind.BOUNCED_PERMANENT), deliveries=accepted))
    assert bounced[0].startswith("oncall@example.com: bounced")
    (deferred,) = explain(trace(attempt(Kind.ACCEPTED), deliveries=[row(DeliveryState.DEFERRED)]))
    assert deferred == sent


def unreached(type_: str | None, at: int = T0 - 99) -> TrackingEvent:
    """The plan's notification of the attempts led to no address."""
    step = ending(Kind.FAILED, Reason.UNKNOWN_NOTIFICATION, at=at)
    to = TrackedNotification(uid=None, notification_id="ntExAmPl02", type=type_, destination=None)
    return msgspec.structs.replace(step, notification=to)


def test_an_address_that_was_found_since_has_the_last_word() -> None:
    """Its dead letter was redriven after the catalog was mended."""
    (line,) = explain(trace(unreached(None), attempt(Kind.ACCEPTED)))
    assert line == "oncall@example.com: sent, the provider has accepted it"
    assert len(explain(trace(attempt(Kind.ACCEPTED), unreached(None, T0 + 99)))) == 2
    assert len(explain(trace(unreached("technicalContactsEmail"), attempt(Kind.ACCEPTED)))) == 2


def test_a_redrive_that_came_too_late_for_the_rest_says_so() -> None:
    stale = ending(Kind.STALE, Reason.OLDER_THAN_LAST, at=T0 + 9)
    again = msgspec.structs.replace(stale, redriven_at=T0 + 5)
    steps = (attempt(Kind.ACCEPTED), again)
    assert explain(trace(*steps)) == [
        "oncall@example.com: sent, the provider has accepted it",
        "redriven, nothing more was sent: a newer event of the same alarm had come before it "
        "(is older_than_last)",
    ]
    assert len(explain(trace(attempt(Kind.ACCEPTED), stale))) == 1
    later = msgspec.structs.replace(attempt(Kind.ACCEPTED, 2, T0 + 99), redriven_at=T0 + 90)
    assert len(explain(trace(*steps, later))) == 1


@pytest.mark.parametrize("state", list(DeliveryState))
def test_a_row_without_steps_speaks_for_itself(state: DeliveryState) -> None:
    (line,) = explain(trace(deliveries=[row(state, "because")]))
    assert line.startswith("oncall@example.com: ")
    assert ("because" in line) is (state is not DeliveryState.ACCEPTED)


def test_a_row_whose_steps_are_there_adds_nothing() -> None:
    known = trace(attempt(Kind.ACCEPTED), deliveries=[row(DeliveryState.ACCEPTED)])
    assert len(explain(known)) == 1


def test_the_ledger_alone_knows_how_an_event_ended() -> None:
    (line,) = explain(trace(ended=end("suppressed")))
    assert line == "nothing was sent: a maintenance window was in force"
    assert explain(trace(ended=end("accepted")))[0].startswith("the event ended as accepted")
    assert explain(trace())[0].startswith("nothing was sent yet")


@pytest.mark.parametrize("kind", list(Kind))
def test_no_kind_is_without_words(kind: Kind) -> None:
    """Whether it ends an event or is a step of a destination."""
    of_destination = msgspec.structs.replace(attempt(Kind.ACCEPTED), kind=kind)
    assert explain(trace(of_destination))[0] != "oncall@example.com: "


def test_a_moment_is_utc_to_the_millisecond_and_nonsense_stays_a_number() -> None:
    assert moment(1_392_138_734_950) == "2014-02-11 17:12:14.950"
    assert moment(10**30) == f"{10**30} ms"
    assert moment(None) == "unknown"


def test_a_report_is_the_last_word_though_its_clock_is_behind() -> None:
    delivered = msgspec.structs.replace(reported(Kind.DELIVERED), at=T0 - 99)
    assert explain(trace(delivered, attempt(Kind.ACCEPTED))) == ["oncall@example.com: delivered"]


def test_a_delay_that_the_provider_reports_is_no_attempt_of_ours() -> None:
    delayed = reported(Kind.DEFERRED)
    outcome = msgspec.structs.replace(delayed.outcome, reason=Reason.REPORTED)
    delayed = msgspec.structs.replace(delayed, outcome=outcome)
    assert explain(trace(attempt(Kind.ACCEPTED), delayed)) == [
        "oncall@example.com: sent, the provider has accepted it; delayed by the receiving side"
    ]


def test_a_delivery_in_test_mode_is_none() -> None:
    told = reported(Kind.DELIVERED)
    outcome = msgspec.structs.replace(told.outcome, reason=Reason.TEST_MODE)
    told = msgspec.structs.replace(told, outcome=outcome)
    assert explain(trace(told)) == [
        "oncall@example.com: accepted in test mode, which delivers nothing"
    ]
