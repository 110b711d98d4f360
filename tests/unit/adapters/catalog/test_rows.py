"""How leniently one object of the API's shape is read."""

from typing import Any

import pytest

from consumer.adapters.catalog.rows import BrokenRow, ValueType, read_row
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


@pytest.mark.parametrize(
    ("kind", "raw", "problem"),
    [
        (Target, {"id": "nt1"}, "f.json: values[0] (nt1): Object missing required field `type`"),
        (Plan, {"label": "x"}, "f.json: values[0]: Object missing required field `id`"),
        (Alarm, "alX", "f.json: values[0]: expected an object, got str"),
        (
            Plan,
            {"id": "np1", "ok_state": ["nt1", 2]},
            "f.json: values[0] (np1).ok_state[1]: Expected `str`, got `int`",
        ),
        (
            Account,
            {"id": "ac1", "contacts": [{"emailAddress": 5}]},
            "f.json: values[0] (ac1).contacts.contacts[0].emailAddress: Expected `str | null`, "
            "got `int`",
        ),
        (Account, {"id": "ac1", "contacts": ["x"]}, "f.json: values[0] (ac1).contacts.contacts[0]"),
        (Account, {"id": "ac1", "contacts": "x"}, "f.json: values[0] (ac1).contacts.contacts"),
        (Entity, {"id": True}, "f.json: values[0].id: Expected `str`, got `bool`"),
    ],
)
def test_wrong_object_is_named_with_its_key(kind: ValueType, raw: Any, problem: str) -> None:
    with pytest.raises(BrokenRow) as caught:
        read_row(kind, "1", raw, "f.json: values[0]")
    assert str(caught.value).startswith(problem)


def test_null_is_the_same_as_absent() -> None:
    raw = {"id": "ch1", "label": None, "disabled": None, "period": None, "details": None}
    assert read_row(Check, "1", raw, "f").value == Check(id="ch1")


def test_numbers_in_quotes_and_ids_without_are_read() -> None:
    row = read_row(Suppression, "1", {"id": 7, "start_time": "5", "end_time": 9.0}, "f")
    assert row.value == Suppression(id="7", start_time=5, end_time=9)


def test_contacts_may_be_a_bare_list() -> None:
    raw = {"id": "ac1", "contacts": [{"emailAddress": "a@example.com", "role": None}]}
    account = read_row(Account, "1", raw, "f").value
    assert isinstance(account, Account)
    assert [p.email_address for p in account.contacts.contacts] == ["a@example.com"]


@pytest.mark.parametrize(
    ("tenant", "raw", "owner", "external_id"),
    [
        ("1", {"id": "ac1"}, "1", "1"),
        ("1", {"id": "ac1", "external_id": "2"}, "1", "2"),
        ("", {"id": "ac1", "external_id": 2}, "2", "2"),
        ("", {"id": "ac1"}, "ac1", None),
    ],
)
def test_account_belongs_to_the_customer_it_describes(
    tenant: str, raw: dict[str, Any], owner: str, external_id: str | None
) -> None:
    row = read_row(Account, tenant, raw, "f")
    assert isinstance(row.value, Account)
    assert (row.tenant, row.value.external_id) == (owner, external_id)


def test_zones_are_everybodys() -> None:
    assert read_row(Zone, "1", {"id": "mz1"}, "f").tenant == ""


def test_body_reads_back_as_the_same_row() -> None:
    row = read_row(Check, "1", {"id": "ch1", "entity_id": "en1", "type": "agent.cpu"}, "f")
    assert read_row(Check, "1", row.body(), "f") == row
