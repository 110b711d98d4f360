"""Catalog rows in the words of the API."""

from typing import Any

import msgspec
import pytest

from consumer.domain.alarm import State
from consumer.domain.catalog import (
    Account,
    Alarm,
    Check,
    ContactPerson,
    Entity,
    Plan,
    Suppression,
    Target,
    Zone,
)

OK, WARNING, CRITICAL, UNKNOWN = State


class TestPlan:
    PLAN = Plan(id="np1", critical_state=["a", "b"], warning_state=["b"], ok_state=["c"])

    @pytest.mark.parametrize(
        ("state", "listed"), [(CRITICAL, ["a", "b"]), (WARNING, ["b"]), (OK, ["c"]), (UNKNOWN, [])]
    )
    def test_each_state_has_its_own_list(self, state: State, listed: list[str]) -> None:
        assert self.PLAN.targets_for(state) == listed

    @pytest.mark.parametrize(
        "row", [{}, {"critical_state": None}, {"critical_state": []}], ids=["absent", "null", "[]"]
    )
    def test_no_list_is_an_empty_one(self, row: dict[str, Any]) -> None:
        assert msgspec.convert({"id": "np1"} | row, Plan).targets_for(CRITICAL) == []

    def test_listed_twice_counts_once_at_its_first_place(self) -> None:
        plan = Plan(id="np1", ok_state=["b", "a", "b", "c", "a"])
        assert plan.targets_for(OK) == ["b", "a", "c"]

    def test_the_list_is_the_callers_to_change(self) -> None:
        self.PLAN.targets_for(OK).append("x")
        assert self.PLAN.targets_for(OK) == ["c"]


@pytest.mark.parametrize("kind", [Account, Alarm, Check, Entity, Plan, Suppression, Target, Zone])
def test_a_row_needs_an_id_and_minds_nothing_that_it_does_not_know(kind: type) -> None:
    row: Any = msgspec.convert(
        {"id": "x", "type": "email", "label": None, "metadata": None, "created_at": 1, "new": [1]},
        kind,
    )
    assert row.id == "x"
    assert row.label is None
    assert row.deleted_at is None
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "email"}, kind)


def test_contacts_are_read_as_the_accounts_api_writes_them() -> None:
    account = msgspec.convert(
        {
            "id": "acT3stAcct",
            "external_id": "487000",
            "contacts": {
                "contacts": [
                    {"firstName": "Ann", "emailAddress": "a@example.com", "role": ["technical"]},
                    {"userId": "u2", "emailAddress": None},
                ]
            },
        },
        Account,
    )
    assert account.external_id == "487000"
    assert account.contacts.contacts == [
        ContactPerson(first_name="Ann", email_address="a@example.com", role=["technical"]),
        ContactPerson(user_id="u2"),
    ]


def test_an_account_without_contacts_has_none() -> None:
    assert Account(id="ac1").contacts.contacts == []


def test_what_is_not_said_to_be_disabled_is_enabled() -> None:
    assert not Alarm(id="a").disabled
    assert not Check(id="c").disabled
