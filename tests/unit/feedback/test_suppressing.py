"""Reading the provider's lists whole: pages, what disappears, whose turn it is, what fails."""

from collections.abc import Mapping

import pytest

from consumer.domain.errors import LookupUnavailable
from consumer.domain.suppression import SuppressedAddress, SuppressionList, SuppressionPage
from consumer.feedback.suppressing import SuppressionReader, read_all
from tests.support.feedback import DOMAIN, Rig

BOUNCES = SuppressionList.BOUNCES


def entry(address: str, of: SuppressionList = BOUNCES) -> SuppressedAddress:
    return SuppressedAddress(list=of, address=address)


class FakeLists:
    """A provider whose pages have two entries."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.pages = 0
        self.fails_at: int | None = None
        self.waits = 0.0

    def page(self, of: SuppressionList, after: str | None = None) -> SuppressionPage:
        self.pages += 1
        if self.pages == self.fails_at:
            raise LookupUnavailable("away")
        start = int(after or 0)
        found = self.addresses[start : start + 2] if of is BOUNCES else []
        more = of is BOUNCES and start + 2 < len(self.addresses)
        return SuppressionPage(
            entries=[entry(each) for each in found], after=str(start + 2) if more else None
        )

    def add(self, entry: SuppressedAddress) -> None: ...

    def remove(self, of: SuppressionList, address: str) -> bool:
        return False

    def opens_in(self) -> float:
        return self.waits

    def close(self) -> None: ...


class Reading:
    """Readers on one ledger, and what they said."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.lists = FakeLists("a@example.com", "b@example.com", "c@example.com")
        self.states: list[bool] = []
        self.found: list[Mapping[SuppressionList, int]] = []
        self.reader = self.another("one")

    def another(self, owner: str) -> SuppressionReader:
        return SuppressionReader(
            domain=DOMAIN,
            owner=owner,
            provider=self.lists,
            store=self.rig.ledger.suppressions,
            turns=self.rig.ledger.feedback,
            interval=900.0,
            on_state=lambda ok, _why: self.states.append(ok),
            on_read=self.found.append,
        )

    @property
    def known(self) -> list[str]:
        return [each.address for each in self.rig.ledger.suppressions.listed(DOMAIN, BOUNCES)]


@pytest.fixture
def reading(rig: Rig) -> Reading:
    return Reading(rig)


def test_all_pages_of_all_lists_are_read(reading: Reading) -> None:
    assert reading.reader.step() == 900.0
    assert reading.known == ["a@example.com", "b@example.com", "c@example.com"]
    assert reading.found == [dict.fromkeys(SuppressionList, 0) | {BOUNCES: 3}]
    assert reading.lists.pages == 5


def test_what_is_no_longer_listed_disappears(reading: Reading) -> None:
    reading.rig.ledger.suppressions.keep(DOMAIN, [entry("old@example.com")])
    begun = reading.rig.ledger.suppressions.now()
    while reading.rig.ledger.suppressions.now() <= begun:
        pass  # SQLite's clock has milliseconds
    read_all(reading.lists, reading.rig.ledger.suppressions, DOMAIN)
    assert "old@example.com" not in reading.known


def test_a_page_that_fails_forgets_nothing(reading: Reading) -> None:
    reading.rig.ledger.suppressions.keep(DOMAIN, [entry("old@example.com")])
    reading.lists.fails_at = 2
    assert [reading.reader.step() for _ in range(1)] == [30.0]
    assert "old@example.com" in reading.known
    assert reading.states == [False]
    reading.lists.fails_at = None
    assert reading.reader.step() == 900.0
    assert reading.states == [False, True]


def test_failures_make_longer_pauses_and_a_word_of_the_provider_stands(reading: Reading) -> None:
    pauses = []
    for _ in range(6):
        reading.lists.pages, reading.lists.fails_at = 0, 1
        pauses.append(reading.reader.step())
    assert pauses == [30.0, 60.0, 120.0, 240.0, 480.0, 600.0]
    reading.lists.waits = 7.0
    assert reading.reader.step() == 7.0


def test_of_many_processes_one_reads(reading: Reading) -> None:
    reading.reader.step()
    pages = reading.lists.pages
    assert reading.another("two").step() == 900.0
    assert reading.lists.pages == pages
