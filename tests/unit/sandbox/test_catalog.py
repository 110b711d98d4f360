"""The sample catalogs: every oddity is there, and nothing is broken that is not meant to be."""

from pathlib import Path
from typing import Any

import pytest

from consumer.adapters.catalog import check_references, open_catalog
from consumer.domain.alarm import State
from consumer.domain.catalog import Alarm, Plan, Suppression
from consumer.ports import Snapshot
from consumer.sandbox.catalog import (
    LOAD_TENANT,
    load_ids,
    sample_alarms,
    write_load_catalog,
    write_sample_catalog,
)
from tests.support.clock import ManualClock


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_sample_catalog(tmp_path)
    return tmp_path


@pytest.fixture
def snapshot(directory: Path) -> Snapshot:
    return open_catalog(f"file:{directory}", clock=ManualClock()).snapshot([])


def contents(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_the_same_bytes_are_written_every_time(directory: Path, tmp_path: Path) -> None:
    first = contents(directory)
    write_sample_catalog(directory)
    assert contents(directory) == first


def test_only_the_intended_name_leads_nowhere(directory: Path) -> None:
    catalog = open_catalog(f"file:{directory}", clock=ManualClock())
    assert catalog.problems() == []
    (problem,) = check_references(directory)
    assert "npBooks001: critical_state: there is no notification ntNoSuch01" in problem


def test_without_its_mistake_the_catalog_is_sound(tmp_path: Path) -> None:
    """As `messenger sandbox traffic --catalog` writes it: `check-config` has nothing to say."""
    write_sample_catalog(tmp_path, with_mistake=False)
    assert check_references(tmp_path) == []


def test_both_languages_and_several_accounts_are_there(directory: Path) -> None:
    tenants = {path.name for path in directory.iterdir() if path.is_dir()}
    suffixes = {path.suffix for path in directory.rglob("*") if path.is_file()}
    assert len(tenants) >= 6
    assert suffixes == {".json", ".yaml"}


def test_every_alarm_is_found_with_all_it_needs(snapshot: Snapshot) -> None:
    for sample in sample_alarms():
        tenant, entity = sample.tenant_id, sample.entity["id"]
        alarm = snapshot.alarm(tenant, entity, sample.alarm["id"])
        assert alarm is not None
        assert snapshot.entity(tenant, entity) is not None
        assert snapshot.check(tenant, entity, sample.check["id"]) is not None
        assert snapshot.account(sample.account_id) == snapshot.account(tenant)
        assert snapshot.account(tenant) is not None
        plan_id = alarm.notification_plan_id or ""
        built_in = plan_id == "npTechnicalContactsEmail"
        assert built_in or snapshot.plan(tenant, plan_id) is not None


def test_checks_of_every_kind_are_there() -> None:
    assert {sample.check["type"] for sample in sample_alarms()} == {
        "remote.http",
        "agent.network",
        "agent.cpu",
        "agent.load_average",
        "agent.memory",
        "agent.disk",
        "agent.plugin",
        "agent.mysql",
    }


def test_oddities_are_there(snapshot: Snapshot) -> None:
    plans = [plan(snapshot, sample.tenant_id, sample.alarm) for sample in sample_alarms()]
    types = {
        target.type
        for sample in sample_alarms()
        for id_ in (plan(snapshot, sample.tenant_id, sample.alarm).critical_state or ())
        if (target := snapshot.target(sample.tenant_id, id_)) is not None
    }
    assert {"email", "webhook", "pagerduty", "sms", "technicalContactsEmail"} <= types
    assert any(found.critical_state is None for found in plans)
    assert any(found.warning_state == [] for found in plans)
    alarms = [alarm(snapshot, sample.tenant_id, sample.alarm["id"]) for sample in sample_alarms()]
    assert any(found.disabled for found in alarms)
    assert any(sample.check["disabled"] for sample in sample_alarms())
    assert any(sample.entity.get("deleted_at") for sample in sample_alarms())


def test_windows_in_force_are_there_by_entity_by_check_and_by_plan(snapshot: Snapshot) -> None:
    tenants = sorted({sample.tenant_id for sample in sample_alarms()})
    now = 1_700_000_000_000
    windows: list[Suppression] = [
        window
        for tenant in tenants
        for window in snapshot.suppressions(tenant)
        if window.start_time <= now < window.end_time
    ]
    assert any(window.entities for window in windows)
    assert any(window.checks for window in windows)
    assert any(window.notification_plans for window in windows)


def test_load_catalog_gives_every_atom_one_address(tmp_path: Path) -> None:
    write_load_catalog(tmp_path, atoms=25, recipients=4)
    assert check_references(tmp_path) == []
    snapshot = open_catalog(f"file:{tmp_path}", clock=ManualClock()).snapshot([])
    addresses = []
    for number in range(25):
        entity_id, alarm_id, check_id = load_ids(number)
        assert snapshot.entity(LOAD_TENANT, entity_id) is not None
        assert snapshot.check(LOAD_TENANT, entity_id, check_id) is not None
        row = {"notification_plan_id": alarm(snapshot, LOAD_TENANT, alarm_id).notification_plan_id}
        lists = plan(snapshot, LOAD_TENANT, row)
        (target_id,) = {id_ for state in State for id_ in lists.targets_for(state)}
        target = snapshot.target(LOAD_TENANT, target_id)
        assert target is not None
        addresses.append((target.details or {})["address"])
    assert len(set(addresses)) == 4


def alarm(snapshot: Snapshot, tenant: str, alarm_id: str) -> Alarm:
    found = snapshot.alarm(tenant, "", alarm_id)
    assert found is not None
    return found


def plan(snapshot: Snapshot, tenant: str, row: dict[str, Any]) -> Plan:
    found = snapshot.plan(tenant, row["notification_plan_id"])
    assert found is not None
    return found
