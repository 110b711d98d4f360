"""A catalog row: one object of the Rackspace API's shape, decoded, with where it came from."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from consumer.domain.catalog import (
    Account,
    Alarm,
    Check,
    Entity,
    Plan,
    Suppression,
    Target,
    Zone,
)
from consumer.domain.converting import convert

Value: TypeAlias = Account | Entity | Check | Alarm | Plan | Target | Suppression | Zone
ValueType: TypeAlias = type[Value]
V = TypeVar("V", Account, Entity, Check, Alarm, Plan, Target, Suppression, Zone)

#: What a kind of row is called: the file's name, and the table's behind `catalog_`.
NAMES: Final[Mapping[ValueType, str]] = {
    Account: "accounts",
    Entity: "entities",
    Check: "checks",
    Alarm: "alarms",
    Plan: "notification_plans",
    Target: "notifications",
    Suppression: "suppressions",
    Zone: "monitoring_zones",
}

#: The tenant of rows that belong to every tenant.
SHARED: Final = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One object of the catalog."""

    #: Whose it is: a tenant id, or SHARED. An account's is the customer it describes.
    tenant: str
    value: Value
    #: File and key, or table, for messages to the user.
    where: str
    #: The entity of a check or alarm, where the source tells it.
    entity_id: str | None = None

    def body(self) -> dict[str, Any]:
        """The row in the API's shape again."""
        body: dict[str, Any] = msgspec.to_builtins(self.value)
        return body | ({} if self.entity_id is None else {"entity_id": self.entity_id})


class BrokenRow(ValueError):
    """An object that is not of the API's shape; the text says where and why."""


def read_row(kind: ValueType, tenant: str, raw: object, where: str) -> Row:
    """Decode one object leniently: unknown fields are ignored, null is the same as absent.

    Raises BrokenRow.
    """
    if not isinstance(raw, dict):
        raise BrokenRow(f"{where}: expected an object, got {type(raw).__name__}")
    body = _tidied(kind, raw)
    try:
        value = convert(body, kind, strict=False)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        named = f" ({body['id']})" if isinstance(body.get("id"), str) else ""
        raise BrokenRow(f"{where}{named}{path.rstrip('`')}: {message}") from None
    if isinstance(value, Account):
        return _account_row(tenant, value, where)
    entity_id = body.get("entity_id")
    return Row(
        tenant=SHARED if kind is Zone else tenant,
        value=value,
        where=where,
        entity_id=entity_id if isinstance(entity_id, str) else None,
    )


def _account_row(tenant: str, account: Account, where: str) -> Row:
    """An account belongs to the tenant it describes; one in a tenant's own place is that one's."""
    owner = tenant or account.external_id or account.id
    if account.external_id is None and tenant:
        account = msgspec.structs.replace(account, external_id=tenant)
    return Row(tenant=owner, value=account, where=where)


def _tidied(kind: ValueType, raw: Mapping[Any, Any]) -> dict[str, Any]:
    """What people and serialisers write, as the structs want it.

    Ids of digits only are numbers in YAML without quotes; contacts may be a bare list.
    """
    body = {str(key): value for key, value in raw.items() if value is not None}
    for key in ("id", "external_id"):
        if isinstance(body.get(key), int) and not isinstance(body[key], bool):
            body[key] = str(body[key])
    if kind is Account and "contacts" in body:
        contacts = body["contacts"]
        people = contacts.get("contacts") if isinstance(contacts, dict) else contacts
        body["contacts"] = {"contacts": _without_nulls(people or [])}
    return body


def _without_nulls(people: object) -> object:
    if not isinstance(people, list):
        return people
    return [
        {key: value for key, value in person.items() if value is not None}
        if isinstance(person, dict)
        else person
        for person in people
    ]
