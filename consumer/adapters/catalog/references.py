"""Names in the catalog that lead nowhere, found before an alarm needs them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from consumer.adapters.catalog.index import Index
from consumer.adapters.catalog.rows import SHARED, Row, V
from consumer.adapters.catalog.tree import list_files, read_tree
from consumer.domain.address import valid_address
from consumer.domain.catalog import Account, Alarm, Check, Entity, Plan, Target
from consumer.domain.identity import normalised_address
from consumer.pipeline.lookup import (
    MANAGED,
    MANAGED_PLAN,
    TECHNICAL_CONTACTS,
    TECHNICAL_CONTACTS_PLAN,
)
from consumer.pipeline.plan import technical_contacts

_BUILT_IN_PLANS = frozenset({TECHNICAL_CONTACTS_PLAN, MANAGED_PLAN})
_BUILT_IN_TARGETS = frozenset({TECHNICAL_CONTACTS.id, MANAGED.id})
_CORRECT = "add it or correct the name"
_STATE_LISTS = ("critical_state", "warning_state", "ok_state")


class Readable(Protocol):
    """A catalog that can be read as a whole."""

    def read_all(self) -> tuple[list[Row], list[str]]: ...


def check_references(catalog: Readable | Path) -> list[str]:
    """Every problem of a catalog or of a directory: one line each with place, key, what to do.

    Raises CatalogUnavailable when a SQL catalog does not answer.
    """
    if isinstance(catalog, Path):
        return _check_directory(catalog)
    rows, problems = catalog.read_all()
    return [*problems, *_dangling(rows)]


def _check_directory(directory: Path) -> list[str]:
    try:
        tree = read_tree(directory, list_files(directory))
    except OSError as error:
        return [f"catalog directory {directory}: {error.strerror}"]
    return [*tree.broken, *tree.doubled, *_dangling(tree.rows)]


def _dangling(rows: Iterable[Row]) -> Iterator[str]:
    # A deleted row sends nothing and may name what was deleted with it.
    living = [row for row in rows if row.value.deleted_at is None]
    index = Index(rows)
    for row in living:
        for problem in _problems(row, index):
            yield f"{row.where}: {row.value.id}{problem}"
    yield from _uncontactable(living, index)


def _problems(row: Row, index: Index) -> Iterator[str]:
    value = row.value
    if isinstance(value, Alarm):
        yield from _alarm_problems(row.tenant, value, index)
    elif isinstance(value, Plan):
        yield from _plan_problems(row.tenant, value, index)
    elif isinstance(value, Target):
        yield from _target_problems(value)
    elif isinstance(value, Account):
        yield from _contact_problems(value)
    elif isinstance(value, Check) and not _known(index, Entity, row.tenant, row.entity_id):
        yield f".entity_id: there is no entity {row.entity_id}; {_CORRECT}"


def _alarm_problems(tenant: str, alarm: Alarm, index: Index) -> Iterator[str]:
    plan_id = alarm.notification_plan_id
    if plan_id not in _BUILT_IN_PLANS and not _known(index, Plan, tenant, plan_id):
        yield (
            f".notification_plan_id: there is no plan {plan_id}, so {TECHNICAL_CONTACTS_PLAN} is "
            f"used instead; {_CORRECT}"
        )
    if not _known(index, Check, tenant, alarm.check_id):
        yield f".check_id: there is no check {alarm.check_id}; {_CORRECT}"
    if not _known(index, Entity, tenant, alarm.entity_id):
        yield f".entity_id: there is no entity {alarm.entity_id}; {_CORRECT}"


def _plan_problems(tenant: str, plan: Plan, index: Index) -> Iterator[str]:
    naming: dict[str, list[str]] = {}
    for name in _STATE_LISTS:
        for id_ in getattr(plan, name) or ():
            naming.setdefault(id_, []).append(name)
    for id_, names in naming.items():
        if id_ not in _BUILT_IN_TARGETS and not _known(index, Target, tenant, id_):
            lists = ", ".join(dict.fromkeys(names))
            yield f": {lists}: there is no notification {id_}; add it or take it out of the plan"


def _target_problems(target: Target) -> Iterator[str]:
    if target.type != "email":
        return
    address = (target.details or {}).get("address")
    if not address:
        yield ".details.address: an email notification needs an address; add one"
    elif not isinstance(address, str) or not valid_address(normalised_address(address)):
        yield f".details.address: {address!r} is no email address; correct it"


def _contact_problems(account: Account) -> Iterator[str]:
    for person in technical_contacts(account):
        address = person.email_address or ""
        if not valid_address(normalised_address(address)):
            yield f".contacts: {address!r} is no email address; correct it"


def _uncontactable(rows: Iterable[Row], index: Index) -> Iterator[str]:
    """Tenants that write to their technical contacts, and have none."""
    for tenant in dict.fromkeys(row.tenant for row in rows if _uses_contacts(row, index)):
        account = index.account(tenant)
        if tenant != SHARED and not technical_contacts(account):
            place = f"account {account.id}" if account else "no account"
            yield (
                f"{tenant}: {place}: alarms go to the technical contacts, and there is none; "
                "add a contact with the role technical or primary"
            )


def _uses_contacts(row: Row, index: Index) -> bool:
    value = row.value
    if isinstance(value, Alarm):
        return value.notification_plan_id == TECHNICAL_CONTACTS_PLAN
    if isinstance(value, Plan):
        listed = {id_ for name in _STATE_LISTS for id_ in getattr(value, name) or ()}
        types = {t.type for id_ in listed if (t := index.find(Target, row.tenant, id_))}
        return TECHNICAL_CONTACTS.id in listed or TECHNICAL_CONTACTS.type in types
    return False


def _known(index: Index, kind: type[V], tenant: str, row_id: str | None) -> bool:
    """Whether the id, if there is one, leads to a row."""
    return row_id is None or index.find(kind, tenant, row_id) is not None
