"""What the ledger keeps of the provider's lists of addresses that get no email."""

from collections.abc import Callable
from typing import Any

from consumer.adapters.ledger import SqlLedger
from consumer.domain.suppression import SuppressedAddress, SuppressionList
from tests.support.kafka import until

DOMAIN = "alerts.example.com"
BOUNCES, COMPLAINTS = SuppressionList.BOUNCES, SuppressionList.COMPLAINTS
ALLOWLIST, UNSUBSCRIBES = SuppressionList.ALLOWLIST, SuppressionList.UNSUBSCRIBES


def entry(address: str = "gone@example.com", **changes: Any) -> SuppressedAddress:
    values: dict[str, Any] = {
        "list": BOUNCES,
        "address": address,
        "since": 1_765_417_780.0,
        "why": "550 5.1.1 No such user",
    }
    return SuppressedAddress(**(values | changes))


def test_an_entry_comes_back_as_it_was_kept(ledger: SqlLedger) -> None:
    entries = [entry(), entry("one@example.com", since=None, why="", tags=("news", "sport"))]
    ledger.suppressions.keep(DOMAIN, entries)
    assert ledger.suppressions.listed(DOMAIN, BOUNCES) == entries
    assert ledger.suppressions.listed(DOMAIN, COMPLAINTS) == []
    assert ledger.suppressions.listed("other.example.com", BOUNCES) == []


def test_kept_again_it_is_one_entry_with_the_newer_words(ledger: SqlLedger) -> None:
    ledger.suppressions.keep(DOMAIN, [entry(), entry("GONE@example.com", why="552 Full")])
    ledger.suppressions.keep(DOMAIN, [entry(why="554 Blocked")])
    assert ledger.suppressions.listed(DOMAIN, BOUNCES) == [entry(why="554 Blocked")]


def test_addresses_are_held_back_whatever_their_case(ledger: SqlLedger) -> None:
    ledger.suppressions.keep(DOMAIN, [entry()])
    found = ledger.suppressions.holding_back(DOMAIN, ["Gone@Example.com", "oncall@example.com"])
    assert found == {"gone@example.com": entry()}
    assert ledger.suppressions.holding_back("other.example.com", ["gone@example.com"]) == {}
    assert ledger.suppressions.holding_back(DOMAIN, []) == {}


def test_the_allowlist_and_unsubscribes_from_some_tags_hold_nobody_back(ledger: SqlLedger) -> None:
    ledger.suppressions.keep(
        DOMAIN, [entry(list=ALLOWLIST), entry(list=UNSUBSCRIBES, tags=("news",))]
    )
    assert ledger.suppressions.holding_back(DOMAIN, ["gone@example.com"]) == {}
    ledger.suppressions.keep(DOMAIN, [entry(list=COMPLAINTS, why="")])
    held = ledger.suppressions.holding_back(DOMAIN, ["gone@example.com"])
    assert held["gone@example.com"].list is COMPLAINTS


def test_what_is_no_longer_listed_disappears_and_what_came_meanwhile_stays(
    open_another: Callable[[], SqlLedger],
) -> None:
    one, other = open_another().suppressions, open_another().suppressions
    one.keep(DOMAIN, [entry("old@example.com"), entry("kept@example.com")])
    one.keep(DOMAIN, [entry("old@example.com", list=COMPLAINTS)])
    before = one.now()
    until(lambda: one.now() > before, "the clock moves", 5.0)
    begun = one.now()
    other.keep(DOMAIN, [entry("reported@example.com")])
    one.keep(DOMAIN, [entry("kept@example.com")])
    assert one.drop_older(DOMAIN, BOUNCES, begun) == 1
    left = [found.address for found in other.listed(DOMAIN, BOUNCES)]
    assert left == ["kept@example.com", "reported@example.com"]
    assert len(other.listed(DOMAIN, COMPLAINTS)) == 1


def test_one_is_removed_whatever_its_case(ledger: SqlLedger) -> None:
    ledger.suppressions.keep(DOMAIN, [entry(), entry(list=COMPLAINTS)])
    assert ledger.suppressions.remove(DOMAIN, BOUNCES, "Gone@Example.com")
    assert not ledger.suppressions.remove(DOMAIN, BOUNCES, "gone@example.com")
    assert len(ledger.suppressions.listed(DOMAIN, COMPLAINTS)) == 1
