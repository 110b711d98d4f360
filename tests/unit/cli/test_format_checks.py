"""Formats and mappings that are wrong are told in one line, with file and key."""

from pathlib import Path
from typing import Any

import pytest

from consumer.cli.findings import Level, texts
from consumer.cli.format_checks import check_default_tenants, check_formats
from consumer.configuration import load_settings
from consumer.domain.alarm import State
from consumer.domain.catalog import Account, ContactPerson, Contacts
from consumer.formats import FormatMapping
from consumer.settings import Kafka
from tests.unit.cli.conftest import SETTINGS, Run


def told(level: Level, **kafka: Any) -> list[str]:
    return texts(check_formats(Kafka.model_validate(kafka)), level)


@pytest.mark.parametrize(
    ("kafka", "beginning"),
    [
        ({"formats": {"alarm-events": "nagios"}}, "formats.alarm-events: there is no format 'nag"),
        ({"mapping": {"nagios": {}}}, "mapping.nagios: there is no format 'nagios'; use one of"),
        (
            {"mapping": {"monasca": {"severity": "x"}}},
            "mapping.monasca.severity: is nothing to monasca; it has source, emits, entity",
        ),
        (
            {"mapping": {"rackspace": {"tenant": "x"}}},
            "mapping.rackspace.tenant: is nothing to rackspace; it has no keys",
        ),
        (
            {
                "formats": {"alarm-events": "monasca"},
                "topic_mapping": {"alarm-events": {"tenant": "x"}},
            },
            "topic_mapping.alarm-events.tenant: is nothing to monasca",
        ),
        (
            {"mapping": {"cloudevents": {"types": {"a.b": "cloudevents"}}}},
            "mapping.cloudevents.types.a.b: there is no format 'cloudevents'",
        ),
        (
            {"topic_mapping": {"alarm-events": {"emits": "changes"}}},
            "topic_mapping.alarm-events.emits: is told by the source's name; give these",
        ),
        (
            {"topic_mapping": {"alarm-events": {"emits": "changes", "source": "grafana/eu"}}},
            "topic_mapping.alarm-events.emits: events of the source 'grafana/eu' repeat elsewh",
        ),
    ],
)
def test_problem(kafka: dict[str, Any], beginning: str) -> None:
    (problem,) = told(Level.PROBLEM, **kafka)
    assert problem.startswith(f"[kafka] {beginning}")


def test_alarms_that_would_fall_to_nobody_are_told() -> None:
    somebody = ContactPerson(user_id="1", email_address="a@example.com", role=["technical"])
    accounts = [
        Account(id="ac1", external_id="487000", contacts=Contacts(contacts=[somebody])),
        Account(id="ac2", external_id="487001"),
    ]
    kafka = Kafka.model_validate(
        {
            "mapping": {
                "alertmanager": {"default_tenant": "487000"},
                "grafana": {"default_tenant": "487001"},
            },
            "topic_mapping": {"alarm-events": {"default_tenant": "1"}},
        }
    )
    warnings = texts(check_default_tenants(kafka, accounts), Level.WARNING)
    assert [line.split(";")[0] for line in warnings] == [
        "[kafka] mapping.grafana.default_tenant: the catalog has no account 487001 with contacts",
        "[kafka] topic_mapping.alarm-events.default_tenant: the catalog has no account 1 with "
        "contacts",
    ]


@pytest.mark.parametrize("key", ["formats", "topic_mapping"])
def test_a_topic_that_is_not_read(key: str) -> None:
    value: Any = "grafana" if key == "formats" else {"default_tenant": "1"}
    (warning,) = told(Level.WARNING, **{key: {"other": value}})
    assert warning.startswith(f"[kafka] {key}.other: is not used")


def test_what_is_sound_is_fine() -> None:
    kafka = {
        "events_topic": "alarm-events,alerts-eu",
        "formats": {"alerts-eu": "cloudevents"},
        "mapping": {
            "alertmanager": {"tenant": "customer", "states": {"page": "critical"}},
            "grafana": {"emits": "changes"},
            "monasca": {"default_state": "warning"},
        },
        "topic_mapping": {"alerts-eu": {"source": "eu", "emits": "changes", "entity": ["pod"]}},
    }
    assert told(Level.PROBLEM, **kafka) == told(Level.WARNING, **kafka) == []


def test_wrong_values_are_told_with_file_and_key(run: Run, tmp_path: Path, config: Path) -> None:
    config.write_text(
        SETTINGS.format(directory=tmp_path)
        + """
[kafka.mapping.alertmanager]
severities = "severity"
states = { page = "red" }
tenant = [""]
default_tenant = ""
[kafka.mapping.monasca]
tenant = "tenant"
""",
        encoding="utf-8",
    )
    ran = run("check-config", "--config", config)
    assert ran.code == 2
    place = f"{config}: [kafka] mapping.alertmanager"
    for part in (
        f"{place}.severities: unknown key",
        f"{place}.states.page: input should be 'OK', 'WARNING', 'CRITICAL' or 'UNKNOWN'",
        f"{place}.tenant.0: string should have at least 1 character",
        f"{place}.default_tenant: string should have at least 1 character",
        f"{config}: [kafka] mapping.monasca.tenant: is nothing to monasca",
    ):
        assert part in ran.err


def test_labels_and_words_may_be_written_loosely(tmp_path: Path, config: Path) -> None:
    """Several labels in one text, states in any case, and all of it by the environment."""
    config.write_text(
        SETTINGS.format(directory=tmp_path)
        + '[kafka.mapping.alertmanager]\nstates = { Page = "Critical" }\ntenant = "customer"\n',
        encoding="utf-8",
    )
    variable = "MESSENGER_KAFKA__MAPPING__ALERTMANAGER__ENTITY"
    mapping = load_settings(config, {variable: "pod, instance"}).kafka.mapping["alertmanager"]
    assert mapping.as_mapping() == FormatMapping(
        states={"page": State.CRITICAL}, tenant=("customer",), entity=("pod", "instance")
    )
