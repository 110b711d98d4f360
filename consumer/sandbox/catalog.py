"""Sample catalogs: a small one with every oddity of real ones, a large plain one for load.

Both are directories that `file:` addresses can name. The same call writes the same bytes.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

#: Everything was made when the first of these shops opened: 2013-03-30, in milliseconds.
_CREATED: Final = 1_364_684_154_472
_ZONES_POLLED: Final = ("mzdfw", "mzlon", "mzord")
#: Written as YAML, so that both languages are seen at work; the others are JSON.
_YAML_TENANT: Final = "734000"
#: The notification that a plan names by mistake.
_NOWHERE: Final = "ntNoSuch01"

LOAD_TENANT: Final = "900000"
LOAD_ACCOUNT: Final = "acLoad0001"
#: Each entity of the load catalog has this many checks, and each check one alarm.
_CHECKS_PER_ENTITY: Final = 10


class SampleAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm of the sample catalog, with all that an event about it carries."""

    tenant_id: str
    account_id: str
    entity: dict[str, Any]
    check: dict[str, Any]
    alarm: dict[str, Any]

    @property
    def atom(self) -> str:
        ids = (self.tenant_id, self.entity["id"], self.alarm["id"], self.check["id"])
        return ":".join(ids)


def write_sample_catalog(directory: Path, *, with_mistake: bool = True) -> None:
    """Write the sample catalog into `directory`, which is made if need be.

    Its one mistake is a plan that names a notification which is not there.
    """
    sample = _sample()
    _write(directory / "monitoring_zones.json", _listing(sample["monitoring_zones"]))
    for tenant in sample["tenants"]:
        folder = directory / tenant["external_id"]
        suffix = "yaml" if folder.name == _YAML_TENANT else "json"
        _write(folder / f"account.{suffix}", _account(tenant))
        for name, rows in _rows(tenant, with_mistake=with_mistake).items():
            if rows:
                _write(folder / f"{name}.{suffix}", _listing(rows))


def sample_alarms() -> list[SampleAlarm]:
    """All alarms of the sample catalog, in the order of its file."""
    return [
        SampleAlarm(
            tenant_id=tenant["external_id"],
            account_id=tenant["account"]["id"],
            entity=_entity(entity),
            check=_check(check),
            alarm=_alarm(entity, check, alarm),
        )
        for tenant in _sample()["tenants"]
        for entity, check, alarm in _alarms(tenant)
    ]


def write_load_catalog(directory: Path, atoms: int, recipients: int) -> None:
    """Write LOAD_TENANT with `atoms` alarms, each of which writes to one of `recipients`."""
    folder = directory / LOAD_TENANT
    _write(folder / "account.json", {"id": LOAD_ACCOUNT, "external_id": LOAD_TENANT})
    alarms = [_load_alarm(number, number % recipients) for number in range(atoms)]
    checks = [
        {"id": a["check_id"], "entity_id": a["entity_id"], "label": a["label"], "type": "agent.cpu"}
        for a in alarms
    ]
    entities = dict.fromkeys(alarm["entity_id"] for alarm in alarms)
    _write(folder / "alarms.json", alarms)
    _write(folder / "checks.json", checks)
    _write(folder / "entities.json", [{"id": id_, "label": id_} for id_ in entities])
    people = range(recipients)
    _write(folder / "notifications.json", [_load_target(person) for person in people])
    _write(folder / "notification_plans.json", [_load_plan(person) for person in people])


def load_ids(number: int) -> tuple[str, str, str]:
    """Entity, alarm and check of one atom of the load catalog, counted from 0."""
    entity = f"enLoad{number // _CHECKS_PER_ENTITY:06}"
    return entity, f"alLoad{number:06}", f"chLoad{number:06}"


def _load_alarm(number: int, person: int) -> dict[str, str]:
    entity, alarm, check = load_ids(number)
    return {
        "id": alarm,
        "label": f"Load {number}",
        "check_id": check,
        "entity_id": entity,
        "notification_plan_id": f"npLoad{person:06}",
    }


def _load_target(person: int) -> dict[str, Any]:
    address = f"load-{person}@example.net"
    return {"id": f"ntLoad{person:06}", "type": "email", "details": {"address": address}}


def _load_plan(person: int) -> dict[str, Any]:
    targets = [f"ntLoad{person:06}"]
    lists = {"critical_state": targets, "warning_state": targets, "ok_state": targets}
    return {"id": f"npLoad{person:06}"} | lists


@cache
def _sample() -> dict[str, Any]:
    text = files("consumer.sandbox").joinpath("data/catalog.yaml").read_text("utf-8")
    sample: dict[str, Any] = yaml.safe_load(text)
    return sample


def _alarms(
    tenant: Mapping[str, Any],
) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    for entity in tenant["entities"]:
        for check in entity["checks"]:
            for alarm in check["alarms"]:
                yield entity, check, alarm


def _account(tenant: Mapping[str, Any]) -> dict[str, Any]:
    account: dict[str, Any] = tenant["account"]
    people = {"contacts": account["contacts"]}
    return account | {"external_id": tenant["external_id"], "contacts": people}


def _rows(tenant: Mapping[str, Any], *, with_mistake: bool) -> dict[str, list[dict[str, Any]]]:
    entities, plans = tenant["entities"], tenant["notification_plans"]
    return {
        "entities": [_entity(entity) for entity in entities],
        "checks": [
            _check(check) | {"entity_id": entity["id"]}
            for entity in entities
            for check in entity["checks"]
        ],
        "alarms": [_alarm(*found) for found in _alarms(tenant)],
        "notification_plans": plans if with_mistake else [_corrected(plan) for plan in plans],
        "notifications": tenant["notifications"],
        "suppressions": tenant.get("suppressions", []),
    }


def _corrected(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: [each for each in value if each != _NOWHERE] if isinstance(value, list) else value
        for key, value in plan.items()
    }


def _entity(entity: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in entity.items() if key != "checks"}
    return {"metadata": {}, "managed": False, "uri": None, "agent_id": None} | own | _times()


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in check.items() if key not in ("alarms", "target")}
    remote = check["type"].startswith("remote.")
    target = check.get("target")
    details = {"url": f"http://{target}/", "method": "GET"} if remote else {}
    return (
        {
            "details": details,
            "monitoring_zones_poll": list(_ZONES_POLLED) if remote else None,
            "timeout": 30,
            "period": 60,
            "target_alias": None,
            "target_hostname": target,
            "target_resolver": "IPv4" if remote else None,
            "disabled": False,
            "metadata": None,
        }
        | own
        | _times()
    )


def _alarm(
    entity: Mapping[str, Any], check: Mapping[str, Any], alarm: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "id": alarm["id"],
        "label": alarm["label"],
        "check_id": check["id"],
        "entity_id": entity["id"],
        "criteria": "return new AlarmStatus(OK, 'All is well.');",
        "disabled": alarm.get("disabled", False),
        "notification_plan_id": alarm["plan"],
        "metadata": None,
        "active_suppressions": [],
        "scheduled_suppressions": [],
    } | _times()


def _times() -> dict[str, int]:
    return {"created_at": _CREATED, "updated_at": _CREATED}


def _listing(rows: list[Any]) -> dict[str, Any]:
    """A list as the API answers it."""
    metadata = {"count": len(rows), "limit": 1000, "marker": None, "next_href": None}
    return {"values": rows, "metadata": metadata}


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".yaml":
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    else:
        text = msgspec.json.format(msgspec.json.encode(content), indent=1).decode() + "\n"
    path.write_text(text, encoding="utf-8")
