"""When the cache asks its source, and what it serves while the source is away."""

from collections import Counter
from collections.abc import Collection

import pytest

from consumer.adapters.catalog.cache import CachedCatalog
from consumer.adapters.catalog.rows import SHARED, Row, ValueType
from consumer.adapters.catalog.source import WHOLE, Fetched, Wanted
from consumer.domain.catalog import Account, Alarm, Check, Entity, Plan, Suppression, Target, Zone
from consumer.domain.errors import CatalogUnavailable
from consumer.ports import LookupKey
from tests.support.clock import ManualClock

KEY: LookupKey = ("1", "en1", "ch1", "al1", None)


class FakeSource:
    """Rows in a list; counts what it is asked for, and can be away."""

    def __init__(self, *rows: Row) -> None:
        self.rows = list(rows)
        self.asked: Counter[ValueType] = Counter()
        self.calls: Counter[ValueType] = Counter()
        self.away = False
        self.broken: dict[Wanted, str] = {}
        self.closed = False

    def fetch(self, kind: ValueType, wanted: Collection[Wanted]) -> Fetched:
        self.calls[kind] += 1
        self.asked[kind] += len(wanted)
        self.ping()
        return Fetched(
            rows={key: self._rows(kind, key) for key in wanted},
            broken={key: self.broken[key] for key in wanted if key in self.broken},
        )

    def _rows(self, kind: ValueType, key: Wanted) -> tuple[Row, ...]:
        tenant, id_ = key
        if kind is Account:
            return tuple(
                r for r in self.rows if isinstance(r.value, kind) and id_ in (r.tenant, r.value.id)
            )
        return tuple(
            r
            for r in self.rows
            if isinstance(r.value, kind)
            and r.tenant in (tenant, SHARED)
            and (kind in WHOLE or r.value.id == id_)
            and key not in self.broken
        )

    def read_all(self) -> tuple[list[Row], list[str]]:
        return self.rows, []

    def ping(self) -> None:
        if self.away:
            raise CatalogUnavailable("the database is away")

    def close(self) -> None:
        self.closed = True


def row(value: Account | Entity | Check | Alarm | Plan | Target | Suppression | Zone) -> Row:
    return Row(tenant="1", value=value, where="here")


def alarm(label: str = "first") -> Row:
    return row(Alarm(id="al1", label=label, notification_plan_id="np1"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def source() -> FakeSource:
    return FakeSource(
        row(Account(id="ac1", external_id="1")),
        row(Entity(id="en1")),
        row(Check(id="ch1")),
        alarm(),
        row(Plan(id="np1", critical_state=["nt1"], ok_state=["nt2"])),
        row(Target(id="nt1", type="email")),
        row(Target(id="nt2", type="email")),
        Row(tenant=SHARED, value=Zone(id="mzlon"), where="here"),
    )


@pytest.fixture
def catalog(source: FakeSource, clock: ManualClock) -> CachedCatalog:
    return CachedCatalog(source, clock=clock)


def label(catalog: CachedCatalog) -> tuple[str | None, bool]:
    snapshot = catalog.snapshot([KEY])
    found = snapshot.alarm("1", "en1", "al1")
    return (found.label if found else None), snapshot.degraded


def test_a_batch_asks_once_per_kind(catalog: CachedCatalog, source: FakeSource) -> None:
    keys: list[LookupKey] = [("1", f"en{n}", f"ch{n}", f"al{n}", "np1") for n in range(50)]
    snapshot = catalog.snapshot(keys)
    assert set(source.calls.values()) == {1}
    assert (source.asked[Alarm], source.asked[Plan], source.asked[Target]) == (50, 1, 2)
    assert snapshot.target("1", "nt2") is not None


def test_young_answers_are_served_without_asking(
    catalog: CachedCatalog, source: FakeSource, clock: ManualClock
) -> None:
    label(catalog)
    asked = source.calls.total()
    clock.advance(29.9)
    assert label(catalog) == ("first", False)
    assert source.calls.total() == asked


def test_answers_are_asked_for_again_when_they_are_old(
    catalog: CachedCatalog, source: FakeSource, clock: ManualClock
) -> None:
    label(catalog)
    source.rows[3] = alarm("second")
    clock.advance(30.0)
    assert label(catalog) == ("second", False)


def test_new_alarm_is_found_soon(
    catalog: CachedCatalog, source: FakeSource, clock: ManualClock
) -> None:
    source.rows.remove(alarm())
    assert label(catalog) == (None, False)
    source.rows.append(alarm())
    clock.advance(1.9)
    assert label(catalog) == (None, False)
    clock.advance(0.1)
    assert label(catalog) == ("first", False)


def test_having_no_suppressions_is_an_ordinary_answer(
    catalog: CachedCatalog, source: FakeSource, clock: ManualClock
) -> None:
    catalog.snapshot([KEY])
    clock.advance(3.0)
    catalog.snapshot([KEY])
    assert source.calls[Suppression] == 1


def test_old_answers_are_served_degraded_while_the_source_is_away(
    catalog: CachedCatalog, source: FakeSource, clock: ManualClock
) -> None:
    label(catalog)
    source.away = True
    clock.advance(86_400.0)
    assert label(catalog) == ("first", True)
    assert catalog.problems() == ["the database is away"]
    with pytest.raises(CatalogUnavailable):
        catalog.ping()


def test_too_old_answers_are_not_served(
    catalog: CachedCatalog, source: FakeSource, clock: ManualClock
) -> None:
    label(catalog)
    source.away = True
    clock.advance(86_401.0)
    with pytest.raises(CatalogUnavailable, match="the database is away"):
        catalog.snapshot([KEY])


def test_what_was_never_answered_is_unavailable_and_not_unknown(
    catalog: CachedCatalog, source: FakeSource
) -> None:
    catalog.snapshot([KEY])
    source.away = True
    with pytest.raises(CatalogUnavailable):
        catalog.snapshot([KEY, ("1", "en1", "ch1", "al2", None)])


def test_unknown_stays_unknown_while_the_source_is_away(
    catalog: CachedCatalog, source: FakeSource, clock: ManualClock
) -> None:
    source.rows.remove(alarm())
    label(catalog)
    source.away = True
    clock.advance(10.0)
    assert label(catalog) == (None, True)


def test_failed_source_is_left_alone_for_a_while(
    catalog: CachedCatalog, source: FakeSource, clock: ManualClock
) -> None:
    label(catalog)
    source.away = True
    clock.advance(30.0)
    label(catalog)
    asked = source.calls.total()
    clock.advance(1.9)
    label(catalog)
    assert source.calls.total() == asked
    source.away = False
    clock.advance(0.1)
    assert label(catalog) == ("first", False)
    assert catalog.problems() == []


def test_broken_row_leaves_the_one_before_in_force(
    catalog: CachedCatalog, source: FakeSource, clock: ManualClock
) -> None:
    label(catalog)
    source.broken["1", "al1"] = "catalog_alarms: al1: not JSON"
    clock.advance(30.0)
    assert label(catalog) == ("first", True)
    assert label(catalog) == ("first", True)
    assert catalog.problems() == ["catalog_alarms: al1: not JSON"]
    source.broken.clear()
    clock.advance(30.0)
    assert label(catalog) == ("first", False)
    assert catalog.problems() == []


def test_cache_is_bounded_and_forgets_what_was_used_longest_ago(
    source: FakeSource, clock: ManualClock
) -> None:
    # One snapshot of KEY holds nine answers.
    catalog = CachedCatalog(source, clock=clock, max_entries=12)
    catalog.snapshot([KEY])
    catalog.snapshot([("1", "en1", "ch1", f"other{n}", None) for n in range(3)])
    catalog.snapshot([KEY])
    assert source.asked[Alarm] == 4
    catalog.snapshot([("1", "en1", "ch1", f"another{n}", None) for n in range(20)])
    catalog.snapshot([KEY])
    assert source.asked[Alarm] == 25


def test_batch_larger_than_the_cache_is_answered_in_full(
    source: FakeSource, clock: ManualClock
) -> None:
    catalog = CachedCatalog(source, clock=clock, max_entries=1)
    assert label(catalog) == ("first", False)


def test_close_closes_the_source(catalog: CachedCatalog, source: FakeSource) -> None:
    catalog.close()
    assert source.closed
