"""The catalog's promises, held by every implementation: files, SQLite, PostgreSQL."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from consumer.adapters.catalog import import_directory, open_catalog
from consumer.domain.alarm import State
from consumer.ports import Catalog, LookupKey, Snapshot
from tests.support.clock import ManualClock
from tests.support.postgres import PostgresServer

RECORDED = Path(__file__).parent / "rackspace"

#: One catalog of two customers, and what belongs to both.
FILES: dict[str, Any] = {
    "accounts.json": {
        "values": [
            {"id": "acFirst001", "external_id": "487000", "label": "Example Shop"},
            {"id": "acSecond02", "external_id": 512000, "contacts": None},
        ],
        "metadata": {"count": 2, "next_href": None},
    },
    "monitoring_zones.json": [{"id": "mzlon", "label": "London", "country_code": "GB"}],
    "notification_plans.json": {
        "values": [
            {"id": "npShared01", "label": None, "critical_state": ["ntShared01", "ntOnlyHere"]},
            {"id": "npNulls001", "critical_state": None, "warning_state": [], "ok_state": None},
        ]
    },
    "notifications.json": {
        "values": [{"id": "ntShared01", "type": "email", "details": {"address": "all@example.com"}}]
    },
    "suppressions.json": [{"id": "spShared01", "start_time": 0, "end_time": "2000"}],
    "487000/account.json": {
        "id": "acFirst001",
        "label": "Example Shop, Inc.",
        "contacts": {
            "contacts": [
                {
                    "userId": "u1",
                    "firstName": "Jürgen",
                    "lastName": None,
                    "emailAddress": "juergen@example.com",
                    "role": ["technical"],
                    "link": "ignored",
                }
            ]
        },
        "account_status": "GOOD",
    },
    "487000/entities.json": {
        "values": [
            {"id": "enWeb00001", "label": "web-1", "ip_addresses": None, "uri": None},
            {"id": "enGone0001", "label": "old", "deleted_at": 1_392_138_000_000},
        ]
    },
    "487000/checks.json": {
        "values": [
            {"id": "chHttp0001", "entity_id": "enWeb00001", "type": "remote.http", "period": 60},
            {"id": "chNoEntity", "type": "agent.cpu", "disabled": True, "metadata": None},
        ]
    },
    "487000/alarms.json": {
        "values": [
            {
                "id": "alOwn00001",
                "check_id": "chHttp0001",
                "entity_id": "enWeb00001",
                "notification_plan_id": "npShared01",
                "active_suppressions": [],
                "scheduled_suppressions": [],
            }
        ]
    },
    "487000/notifications.json": {
        "values": [
            {"id": "ntShared01", "type": "email", "details": {"address": "own@example.com"}},
            {"id": "ntOnlyHere", "type": "pagerduty", "details": {"service_key": "abc"}},
        ]
    },
    "487000/suppressions.json": [
        {"id": "spOwn00001", "end_time": 1000, "checks": ["enWeb00001:chHttp0001"]}
    ],
    "512000/entities.json": {"values": [{"id": "enWeb00001", "label": "another web-1"}]},
}

Opened = Callable[[Path], Catalog]


def write(directory: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return directory


@pytest.fixture(params=["file", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens a directory as the implementation under test."""
    catalogs: list[Catalog] = []

    def open_as(directory: Path) -> Catalog:
        if request.param == "file":
            url = f"file:{directory}"
        elif request.param == "sqlite":
            url = f"sqlite:///{tmp_path / 'catalog.db'}"
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = server.new_database()
        if request.param != "file":
            import_directory(url, directory)
        catalogs.append(open_catalog(url, clock=ManualClock()))
        return catalogs[-1]

    yield open_as
    for catalog in catalogs:
        catalog.close()


@pytest.fixture
def catalog(opened: Opened, tmp_path: Path) -> Catalog:
    return opened(write(tmp_path / "catalog", FILES))


def key(
    tenant: str = "487000",
    entity: str = "enWeb00001",
    check: str = "chHttp0001",
    alarm: str = "alOwn00001",
    plan: str | None = None,
) -> LookupKey:
    return (tenant, entity, check, alarm, plan)


def test_account_is_found_by_tenant_id_and_by_internal_id(catalog: Catalog) -> None:
    snapshot = catalog.snapshot([key("512000"), key("acSecond02")])
    account = snapshot.account("512000")
    assert account is not None
    assert (account.id, account.external_id) == ("acSecond02", "512000")
    assert snapshot.account("acSecond02") == account


def test_own_account_stands_before_the_shared_list(catalog: Catalog) -> None:
    account = catalog.snapshot([key()]).account("487000")
    assert account is not None
    assert account.label == "Example Shop, Inc."
    assert account.external_id == "487000"
    (person,) = account.contacts.contacts
    assert (person.first_name, person.last_name) == ("Jürgen", None)
    assert (person.email_address, person.role) == ("juergen@example.com", ["technical"])


def test_internal_account_id_leads_to_the_tenants_rows(catalog: Catalog) -> None:
    snapshot = catalog.snapshot([key("acFirst001")])
    assert snapshot.alarm("acFirst001", "enWeb00001", "alOwn00001") is not None
    assert [s.id for s in snapshot.suppressions("acFirst001")] == ["spOwn00001", "spShared01"]


def test_tenants_do_not_see_each_others_rows(catalog: Catalog) -> None:
    snapshot = catalog.snapshot([key(), key("512000")])
    labels = [
        entity.label
        for tenant in ("487000", "512000")
        if (entity := snapshot.entity(tenant, "enWeb00001")) is not None
    ]
    assert labels == ["web-1", "another web-1"]
    assert snapshot.alarm("512000", "enWeb00001", "alOwn00001") is None
    assert [s.id for s in snapshot.suppressions("512000")] == ["spShared01"]


def test_everything_an_event_needs_comes_with_its_key(catalog: Catalog) -> None:
    snapshot = catalog.snapshot([key()])
    check = snapshot.check("487000", "enWeb00001", "chHttp0001")
    alarm = snapshot.alarm("487000", "enWeb00001", "alOwn00001")
    assert check is not None
    assert (check.type, check.period) == ("remote.http", 60)
    assert alarm is not None
    assert alarm.notification_plan_id == "npShared01"
    plan = snapshot.plan("487000", "npShared01")
    assert plan is not None
    assert plan.label is None
    assert plan.targets_for(State.CRITICAL) == ["ntShared01", "ntOnlyHere"]
    pager = snapshot.target("487000", "ntOnlyHere")
    assert pager is not None
    assert (pager.type, pager.details) == ("pagerduty", {"service_key": "abc"})
    assert not snapshot.degraded


def test_own_row_stands_before_a_shared_one_with_the_same_id(catalog: Catalog) -> None:
    snapshot = catalog.snapshot([key(), key("512000", plan="npShared01")])
    addresses = [
        target.details
        for tenant in ("487000", "512000")
        if (target := snapshot.target(tenant, "ntShared01")) is not None
    ]
    assert addresses == [{"address": "own@example.com"}, {"address": "all@example.com"}]


def test_plan_named_by_the_event_is_there_too(catalog: Catalog) -> None:
    plan = catalog.snapshot([key(plan="npNulls001")]).plan("487000", "npNulls001")
    assert plan is not None
    assert [plan.targets_for(state) for state in State] == [[], [], [], []]


@pytest.mark.parametrize(
    ("entity", "found"), [("enWeb00001", True), ("", True), ("enOther001", False)]
)
def test_check_and_alarm_of_another_entity_are_not_found(
    catalog: Catalog, entity: str, found: bool
) -> None:
    snapshot = catalog.snapshot([key(entity=entity)])
    assert (snapshot.check("487000", entity, "chHttp0001") is not None) is found
    assert (snapshot.alarm("487000", entity, "alOwn00001") is not None) is found


def test_check_without_entity_fits_any(catalog: Catalog) -> None:
    check = catalog.snapshot([key(check="chNoEntity")]).check("487000", "enAny00001", "chNoEntity")
    assert check is not None
    assert check.disabled


def test_tombstone_is_told(catalog: Catalog) -> None:
    entity = catalog.snapshot([key(entity="enGone0001")]).entity("487000", "enGone0001")
    assert entity is not None
    assert entity.deleted_at == 1_392_138_000_000


def test_suppressions_have_their_times_and_scopes(catalog: Catalog) -> None:
    own, shared = catalog.snapshot([key()]).suppressions("487000")
    assert (own.start_time, own.end_time, own.checks) == (0, 1000, ["enWeb00001:chHttp0001"])
    assert (shared.end_time, shared.checks) == (2000, None)


def test_zone_is_the_same_for_all(catalog: Catalog) -> None:
    zone = catalog.snapshot([key("512000")]).zone("mzlon")
    assert zone is not None
    assert (zone.label, zone.country_code) == ("London", "GB")


def test_unknown_ids_give_none(catalog: Catalog) -> None:
    snapshot = catalog.snapshot([key("999", "enX", "chX", "alX", "npX")])
    assert everything(snapshot, "999", "X") == [None] * 7
    assert [s.id for s in snapshot.suppressions("999")] == ["spShared01"]
    assert not snapshot.degraded


def test_no_keys_give_an_empty_answer(catalog: Catalog) -> None:
    assert not catalog.snapshot([]).degraded


def test_source_answers(catalog: Catalog) -> None:
    catalog.ping()


def test_recorded_answers_of_the_api_load_unchanged(opened: Opened) -> None:
    catalog = opened(RECORDED)
    recorded = ("1", "en8B9YwUn6", "chhJwYeArX", "aldIpNY8t3", "npw78oNcAd")
    snapshot = catalog.snapshot([recorded])
    check = snapshot.check("1", "en8B9YwUn6", "chhJwYeArX")
    alarm = snapshot.alarm("1", "en8B9YwUn6", "aldIpNY8t3")
    assert check is not None
    assert check.details == {"url": "http://www.foo.com", "method": "GET"}
    assert alarm is not None
    assert alarm.metadata == {"cli": "rackmoncli"}
    live, hinted = snapshot.plan("1", "npIXxOAn5"), snapshot.plan("1", "npw78oNcAd")
    assert live is not None
    assert live.targets_for(State.OK) == ["ntvJMd0gcG"]
    assert hinted is not None
    assert (hinted.label, hinted.critical_state) == (None, None)
    assert snapshot.target("1", "ntvJMd0gcG") is None
    assert snapshot.zone("mzxJ4L2IU") is not None
    assert snapshot.account("1") is None


def everything(snapshot: Snapshot, tenant: str, suffix: str) -> list[object]:
    return [
        snapshot.account(tenant),
        snapshot.entity(tenant, f"en{suffix}"),
        snapshot.check(tenant, f"en{suffix}", f"ch{suffix}"),
        snapshot.alarm(tenant, f"en{suffix}", f"al{suffix}"),
        snapshot.plan(tenant, f"np{suffix}"),
        snapshot.target(tenant, f"nt{suffix}"),
        snapshot.zone(f"mz{suffix}"),
    ]
