"""What settings can be wrong about although each value is of the right kind."""

from pathlib import Path
from typing import Any

import pytest

from consumer.cli.findings import Level, texts
from consumer.cli.settings_checks import check_settings
from consumer.settings import Settings


def told(level: Level, **sections: dict[str, Any] | list[dict[str, Any]]) -> list[str]:
    mailgun = {
        "domain": "alerts.example.com",
        "api_key": "key-1",
        "lookup_key": "key-2",
        "from_address": "Alarms <alarms@alerts.example.com>",
    }
    values: dict[str, Any] = {"mailgun": mailgun} | sections
    if isinstance(given := sections.get("mailgun"), dict):
        values["mailgun"] = mailgun | given
    return texts(check_settings(Settings.model_validate(values)), level)


def test_the_defaults_are_fine() -> None:
    assert told(Level.PROBLEM) == []
    assert told(Level.WARNING) == []


@pytest.mark.parametrize(
    ("sections", "beginning"),
    [
        ({"kafka": {"events_topic": "a,a"}}, "[kafka] events_topic: 'a' is named 2 times"),
        (
            {"kafka": {"dead_letter_topic": "notification-tracking"}},
            "[kafka] tracking_topic, dead_letter_topic: 'notification-tracking' is named 2",
        ),
        ({"kafka": {"bootstrap_servers": "one:9092,"}}, "[kafka] bootstrap_servers: give host"),
        ({"kafka": {"bootstrap_servers": "a:b:c"}}, "[kafka] bootstrap_servers: give host:port"),
        ({"kafka": {"ssl_cafile": "/nowhere/ca.pem"}}, "[kafka] ssl_cafile: /nowhere/ca.pem: no"),
        ({"mailgun": {"from_address": "Alarms"}}, "[mailgun] from_address: is no sender"),
        ({"mailgun": {"from_address": "a@b.example\nBcc: c@d.example"}}, "[mailgun] from_address"),
        ({"mailgun": {"api_key": "key with blanks"}}, "[mailgun] api_key: is empty or has"),
        ({"mailgun": {"lookup_key": "key 2"}}, "[mailgun] lookup_key: is empty or has"),
        (
            {"smtp": {"host": "a", "ca_file": "/no.pem"}, "delivery": {"fallback": "smtp"}},
            "[smtp] ca_file: cannot be read",
        ),
        ({"routes": [{"tenants": [" 1"]}]}, "[[routes]] 1 tenants: ' 1' is no tenant id"),
        (
            {
                "kafka": {"formats": {"alarm-events": "rackspace"}},
                "delivery": {"recipient_limit": {"emails_per_hour": 20}},
            },
            "[delivery.recipient_limit]: each topic of events has a format of another kind",
        ),
        (
            {"delivery": {"recipient_limit": {"emails_per_hour": 20, "tenants": {"1 ": 3}}}},
            "[delivery.recipient_limit] tenants: '1 ' is no tenant id",
        ),
        ({"feedback": {"in_run": True}}, "[feedback] signing_key: give it or signing_key_file"),
        (
            {
                "feedback": {"in_run": True, "webhooks": False},
                "kafka": {"formats": {"alarm-events": "rackspace"}},
                "delivery": {"on_bounce": "plan"},
            },
            "[delivery] on_bounce: each topic of events has a format of another kind",
        ),
        (
            {"feedback": {"in_run": True, "webhooks": False}, "mailgun": {"lookup_key": ""}},
            "[mailgun] lookup_key: give it or lookup_key_file",
        ),
    ],
)
def test_problem(sections: dict[str, Any], beginning: str) -> None:
    (problem,) = told(Level.PROBLEM, **sections)
    assert problem.startswith(beginning)


@pytest.mark.parametrize(
    ("sections", "beginning"),
    [
        ({"kafka": {"formats": {"other": "rackspace"}}}, "[kafka] formats.other: is not used"),
        ({"kafka": {"sasl_username": "me"}}, "[kafka] sasl_*: is not used"),
        ({"mailgun": {"from_address": "a@other.example"}}, "[mailgun] from_address: is of other"),
        ({"mailgun": {"base_url": "http://mail.example"}}, "[mailgun] base_url: the API key"),
        ({"mailgun": {"lookup_key": None}}, "[mailgun] lookup_key: is not given"),
        ({"smtp": {"host": "a"}}, "[smtp] host: is not used"),
        (
            {
                "smtp": {"host": "a", "tls": "none", "username": "me", "password": "secret"},
                "delivery": {"fallback": "smtp"},
            },
            "[smtp] tls: the password crosses",
        ),
        ({"routes": [{"percent": 0}]}, "[[routes]] 1 percent: is 0"),
        ({"routes": [{"tags": ["t"] * 11}]}, "[[routes]] 1 tags: Mailgun keeps 10"),
        ({"delivery": {"tags": ["ä"]}}, "[delivery] tags: 'ä': Mailgun takes"),
        (
            {"delivery": {"fallback_contact": "ops@example.com"}},
            "[delivery] fallback_contact: is not used",
        ),
        ({"delivery": {"test_mode": True}}, "[delivery] test_mode: is on"),
        (
            {"delivery": {"recipient_limit": {"summary_seconds": 60}}},
            "[delivery.recipient_limit]: limits nobody",
        ),
        (
            {
                "delivery": {
                    "recipient_limit": {"emails_per_hour": 9, "limited_states": ["CRITICAL"]}
                }
            },
            "[delivery.recipient_limit] limited_states: has CRITICAL",
        ),
        ({"ledger": {"retention_days": 0.5}}, "[ledger] retention_days: events are sent up to 1"),
        ({"catalog": {"stale_seconds": 1}}, "[catalog] stale_seconds: is below"),
    ],
)
def test_warning(sections: dict[str, Any], beginning: str) -> None:
    assert told(Level.PROBLEM, **sections) == []
    (warning,) = told(Level.WARNING, **sections)
    assert warning.startswith(beginning)


def test_webhooks_from_the_network_want_a_proxy_with_a_certificate() -> None:
    (warning,) = told(Level.WARNING, feedback={"host": "0.0.0.0"})
    assert warning.startswith("[feedback] host: webhooks come in the open")


def test_a_sender_of_a_parent_domain_is_aligned_enough() -> None:
    assert told(Level.WARNING, mailgun={"from_address": "a@example.com"}) == []
    assert told(Level.WARNING, mailgun={"from_address": "a@x.alerts.example.com"}) == []


def test_the_fake_mailgun_on_this_machine_needs_no_encryption() -> None:
    assert told(Level.WARNING, mailgun={"base_url": "http://127.0.0.1:8025"}) == []


def test_sasl_needs_all_three() -> None:
    kafka = {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512"}
    assert told(Level.PROBLEM, kafka=kafka) == [
        "[kafka] sasl_username: is missing; SASL_SSL needs it",
        "[kafka] sasl_password or sasl_password_file: is missing; SASL_SSL needs it",
    ]


def test_a_password_in_the_open_is_warned_of(tmp_path: Path) -> None:
    kafka = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "me",
        "sasl_password": "secret",
    }
    (warning,) = told(Level.WARNING, kafka=kafka)
    assert warning.startswith("[kafka] security_protocol: the password crosses")
    assert "secret" not in warning


@pytest.mark.parametrize(
    ("routes", "unreached"),
    [
        ([{}, {"tenants": ["1"]}], [2]),
        ([{"tenants": ["1", "2"]}, {"tenants": ["2"]}], [2]),
        ([{"tenants": ["1"]}, {"tenants": ["1", "2"]}], []),
        ([{"tenants": ["1"]}, {}], []),
        ([{"states": ["OK"]}, {"states": ["OK"], "tenants": ["1"]}], [2]),
        ([{"states": ["OK"]}, {"states": ["CRITICAL"]}], []),
        ([{"percent": 5}, {"percent": 50}], []),
        ([{"percent": 50}, {"percent": 5}], [2]),
        ([{"percent": 5}, {}], []),
    ],
)
def test_a_route_behind_one_that_takes_all_of_its_events_is_never_reached(
    routes: list[dict[str, Any]], unreached: list[int]
) -> None:
    warnings = told(Level.WARNING, routes=routes)
    assert [w.split(":")[0] for w in warnings] == [f"[[routes]] {n}" for n in unreached]
