"""The tracking records: what they say, their ids, and that the schema takes them all."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from consumer.domain.alarm import State
from consumer.domain.catalog import Account, ContactPerson, Contacts, Target
from consumer.domain.errors import InvalidMessage
from consumer.domain.identity import tracking_id
from consumer.domain.notification import Ending, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record
from consumer.domain.tracking import TrackedEvent, TrackedNotification, TrackingEvent
from consumer.pipeline.plan import plan
from consumer.pipeline.track import About, track_attempt, track_ending, track_invalid
from consumer.wire import decode_tracking, encode_tracking
from tests.contract.schemas.files import TRACKING, validator
from tests.support.factories import make_context, make_event, make_notification

AT = 1_392_138_734_950
UID = "3ea90999-0802-5011-8804-564c26bd77b7"
SCHEMA = validator(TRACKING)


def about(**changes: Any) -> About:
    values: dict[str, Any] = {
        "event": make_event(),
        "source": ("alarm-events", 3, 120_455),
        "worker": "messenger-1",
    }
    return About(**(values | changes))


def ending(kind: Kind, reason: Reason, **changes: Any) -> Ending:
    return Ending(kind=kind, reason=reason, message="Why it ended", **changes)


def result(kind: Kind, **changes: Any) -> SendResult:
    values: dict[str, Any] = {
        "kind": kind,
        "reason": Reason.QUEUED,
        "message": "Queued",
        "transport": "mailgun",
    }
    return SendResult(**(values | changes))


def attempt(kind: Kind, number: int = 1, **changes: Any) -> TrackingEvent:
    return track_attempt(about(), make_notification(), result(kind, **changes), number, AT)


def invalid(offset: int = 7, salvaged: TrackedEvent | None = None) -> TrackingEvent:
    record = Record("alarm-events", 0, offset, None, b"{")
    error = InvalidMessage(Reason.NOT_JSON, "it ends in the middle")
    return track_invalid(record, error, salvaged, "messenger-1", AT)


ENDINGS = [
    ending(Kind.DUPLICATE, Reason.SEEN_BEFORE),
    ending(Kind.STALE, Reason.OLDER_THAN_LAST),
    ending(Kind.UNCHANGED, Reason.SAME_STATE),
    ending(Kind.INITIAL_OK, Reason.FIRST_STATE_OK),
    ending(Kind.IGNORED, Reason.UNKNOWN_STATE),
    ending(Kind.SUPPRESSED, Reason.MAINTENANCE),
    ending(Kind.DISABLED, Reason.ALARM_DISABLED),
    ending(Kind.LOOKUP_FAILED, Reason.NOT_IN_CATALOG),
    ending(Kind.NO_RECIPIENTS, Reason.EMPTY_LIST),
    ending(Kind.RATE_LIMITED, Reason.RATE_LIMITED, target_id="nt1", type="email"),
    ending(Kind.NO_RECIPIENTS, Reason.NO_CONTACTS, target_id="nt1", type="email"),
    ending(Kind.FAILED, Reason.UNKNOWN_NOTIFICATION, target_id="nt1"),
    ending(
        Kind.DUPLICATE,
        Reason.SAME_ADDRESS,
        target_id="nt1",
        type="email",
        destination="a@example.com",
    ),
]
ATTEMPTS = (
    Kind.ACCEPTED,
    Kind.FAILED,
    Kind.DEFERRED,
    Kind.IN_DOUBT,
    Kind.SUPERSEDED,
    Kind.EXPIRED,
)
RECORDS = [
    *(track_ending(about(), each, AT) for each in ENDINGS),
    *(attempt(kind, retry_at=AT / 1000 + 1.5, code=200, provider_id="<x>") for kind in ATTEMPTS),
    attempt(Kind.IN_DOUBT),
    invalid(),
    invalid(salvaged=TrackedEvent(id="e1", tenant_id="487000")),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: f"{r.kind}-{r.outcome.reason}")
def test_the_schema_takes_it_and_it_reads_back_the_same(record: TrackingEvent) -> None:
    value = encode_tracking(record)
    SCHEMA.validate(json.loads(value))
    assert decode_tracking(value) == record


def test_an_attempt_names_its_route_and_an_end_without_one_does_not() -> None:
    new = about(route="new")
    sent = track_attempt(new, make_notification(), result(Kind.ACCEPTED), 1, AT)
    assert sent.route == "new"
    assert attempt(Kind.ACCEPTED).route is None, "no rule has a name"
    assert track_ending(new, ending(Kind.STALE, Reason.OLDER_THAN_LAST), AT).route is None


def test_every_kind_of_the_main_job_was_tried() -> None:
    """The others are for what providers report, and for what another transport does."""
    elsewhere = {
        Kind.FALLBACK,
        Kind.DEAD_LETTERED,
        Kind.DELIVERED,
        Kind.BOUNCED_PERMANENT,
        Kind.BOUNCED_TEMPORARY,
        Kind.COMPLAINED,
        Kind.OPENED,
        Kind.CLICKED,
        Kind.UNSUBSCRIBED,
        Kind.REJECTED,
    }
    assert {record.kind for record in RECORDS} == set(Kind) - elsewhere


class TestIds:
    def test_an_attempt_has_the_id_that_the_reference_gives(self) -> None:
        assert attempt(Kind.ACCEPTED, 2).id == "60a4941d-15a3-54ea-8c35-c257a39ed8ef"

    def test_the_same_step_told_twice_is_one_record(self) -> None:
        again = track_attempt(
            about(worker="messenger-2", source=("mirror", 0, 1)),
            make_notification(),
            result(Kind.ACCEPTED),
            2,
            AT + 5_000,
        )
        assert again.id == attempt(Kind.ACCEPTED, 2).id

    def test_each_attempt_and_each_kind_is_a_record_of_its_own(self) -> None:
        ids = {attempt(kind, number).id for kind in ATTEMPTS for number in (1, 2, 3)}
        assert len(ids) == 3 * len(ATTEMPTS)

    def test_an_events_end_is_one_record_wherever_it_is_read(self) -> None:
        stale = ending(Kind.STALE, Reason.OLDER_THAN_LAST)
        here, there = about(), about(source=("mirror", 0, 1))
        assert track_ending(here, stale, AT).id == track_ending(there, stale, AT + 1).id
        assert track_ending(here, stale, AT).id == tracking_id(make_event().id, "stale", None)

    def test_each_duplicate_is_a_record_of_its_own(self) -> None:
        """Told twice at one place it is the same one."""
        again = ending(Kind.DUPLICATE, Reason.SEEN_BEFORE)
        places = [("alarm-events", 3, 9), ("alarm-events", 3, 10), ("mirror", 3, 9)]
        ids = [track_ending(about(source=place), again, AT).id for place in places]
        assert len(set(ids)) == len(places)
        assert track_ending(about(source=places[0]), again, AT + 1).id == ids[0]

    def test_a_destinations_end_does_not_depend_on_the_place(self) -> None:
        same = ending(
            Kind.DUPLICATE, Reason.SAME_ADDRESS, target_id="nt1", destination="a@example.com"
        )
        here, there = (track_ending(about(source=("t", 0, n)), same, AT) for n in (1, 2))
        assert here.id == there.id

    def test_destinations_of_one_target_are_records_of_their_own(self) -> None:
        """Two technical contacts with a broken address are two things to put right."""
        people = [
            ContactPerson(email_address=address, role=["technical"])
            for address in ("ann at example.com", "bo at example.com")
        ]
        target = Target(id="ntTechnicalContactsEmail", type="technicalContactsEmail")
        context = make_context(
            account=Account(id="ac1", contacts=Contacts(contacts=people)),
            listed=[target.id],
            targets={target.id: target},
        )
        records = ids_of(plan(make_event(), context).endings)
        assert len(set(records)) == 2

    def test_broken_records_have_the_id_of_their_place(self) -> None:
        assert invalid(7).id == invalid(7, TrackedEvent(id="e1")).id
        assert invalid(7).id != invalid(8).id


def ids_of(endings: Sequence[Ending]) -> list[str]:
    return [track_ending(about(), each, AT).id for each in endings]


class TestContents:
    def test_an_accepted_email(self) -> None:
        record = track_attempt(
            about(plan_id="npOnCall01", lookup_degraded=True, gap=True),
            make_notification(),
            result(Kind.ACCEPTED, provider_id="<m>", code=200, duration_ms=143),
            2,
            AT,
        )
        assert record.event == TrackedEvent(
            id=make_event().id,
            tenant_id="487000",
            entity_id="enW3bSrv01",
            check_id="chHttpW3b1",
            alarm_id="alBodyM4tc",
            state=State.CRITICAL,
            previous_state=State.OK,
            timestamp=1_392_138_733_810,
        )
        assert record.notification == TrackedNotification(
            uid=UID, notification_id="ntExAmPl02", type="email", destination="oncall@example.com"
        )
        assert record.provider is not None
        assert (record.provider.name, record.provider.message_id) == ("mailgun", "<m>")
        assert (record.attempt, record.duration_ms, record.at) == (2, 143, AT)
        assert (record.notification_plan_id, record.lookup_degraded, record.gap) == (
            "npOnCall01",
            True,
            True,
        )
        assert record.source == ("alarm-events", 3, 120_455)
        assert record.next_attempt_at is None

    @pytest.mark.parametrize(
        ("kind", "success", "retryable"),
        [
            (Kind.ACCEPTED, True, False),
            (Kind.FAILED, False, False),
            (Kind.DEFERRED, False, True),
            (Kind.IN_DOUBT, False, True),
            (Kind.SUPERSEDED, False, False),
            (Kind.EXPIRED, False, False),
        ],
    )
    def test_success_and_more_to_come(self, kind: Kind, success: bool, retryable: bool) -> None:
        outcome = attempt(kind).outcome
        assert (outcome.success, outcome.retryable) == (success, retryable)

    def test_the_next_attempt_is_told_in_milliseconds(self) -> None:
        assert attempt(Kind.DEFERRED, retry_at=1_392_138_736.5).next_attempt_at == 1_392_138_736_500

    @pytest.mark.parametrize("kind", ATTEMPTS)
    def test_a_provider_that_was_not_asked_is_not_named(self, kind: Kind) -> None:
        asked = kind not in (Kind.SUPERSEDED, Kind.EXPIRED)
        assert (attempt(kind).provider is not None) is asked

    def test_the_end_of_an_event_names_no_destination(self) -> None:
        record = track_ending(about(), ending(Kind.STALE, Reason.OLDER_THAN_LAST), AT)
        assert record.notification is None
        assert record.outcome.message == "Why it ended"
        assert not record.outcome.success

    def test_the_end_of_a_destination_names_it(self) -> None:
        record = track_ending(about(), ENDINGS[-1], AT)
        assert record.notification == TrackedNotification(
            uid=None, notification_id="nt1", type="email", destination="a@example.com"
        )

    def test_what_could_be_read_of_a_broken_record_is_kept(self) -> None:
        assert invalid().event == TrackedEvent(id=None)
        assert invalid(salvaged=TrackedEvent(id="e1")).event.id == "e1"
        assert invalid(9).source == ("alarm-events", 0, 9)
        assert invalid().outcome.reason is Reason.NOT_JSON
