"""Bytes on our topics: tracking records, dead letters, and the history made of them."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.alarm import State
from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import DeadLetter, Record, Undelivered
from consumer.domain.tracking import (
    Outcome,
    TrackedEvent,
    TrackedNotification,
    TrackedProvider,
    TrackingEvent,
)
from consumer.wire import (
    DEAD_LETTER_HEADERS,
    LETTER_HEADER,
    ORIGIN_HEADER,
    REDRIVEN_HEADER,
    UNDELIVERED_HEADER,
    dead_letter_headers,
    decode_dead_letter,
    decode_note,
    decode_tracking,
    encode_event,
    encode_tracking,
    history_record,
    origin,
    redriven_at,
    redriven_headers,
    redriven_note,
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


class TestDeadLetter:
    @given(
        st.builds(
            Record,
            topic=st.text(),
            partition=st.integers(0),
            offset=st.integers(0),
            key=st.none() | st.binary(),
            value=st.none() | st.binary(),
            headers=st.lists(st.tuples(st.sampled_from(["a", "ce_id", "ä"]), st.binary())),
            timestamp=st.integers(-1),
        ),
        st.text(),
        st.text(),
        st.integers(0),
        st.lists(st.builds(Undelivered, st.text(), st.text()), max_size=3).map(tuple),
    )
    def test_it_comes_back_as_it_was(
        self,
        record: Record,
        reason: str,
        error: str,
        first_seen: int,
        undelivered: tuple[Undelivered, ...],
    ) -> None:
        letter = DeadLetter(
            record=record,
            reason=reason,
            error=error,
            first_seen=first_seen,
            undelivered=undelivered,
        )
        headers = dead_letter_headers(letter)
        read = Record("dead", 5, 99, record.key, record.value, headers, 1)
        assert decode_dead_letter(read) == letter

    def test_its_own_headers_stay_and_an_earlier_letters_are_replaced(self) -> None:
        record = Record("t", 0, 1, None, b"", [("trace", b"1"), ("messenger-reason", b"old")])
        letter = DeadLetter(record=record, reason="not_json", error="message: odd", first_seen=5)
        headers = dead_letter_headers(letter)
        assert headers[0] == ("trace", b"1")
        assert tuple(name for name, _ in headers[1:]) == DEAD_LETTER_HEADERS
        assert ("messenger-reason", b"old") not in headers

    @pytest.mark.parametrize("name", DEAD_LETTER_HEADERS)
    def test_a_missing_header_is_named(self, name: str) -> None:
        letter = DeadLetter(
            record=Record("t", 0, 1, None, b""), reason="r", error="e", first_seen=5
        )
        headers = [header for header in dead_letter_headers(letter) if header[0] != name]
        with pytest.raises(InvalidMessage, match=f"no header {name}"):
            decode_dead_letter(Record("dead", 0, 0, None, b"", headers))

    @pytest.mark.parametrize("value", [b"x", b"\xff", b""])
    def test_an_unreadable_header_is_refused(self, value: bytes) -> None:
        letter = DeadLetter(
            record=Record("t", 0, 1, None, b""), reason="r", error="e", first_seen=5
        )
        headers = [*dead_letter_headers(letter), ("messenger-source-offset", value)]
        with pytest.raises(InvalidMessage, match="unreadable header"):
            decode_dead_letter(Record("dead", 0, 0, None, b"", headers))

    @pytest.mark.parametrize("value", [b"", b"x", b"{}", b'[{"uid": 1}]'])
    def test_whom_it_was_for_may_be_missing(self, value: bytes) -> None:
        letter = DeadLetter(
            record=Record("t", 0, 1, None, b""), reason="r", error="e", first_seen=5
        )
        headers = [*dead_letter_headers(letter), (UNDELIVERED_HEADER, value)]
        assert not decode_dead_letter(Record("dead", 0, 0, None, b"", headers)).undelivered


class TestRedriven:
    def test_a_record_carries_its_own_headers_and_when_it_was_redriven(self) -> None:
        record = Record("t", 0, 1, None, b"", [("trace", b"1"), ("messenger-reason", b"old")])
        headers = redriven_headers(record, 1_392_138_740_000)
        assert headers == [
            ("trace", b"1"),
            (REDRIVEN_HEADER, b"1392138740000"),
            (ORIGIN_HEADER, b"t/0/1"),
        ]
        assert redriven_at(headers) == 1_392_138_740_000

    def test_headers_do_not_pile_up_over_many_failures(self) -> None:
        """Dead, redriven and dead again: the last time counts, and nothing is there twice."""
        record = Record("t", 0, 1, None, b"", [("trace", b"1")])
        for at in (10, 20, 30):
            letter = DeadLetter(record=record, reason="r", error="e", first_seen=at)
            read = Record("dead", 0, at, None, b"", dead_letter_headers(letter))
            letter = decode_dead_letter(read)
            assert letter.first_seen == at
            record = Record("t", 0, at, None, b"", redriven_headers(letter.record, at + 1))
        own = [("trace", b"1"), (REDRIVEN_HEADER, b"31"), (ORIGIN_HEADER, b"t/0/1")]
        assert list(record.headers) == own
        assert origin(record) == ("t", 0, 1)

    @pytest.mark.parametrize(
        "told", [b"", b"t/0", b"t/0/1/2", b"t/-1/2", b"\xff/0/1", b"t/0/9" * 99]
    )
    def test_what_is_no_place_leaves_a_record_where_it_is(self, told: bytes) -> None:
        assert origin(Record("t", 0, 7, None, b"", [(ORIGIN_HEADER, told)])) == ("t", 0, 7)

    def test_a_note_says_which_letter_was_redriven_and_when(self) -> None:
        note = Record("dead", 1, 2, None, b"", redriven_note(3, 42, 1_392_138_740_000))
        assert decode_note(note) == ((3, 42), 1_392_138_740_000)
        with pytest.raises(InvalidMessage):
            decode_dead_letter(note)
        for headers in ((), [(LETTER_HEADER, b"3")], [(LETTER_HEADER, b"3/42")]):
            assert decode_note(Record("dead", 1, 2, None, b"", headers)) is None

    @pytest.mark.parametrize("told", [b"", b"soon", b"-1", b"1.5", b"\xff", b"9" * 5000])
    def test_what_is_no_time_of_ours_counts_as_none(self, told: bytes) -> None:
        """Producers may write what they like: it never stops the consumer."""
        assert redriven_at([(REDRIVEN_HEADER, told)]) is None

    def test_other_records_were_not_redriven(self) -> None:
        assert redriven_at([("trace", b"1")]) is None


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
