"""To whom an email goes, under which headers, and in which thread."""

import pytest

from consumer.domain.alarm import State
from consumer.domain.identity import message_id, notification_uid
from consumer.domain.notification import Email
from tests.support.factories import make_event, make_notification
from tests.unit.pipeline.emails import email_of, event_email


def test_email_carries_its_identity_and_addresses() -> None:
    email = email_of()
    assert email.message_id == "<3ea90999-0802-5011-8804-564c26bd77b7@alerts.example.com>"
    assert email.sender == "Alarms <alarms@alerts.example.com>"
    assert email.to == "oncall@example.com"
    assert dict(email.variables) == {
        "uid": "3ea90999-0802-5011-8804-564c26bd77b7",
        "event_id": "a692ad20-933f-11e3-81e3-5839dd8ab955",
        "tenant_id": "487000",
        "entity_id": "enW3bSrv01",
        "check_id": "chHttpW3b1",
        "alarm_id": "alBodyM4tc",
        "state": "CRITICAL",
        "target_id": "ntExAmPl02",
    }


def test_headers_name_the_alarm_and_quiet_the_robots() -> None:
    assert email_of().headers == (
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("X-Alarm-Tenant", "487000"),
        ("X-Alarm-Entity", "enW3bSrv01"),
        ("X-Alarm-Check", "chHttpW3b1"),
        ("X-Alarm-Id", "alBodyM4tc"),
        ("X-Alarm-State", "CRITICAL"),
        ("X-Alarm-Event", "a692ad20-933f-11e3-81e3-5839dd8ab955"),
        ("Importance", "high"),
    )


@pytest.mark.parametrize("state", [State.OK, State.WARNING])
def test_only_critical_is_important(state: State) -> None:
    assert "Importance" not in dict(event_email(state=state).headers)


ROOT_EVENT = "0d1f7a10-933f-11e3-81e3-5839dd8ab955"


@pytest.mark.parametrize(
    ("thread_event_id", "target_id", "destination", "root"),
    [
        (None, "ntExAmPl02", "oncall@example.com", None),
        ("this event", "ntExAmPl02", "oncall@example.com", None),
        (ROOT_EVENT, "ntExAmPl02", "oncall@example.com", "oncall@example.com"),
        (ROOT_EVENT, "ntOther001", "boss@example.com", "boss@example.com"),
    ],
)
def test_mails_of_one_alarm_to_one_destination_are_one_thread(
    thread_event_id: str | None, target_id: str, destination: str, root: str | None
) -> None:
    event = make_event()
    uid = notification_uid(event.id, target_id, "email", destination)
    notification = make_notification(
        uid=uid, event=event, target_id=target_id, destination=destination
    )
    thread = event.id if thread_event_id == "this event" else thread_event_id
    headers = dict(email_of(notification, thread_event_id=thread).headers)
    if root is None:
        assert "References" not in headers
        assert "In-Reply-To" not in headers
    else:
        root_uid = notification_uid(ROOT_EVENT, target_id, "email", root)
        expected = message_id(root_uid, "alerts.example.com")
        assert headers["References"] == headers["In-Reply-To"] == expected


def test_a_reply_names_the_message_id_the_root_really_had() -> None:
    def mail(event_id: str) -> Email:
        event = make_event(id=event_id)
        uid = notification_uid(event_id, "ntExAmPl02", "email", "oncall@example.com")
        return email_of(make_notification(uid=uid, event=event), thread_event_id="first")

    assert dict(mail("second").headers)["References"] == mail("first").message_id
