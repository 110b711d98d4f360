"""From settings to parts."""

from typing import Any

import pytest
from pydantic import ValidationError

from consumer.adapters.ledger import open_ledger
from consumer.settings import Kafka, Settings
from consumer.settings.delivery import Delivery
from consumer.wiring import carriers, ledger_patience, suppressed_by


def settings(fallback: str | None, *routes: str) -> Any:
    given: dict[str, Any] = {
        "kafka": {"bootstrap_servers": "localhost:9092"},
        "mailgun": {"api_key": "key", "domain": "example.com", "from_address": "a@example.com"},
        "smtp": {"host": "mail.example.com"},
        "delivery": {"fallback": fallback},
        "routes": [{"transport": name} for name in routes],
    }
    return Settings.model_validate(given)


@pytest.mark.parametrize(
    ("fallback", "routes", "expected"),
    [
        (None, ("smtp",), {}),
        ("smtp", (), {"mailgun": "smtp", "smtp": "mailgun"}),
        ("smtp", ("smtp",), {"mailgun": "smtp"}),
    ],
)
def test_who_carries_the_emails_of_a_transport_that_is_away(
    fallback: str | None, routes: tuple[str, ...], expected: dict[str, str]
) -> None:
    """A fallback with routes of its own is missed by them."""
    assert carriers(settings(fallback, *routes)) == expected


@pytest.mark.parametrize(("lease", "patience"), [(30.0, 10.0), (600.0, 10.0), (6.0, 2.0)])
def test_a_lease_lives_through_two_statements_in_vain(lease: float, patience: float) -> None:
    assert ledger_patience(lease) == patience


def test_who_gets_no_email_is_asked_by_policy() -> None:
    ledger = open_ledger("sqlite://")
    given = settings(None)
    find = suppressed_by(given, ledger)
    assert find is not None
    assert find(["oncall@example.com"]) == {}
    everybody = given.model_copy(update={"delivery": Delivery(suppressed_recipients="send")})
    assert suppressed_by(everybody, ledger) is None
    ledger.close()


def test_a_fallback_contact_is_one_address_and_there_for_whoever_needs_it() -> None:
    given = Delivery(on_bounce="fallback_contact", fallback_contact=" ops@EXAMPLE.com ")
    assert given.fallback_contact == "ops@example.com"
    for wrong in ({"on_bounce": "fallback_contact"}, {"fallback_contact": "ops"}):
        with pytest.raises(ValidationError, match=r"fallback_contact|email address"):
            Delivery.model_validate(wrong)


@pytest.mark.parametrize(
    ("formats", "topic"),
    [
        ({}, "a"),
        ({"a": "rackspace"}, "b"),
        ({"a": "alarm-state-event"}, "a"),
        ({"a": "rackspace", "b": "rackspace"}, None),
    ],
)
def test_our_own_events_go_to_a_topic_that_takes_their_format(
    formats: dict[str, str], topic: str | None
) -> None:
    assert Kafka(events_topic="a, b", formats=formats).own_format_topic == topic
