"""Each kind of name that leads nowhere is found, and nothing else is complained of."""

import json
from pathlib import Path
from typing import Any

import pytest

from consumer.adapters.catalog import check_references, import_directory, open_catalog
from tests.support.clock import ManualClock

SOUND: dict[str, Any] = {
    "account": {
        "id": "ac1",
        "contacts": [{"emailAddress": "a@example.com", "role": ["technical"]}],
    },
    "entities": [{"id": "en1"}],
    "checks": [{"id": "ch1", "entity_id": "en1"}, {"id": "ch2"}],
    "alarms": [
        {"id": "al1", "check_id": "ch1", "entity_id": "en1", "notification_plan_id": "np1"},
        {"id": "al2", "check_id": "ch2", "notification_plan_id": "npTechnicalContactsEmail"},
        {"id": "al3", "check_id": "ch2", "notification_plan_id": "npManaged"},
    ],
    "notification_plans": [
        {
            "id": "np1",
            "critical_state": ["nt1", "ntTechnicalContactsEmail", "ntManaged"],
            "ok_state": None,
        }
    ],
    "notifications": [
        {"id": "nt1", "type": "email", "details": {"address": "a@example.com"}},
        {"id": "nt2", "type": "webhook", "details": None},
    ],
}


def write(directory: Path, **changes: Any) -> Path:
    tenant = directory / "1"
    tenant.mkdir()
    for name, content in (SOUND | changes).items():
        if content is not None:
            (tenant / f"{name}.json").write_text(json.dumps(content))
    return directory


def test_sound_catalog_has_no_problems(tmp_path: Path) -> None:
    assert check_references(write(tmp_path)) == []


ALARM = {"id": "al1", "check_id": "ch1", "entity_id": "en1", "notification_plan_id": "np1"}
PLAN = {"id": "np1", "critical_state": ["nt9"], "warning_state": ["nt9", "nt1"]}
CASES: list[tuple[dict[str, Any], str]] = [
    (
        {"notification_plans": [PLAN]},
        "1/notification_plans.json: [0]: np1: critical_state, warning_state: "
        "there is no notification nt9; add it or take it out of the plan",
    ),
    (
        {"alarms": [ALARM | {"notification_plan_id": "np9"}]},
        "1/alarms.json: [0]: al1.notification_plan_id: there is no plan np9, so "
        "npTechnicalContactsEmail is used instead; add it or correct the name",
    ),
    (
        {"alarms": [ALARM | {"check_id": "ch9"}]},
        "1/alarms.json: [0]: al1.check_id: there is no check ch9; add it or correct the name",
    ),
    (
        {"alarms": [ALARM | {"entity_id": "en9"}]},
        "1/alarms.json: [0]: al1.entity_id: there is no entity en9; add it or correct the name",
    ),
    (
        {"checks": [{"id": "ch1", "entity_id": "en9"}, {"id": "ch2"}]},
        "1/checks.json: [0]: ch1.entity_id: there is no entity en9; add it or correct the name",
    ),
    (
        {"notifications": [{"id": "nt1", "type": "email"}]},
        "1/notifications.json: [0]: nt1.details.address: an email notification needs an address; "
        "add one",
    ),
    (
        {"notifications": [{"id": "nt1", "type": "email", "details": {"address": "a@b"}}]},
        "1/notifications.json: [0]: nt1.details.address: 'a@b' is no email address; correct it",
    ),
    (
        {"notifications": [{"id": "nt1", "type": "email", "details": {"address": 5}}]},
        "1/notifications.json: [0]: nt1.details.address: 5 is no email address; correct it",
    ),
    (
        {"account": {"id": "ac1", "contacts": [{"emailAddress": "x", "role": ["primary"]}]}},
        "1/account.json: ac1.contacts: 'x' is no email address; correct it",
    ),
    (
        {"account": {"id": "ac1", "contacts": [{"emailAddress": "a@example.com"}]}},
        "1: account ac1: alarms go to the technical contacts, and there is none; "
        "add a contact with the role technical or primary",
    ),
    (
        {"account": None},
        "1: no account: alarms go to the technical contacts, and there is none; "
        "add a contact with the role technical or primary",
    ),
    (
        {"entities": [{"id": "en1"}, {"id": "en1"}]},
        "1/entities.json: [1]: id en1 is also in 1/entities.json: [0], which counts; remove one",
    ),
    (
        {"entities": [{"id": "en1"}, {"label": "x"}]},
        "1/entities.json: [1]: Object missing required field `id`",
    ),
]


@pytest.mark.parametrize(("changes", "problem"), CASES)
def test_problem_is_one_line_with_place_key_and_remedy(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    assert check_references(write(tmp_path, **changes)) == [problem]


def test_deleted_rows_may_name_deleted_ones(tmp_path: Path) -> None:
    dead = {"id": "np2", "critical_state": ["nt9"], "deleted_at": 1}
    plans = [*SOUND["notification_plans"], dead]
    assert check_references(write(tmp_path, notification_plans=plans)) == []


def test_every_catalog_is_checked_the_same(tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    directory = write(tmp_path / "catalog", notification_plans=[PLAN])
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    import_directory(url, directory)
    database = open_catalog(url, clock=ManualClock())
    files = open_catalog(f"file:{directory}", clock=ManualClock())
    problem = "np1: critical_state, warning_state: there is no notification nt9"
    (from_files,), (from_database,) = check_references(files), check_references(database)
    assert problem in from_files
    assert problem in from_database
    assert from_database.startswith("catalog_notification_plans: tenant 1: ")
    database.close()


def test_missing_directory_is_the_problem(tmp_path: Path) -> None:
    (problem,) = check_references(tmp_path / "missing")
    assert "No such file" in problem
