"""Derived ids: the values that the reference gives, and what is and is not part of them."""

import uuid
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.identity import (
    NS_EVENT,
    NS_NOTIFICATION,
    NS_TRACKING,
    derived_event_id,
    installation_id,
    message_id,
    normalised_address,
    notification_uid,
    tracking_id,
)

UID = "3ea90999-0802-5011-8804-564c26bd77b7"


class TestKnownValues:
    """Others would make every earlier id another one."""

    def test_namespaces(self) -> None:
        assert str(NS_EVENT) == "3399f135-f0c0-5c44-9a7c-cdeeebc9c930"
        assert str(NS_NOTIFICATION) == "239824f4-5316-5bb7-b72e-73259ce1b27b"
        assert uuid.uuid5(uuid.NAMESPACE_URL, "urn:messenger:tracking:v1") == NS_TRACKING

    def test_event(self) -> None:
        alarm = "7d2e8b44-6a0f-4c55-9d1b-2f1f2b7c0001"
        found = derived_event_id("monasca", "9f1c", alarm, "OK", "ALARM", 1_392_138_733_810)
        assert found == "bf805b5c-387e-5fdd-8fdd-671b2db56bf9"

    def test_notification(self) -> None:
        event = "a692ad20-933f-11e3-81e3-5839dd8ab955"
        assert notification_uid(event, "ntExAmPl02", "email", "oncall@example.com") == UID

    def test_tracking(self) -> None:
        assert tracking_id(UID, "accepted", 2) == "60a4941d-15a3-54ea-8c35-c257a39ed8ef"

    def test_message_id(self) -> None:
        assert message_id(UID, "alerts.example.com") == f"<{UID}@alerts.example.com>"


@given(st.text(), st.text())
def test_an_id_is_a_version_5_uuid(subject: str, kind: str) -> None:
    """Anyone can derive the same, with what their language has for it."""
    assert tracking_id(subject, kind, 1) == str(uuid.uuid5(NS_TRACKING, f"{subject}|{kind}|1"))


def test_each_part_of_an_event_counts() -> None:
    ids = {
        derived_event_id("ele", "1", "a", "OK", "CRITICAL", 5),
        derived_event_id("monasca", "1", "a", "OK", "CRITICAL", 5),
        derived_event_id("ele", "2", "a", "OK", "CRITICAL", 5),
        derived_event_id("ele", "1", "b", "OK", "CRITICAL", 5),
        derived_event_id("ele", "1", "a", None, "CRITICAL", 5),
        derived_event_id("ele", "1", "a", "OK", "WARNING", 5),
        derived_event_id("ele", "1", "a", "OK", "CRITICAL", 6),
    }
    assert len(ids) == 7


def test_a_state_before_that_is_unknown_is_written_as_nothing() -> None:
    unknown = derived_event_id("ele", "1", "a", None, "CRITICAL", 5)
    assert unknown == derived_event_id("ele", "1", "a", "", "CRITICAL", 5)


def test_each_part_of_a_notification_counts() -> None:
    parts = ("event", "target", "email", "a@example.com")
    changed = [(*parts[:n], "other", *parts[n + 1 :]) for n in range(4)]
    ids = [notification_uid(*each) for each in (parts, *changed)]
    assert all(one != other for one, other in combinations(ids, 2))


def test_each_part_of_a_tracking_record_counts() -> None:
    ids = {
        tracking_id("s", "accepted", 1),
        tracking_id("t", "accepted", 1),
        tracking_id("s", "failed", 1),
        tracking_id("s", "accepted", 2),
        tracking_id("s", "accepted", None),
    }
    assert len(ids) == 5


def test_an_attempt_may_be_a_number_or_a_providers_word() -> None:
    assert tracking_id("s", "delivered", 1) == tracking_id("s", "delivered", "1")


class TestAddress:
    @pytest.mark.parametrize(
        ("written", "normal"),
        [
            ("oncall@example.com", "oncall@example.com"),
            ("  oncall@EXAMPLE.Com\r\n", "oncall@example.com"),
            ("OnCall@Example.com", "OnCall@example.com"),
            ('"A@B"@Example.com', '"A@B"@example.com'),
            ("", ""),
            ("@", "@"),
        ],
    )
    def test_trimmed_and_the_domain_in_lower_case(self, written: str, normal: str) -> None:
        assert normalised_address(written) == normal

    @given(st.text())
    def test_once_is_enough(self, written: str) -> None:
        once = normalised_address(written)
        assert normalised_address(once) == once


def test_an_installation_is_known_by_its_group_and_does_not_tell_its_name() -> None:
    assert installation_id("messenger") == installation_id("messenger") == "01d978af"
    assert installation_id("messenger-2") != installation_id("messenger")
