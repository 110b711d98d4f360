"""What Mailgun's documents mean, in all shapes, and that none of them is an error."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.domain.reasons import Kind, Reason
from consumer.feedback.reading import read
from consumer.feedback.report import FOREIGN, UNKNOWN, UNREADABLE, NoReport, Report
from tests.support.reports import AT, UID, VARIABLES, as_log_item, document, failed


def report(of: dict[str, Any]) -> Report:
    found = read(of)
    assert isinstance(found, Report), found
    return found


def test_a_delivery_is_read_to_its_last_part() -> None:
    assert report(document()) == Report(
        kind=Kind.DELIVERED,
        reason=Reason.REPORTED,
        event="delivered",
        event_id="hK7mQVt1QtqRiOfQXta4sw",
        at=AT,
        uid=UID,
        message_id=f"{UID}@alerts.example.com",
        recipient="oncall@example.com",
        code=250,
        enhanced_code="2.0.0",
        message="OK",
        variables=VARIABLES,
    )


@pytest.mark.parametrize(
    ("of", "kind", "reason"),
    [
        (document("accepted"), Kind.ACCEPTED, Reason.REPORTED),
        (document("opened"), Kind.OPENED, Reason.REPORTED),
        (document("clicked"), Kind.CLICKED, Reason.REPORTED),
        (document("complained"), Kind.COMPLAINED, Reason.REPORTED),
        (document("unsubscribed"), Kind.UNSUBSCRIBED, Reason.REPORTED),
        (document("rejected"), Kind.REJECTED, Reason.REPORTED),
        (document("Delivered"), Kind.DELIVERED, Reason.REPORTED),
        (
            document(**{"delivery-status": {"code": 650}}),
            Kind.DELIVERED,
            Reason.TEST_MODE,
        ),
        (failed("temporary", code=451), Kind.DEFERRED, Reason.REPORTED),
        (failed("permanent"), Kind.BOUNCED_PERMANENT, Reason.REPORTED),
        (failed("permanent", code=602), Kind.BOUNCED_TEMPORARY, Reason.GAVE_UP),
        (failed("permanent", "old"), Kind.BOUNCED_TEMPORARY, Reason.GAVE_UP),
        (
            failed("permanent", **{"bounce-type": "soft"}),
            Kind.BOUNCED_TEMPORARY,
            Reason.REPORTED,
        ),
        (
            failed("permanent", "suppress-bounce", code=605),
            Kind.BOUNCED_PERMANENT,
            Reason.SUPPRESSED_BY_PROVIDER,
        ),
    ],
)
def test_each_event_has_its_kind(of: dict[str, Any], kind: Kind, reason: Reason) -> None:
    found = report(of)
    assert (found.kind, found.reason) == (kind, reason)


def test_a_delay_says_when_mailgun_tries_again() -> None:
    found = report(failed("temporary", **{"retry-seconds": 600}))
    assert found.next_attempt_at == AT + 600
    assert report(failed("permanent", **{"retry-seconds": 600})).next_attempt_at is None


def test_the_words_are_mailguns_reason_and_what_the_receiving_server_said() -> None:
    assert report(failed("permanent")).message == "bounce: 5.1.1 No such user"
    rejected = document("rejected", reject={"reason": "Sandbox", "description": "not allowed"})
    assert report(rejected).message == "Sandbox: not allowed"
    several = failed("permanent", message="550-no\r\n550 such user\x1b[2J" + "x" * 2000)
    assert "\n" not in report(several).message
    assert len(report(several).message) == 500


def test_a_rejection_has_no_recipient_of_its_own() -> None:
    of = {name: value for name, value in document("rejected").items() if name != "recipient"}
    assert report(of).recipient == "oncall@example.com"


def test_webhook_events_api_and_logs_api_give_one_report_one_id() -> None:
    """The Logs' times may have fewer digits."""
    webhook = report(document())
    log = report(as_log_item(document(), "2014-02-11T17:12:19.641Z"))
    assert log.tracking_id == webhook.tracking_id
    assert log.variables == webhook.variables
    assert msgspec.structs.replace(log, at=AT) == webhook


def test_another_day_or_kind_or_event_is_another_report() -> None:
    """Mailgun's ids are unique within one day only."""
    ids = {
        report(document()).tracking_id,
        report(document(timestamp=AT + 86_400)).tracking_id,
        report(document("opened")).tracking_id,
        report(document(id="another")).tracking_id,
    }
    assert len(ids) == 4


def test_without_variables_the_message_id_says_which_email_it_is() -> None:
    assert report(document(**{"user-variables": {}})).uid == UID
    assert report(document(message={}, **{"user-variables": {"uid": UID.upper()}})).uid == UID


@pytest.mark.parametrize(
    "changes",
    [
        {"user-variables": {}, "message": {"headers": {"message-id": "20260101.7@other.example"}}},
        {"user-variables": {"uid": "%recipient.uid%"}, "message": {}},
        {"user-variables": None, "message": None},
    ],
)
def test_mail_without_an_id_like_ours_is_foreign(changes: dict[str, Any]) -> None:
    assert read(document(**changes)) == FOREIGN


@pytest.mark.parametrize(
    "of",
    [document("stored"), document("list_uploaded"), failed("strange"), document("failed")],
)
def test_words_that_nobody_told_us_are_unknown(of: dict[str, Any]) -> None:
    assert read(of) == UNKNOWN


@pytest.mark.parametrize(
    "of",
    [
        None,
        [],
        "delivered",
        {},
        document(event=None),
        document(id=""),
        document(id="x" * 201),
        document(timestamp=None),
        document(timestamp="soon"),
        document(timestamp=True),
        document(timestamp=1e300),
        document(timestamp="2014-02-11T17:12:19"),
    ],
)
def test_what_has_no_event_id_or_time_is_unreadable(of: Any) -> None:
    assert read(of) == UNREADABLE


@pytest.mark.parametrize("status", [None, [], "text", {"code": None}, {"code": "no"}, {"code": -1}])
def test_a_status_that_is_none_leaves_the_report(status: Any) -> None:
    found = report(document(**{"delivery-status": status}))
    assert (found.kind, found.code) == (Kind.DELIVERED, None)


def test_a_delayed_bounce_has_its_code_under_another_name() -> None:
    bounced = document("failed", severity="permanent", **{"delivery-status": {"bounce-code": 550}})
    assert report(bounced).code == 550


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*document("failed"), "severity", "reason", "delivery-status", "reject"]),
        _JSON,
    )
)
def test_no_document_is_an_error(changes: dict[str, Any]) -> None:
    found = read(document("failed") | changes)
    assert isinstance(found, Report | NoReport)
    if isinstance(found, Report):
        assert found.tracking_id
