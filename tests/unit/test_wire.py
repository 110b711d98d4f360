"""Bytes on our topics: tracking records, and the history made of them."""

import json
from typing import Any

import msgspec
import pytest

from consumer.domain.alarm import State
from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record
from consumer.domain.tracking import (
    Outcome,
    TrackedEvent,
    TrackedNotification,
    TrackedProvider,
    TrackingEvent,
)
from consumer.wire import (
    decode_tracking,
    encode_event,
    encode_tracking,
    history_record,
)
from tests.support.factories import make_event

EMAIL = TrackedNotification(
    uid="3ea90999-0802-5011-8804-564c26bd77b7",
    notification_id="ntExAmPl02",
    type="email",
    destination="oncall@example.com",
)

READ = Record("alarm-events", 0, 1, None, b"{")


def step(kind: Kind, at: int, message: str = "", **changes: Any) -> TrackingEvent:
    """One tracking record of one email, of an event that went from OK to CRITICAL."""
    values: dict[str, Any] = {
        "id": f"{kind}-{at}",
        "kind": kind,
        "at": at,
        "event": TrackedEvent(
            id="a692ad20-933f-11e3-81e3-5839dd8ab955",
            state=State.CRITICAL,
            previous_state=State.OK,
            timestamp=1_392_138_733_810,
            txn_id="txn",
        ),
        "outcome": Outcome(
            success=kind in (Kind.ACCEPTED, Kind.DELIVERED, Kind.OPENED),
            retryable=kind is Kind.DEFERRED,
            reason=Reason.QUEUED,
            message=message,
        ),
        "worker": "messenger-1",
        "notification_plan_id": "npOnCall01",
        "notification": EMAIL,
    }
    return TrackingEvent(**(values | changes))


class TestTracking:
    def test_a_record_looks_as_documented(self) -> None:
        told = step(
            Kind.ACCEPTED,
            1_392_138_734_950,
            provider=TrackedProvider(name="mailgun", code=200),
            source=("alarm-events", 3, 120455),
        )
        value = json.loads(encode_tracking(told))
        assert value["schema"] == "notification-tracking-event/1"
        assert value["kind"] == "accepted"
        assert value["notification"]["destination"] == "oncall@example.com"
        assert value["source"] == ["alarm-events", 3, 120455]
        assert value["next_attempt_at"] is None

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (None, Reason.EMPTY),
            (b"", Reason.EMPTY),
            (b"{", Reason.NOT_JSON),
            (b'{"schema": "notification-tracking-event/1", "id": "\xff"}', Reason.NOT_JSON),
            (b'{"x":' * 5000 + b"1" + b"}" * 5000, Reason.NOT_JSON),
            (b"[]", Reason.SCHEMA_MISMATCH),
            (b'{"schema": "notification-tracking-event/1"}', Reason.SCHEMA_MISMATCH),
            (b'{"schema": "notification-tracking-event/2"}', Reason.UNKNOWN_VERSION),
            (encode_event(make_event()), Reason.UNKNOWN_VERSION),
            (b"{}", Reason.UNKNOWN_VERSION),
        ],
    )
    def test_what_is_no_tracking_record_is_refused(
        self, value: bytes | None, reason: Reason
    ) -> None:
        with pytest.raises(InvalidMessage) as caught:
            decode_tracking(value)
        assert caught.value.reason is reason


class TestHistory:
    def test_attempts_fold_into_one_result(self) -> None:
        """Steps may arrive in any order, and more than once."""
        failed = step(Kind.DEFERRED, 10, 'Unexpected status code "503"')
        sent = step(Kind.ACCEPTED, 20, "Email successfully sent")
        assert history_record([sent, failed, sent], status="The page is gone.") == {
            "id": "a692ad20-933f-11e3-81e3-5839dd8ab955",
            "timestamp": 1_392_138_733_810,
            "notification_plan_id": "npOnCall01",
            "transaction_id": "txn",
            "status": "The page is gone.",
            "state": "CRITICAL",
            "previous_state": "OK",
            "notification_results": [
                {
                    "notification_id": "ntExAmPl02",
                    "notification_type": "email",
                    "notification_details": {"address": "oncall@example.com"},
                    "in_progress": False,
                    "success": True,
                    "message": "Email successfully sent",
                    "attempts": [
                        {
                            "message": 'Unexpected status code "503"',
                            "from": "messenger-1",
                            "at": 10,
                        },
                        {"message": "Email successfully sent", "from": "messenger-1", "at": 20},
                    ],
                }
            ],
        }

    @pytest.mark.parametrize(
        ("kinds", "in_progress", "success"),
        [
            ([Kind.DEFERRED], True, False),
            ([Kind.IN_DOUBT], True, False),
            ([Kind.DEFERRED, Kind.FALLBACK], True, False),
            ([Kind.ACCEPTED], False, True),
            ([Kind.ACCEPTED, Kind.BOUNCED_TEMPORARY], False, False),
            ([Kind.DELIVERED, Kind.ACCEPTED], False, True),
            ([Kind.BOUNCED_PERMANENT, Kind.ACCEPTED], False, False),
            ([Kind.ACCEPTED, Kind.BOUNCED_PERMANENT], False, False),
            ([Kind.ACCEPTED, Kind.DELIVERED, Kind.COMPLAINED], False, True),
            ([Kind.SUPERSEDED], False, False),
            ([Kind.OPENED], False, True),
        ],
    )
    def test_the_last_step_that_decides_is_the_result(
        self, kinds: list[Kind], in_progress: bool, success: bool
    ) -> None:
        steps = [step(kind, at) for at, kind in enumerate(kinds)]
        (result,) = history_record(steps)["notification_results"]
        assert (result["in_progress"], result["success"]) == (in_progress, success)

    def test_each_destination_has_its_own_result(self) -> None:
        other = msgspec.structs.replace(EMAIL, uid="other", destination="boss@example.com")
        unknown = TrackedNotification(
            uid=None, notification_id="ntGone01", type=None, destination=None
        )
        hook = TrackedNotification(
            uid=None, notification_id="ntHook01", type="webhook", destination="https://example.com"
        )
        steps = [
            step(Kind.ACCEPTED, 1),
            step(Kind.FAILED, 2, notification=other),
            step(Kind.FAILED, 3, notification=unknown),
            step(Kind.FAILED, 4, notification=hook),
        ]
        results = history_record(steps)["notification_results"]
        assert [result["notification_details"] for result in results] == [
            {"address": "oncall@example.com"},
            {"address": "boss@example.com"},
            {},
            {"url": "https://example.com"},
        ]

    def test_an_event_that_ended_without_mail_says_why(self) -> None:
        ended = step(Kind.SUPPRESSED, 1, "suppressed by spMaint01", notification=None)
        history = history_record([ended])
        assert history["status"] == "suppressed by spMaint01"
        assert history["notification_results"] == []

    def test_there_is_no_history_of_nothing(self) -> None:
        with pytest.raises(ValueError, match="at least one"):
            history_record([])
