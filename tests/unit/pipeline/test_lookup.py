"""What the lookup finds: the catalog's rows, the event's snapshots in their stead, or nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.alarm import AlarmEvent, Observation, State
from consumer.domain.catalog import Account, Alarm, Check, Entity, Plan, Target, Zone
from consumer.domain.errors import CatalogUnavailable
from consumer.domain.notification import Context
from consumer.domain.recovery import recovers
from consumer.pipeline.lookup import MANAGED, TECHNICAL_CONTACTS, Missing, lookup
from tests.support.catalog import MemoryCatalog, whole_catalog
from tests.support.factories import make_context, make_event

NOW_MS = 1_392_138_740_000
#: Snapshots as an event carries them.
ENTITY = {"id": "enW3bSrv01", "label": "load balancer then", "ip_addresses": {"a": "192.0.2.1"}}
CHECK = {"id": "chHttpW3b1", "label": "front page then", "type": "remote.http", "period": 60}
ALARM = {"id": "alBodyM4tc", "label": "body then", "notification_plan_id": "npThen"}
THEN: dict[str, dict[str, Any]] = {"entity": ENTITY, "check": CHECK, "alarm": ALARM}
#: What the catalog has for `make_event`.
WHOLE = make_context(listed=["ntExAmPl02"])


def look(catalog: MemoryCatalog, event: AlarmEvent, unknown_as: State | None = None) -> Context:
    (context,) = lookup([event], catalog, NOW_MS, unknown_as)
    assert isinstance(context, Context), context
    return context


def missing(catalog: MemoryCatalog, event: AlarmEvent) -> Missing:
    (found,) = lookup([event], catalog, NOW_MS)
    assert isinstance(found, Missing)
    return found


class TestRows:
    def test_everything_is_in_the_catalog(self) -> None:
        assert look(whole_catalog(), make_event()) == WHOLE

    def test_the_catalog_wins_over_the_snapshots(self) -> None:
        assert look(whole_catalog(), make_event(**THEN)) == WHOLE

    def test_one_call_for_a_batch_and_answers_in_order(self) -> None:
        catalog = whole_catalog()
        events = [make_event(id="a"), make_event(id="b", alarm_id="alGone"), make_event(id="c")]
        first, second, third = lookup(events, catalog, NOW_MS)
        assert first == third == WHOLE
        assert isinstance(second, Missing)
        assert len(catalog.asked) == 1

    def test_no_events_no_call(self) -> None:
        catalog = whole_catalog()
        assert lookup([], catalog, NOW_MS) == []
        assert catalog.asked == []

    def test_a_catalog_that_is_away_is_the_callers_business(self) -> None:
        catalog = whole_catalog()
        catalog.away = True
        with pytest.raises(CatalogUnavailable):
            lookup([make_event()], catalog, NOW_MS)

    def test_another_tenants_rows_are_not_found(self) -> None:
        assert "of tenant 999" in missing(whole_catalog(), make_event(tenant_id="999")).what

    def test_an_unknown_account_is_no_obstacle(self) -> None:
        catalog = whole_catalog()
        catalog.remove(Account, "acT3stAcct")
        assert look(catalog, make_event()).account is None

    @pytest.mark.parametrize(
        "tombstone",
        [
            Entity(id="enW3bSrv01", deleted_at=1),
            Check(id="chHttpW3b1", deleted_at=1),
            Alarm(id="alBodyM4tc", deleted_at=1),
        ],
    )
    def test_a_tombstone_is_known_and_wins_over_the_snapshot(
        self, tombstone: Entity | Check | Alarm
    ) -> None:
        context = look(whole_catalog(tombstone), make_event(**THEN))
        assert tombstone in (context.entity, context.check, context.alarm)
        assert not context.degraded

    def test_zones_that_observed_it_are_looked_up(self) -> None:
        observed = [
            Observation(monitoring_zone_id="mzlon"),
            Observation(monitoring_zone_id="mzxyz"),
            Observation(),
        ]
        london = Zone(id="mzlon", label="London")
        context = look(whole_catalog(london, Zone(id="mzord")), make_event(observations=observed))
        assert context.zones == {"mzlon": london}


class TestSnapshots:
    @pytest.mark.parametrize(
        ("kind", "id_", "name"),
        [
            (Entity, "enW3bSrv01", "entity"),
            (Check, "chHttpW3b1", "check"),
            (Alarm, "alBodyM4tc", "alarm"),
        ],
    )
    def test_one_stands_in_for_a_missing_row(
        self, kind: type[Entity | Check | Alarm], id_: str, name: str
    ) -> None:
        catalog = whole_catalog()
        catalog.remove(kind, id_)
        context = look(catalog, make_event(**THEN))
        row = getattr(context, name)
        assert isinstance(row, kind)
        assert row.label == THEN[name]["label"]
        assert context.degraded

    def test_of_what_the_catalog_has_nothing_the_names_are_the_events_own(self) -> None:
        """Another system's alarm. A catalog that is away may have it."""
        catalog = MemoryCatalog()
        assert not look(catalog, make_event(**THEN)).in_catalog
        catalog.degraded = True
        assert look(catalog, make_event(**THEN)).in_catalog

    def test_an_out_of_date_catalog_is_told(self) -> None:
        catalog = whole_catalog()
        catalog.degraded = True
        assert look(catalog, make_event()).degraded

    def test_without_one_the_event_is_missing_and_says_what(self) -> None:
        catalog = whole_catalog()
        catalog.remove(Check, "chHttpW3b1")
        catalog.remove(Alarm, "alBodyM4tc")
        found = missing(catalog, make_event(entity=ENTITY))
        assert "check chHttpW3b1, alarm alBodyM4tc of tenant 487000" in found.what
        assert "entity" not in found.what
        assert not found.degraded

    def test_a_recovery_misses_its_problem_and_not_the_catalog(self) -> None:
        ids = dict.fromkeys(("entity_id", "check_id", "alarm_id"), "problem 77")
        alone = make_event(state=State.OK, attributes=recovers("id of 77"), **ids)
        what = missing(MemoryCatalog(), alone).what
        assert what.startswith("problem 77, which this recovery ends, is not known")

    def test_missing_in_a_degraded_catalog_is_not_for_good(self) -> None:
        catalog = MemoryCatalog()
        catalog.degraded = True
        assert missing(catalog, make_event()).degraded

    def test_an_empty_snapshot_is_none(self) -> None:
        assert (
            "entity enW3bSrv01"
            in missing(MemoryCatalog(), make_event(**THEN | {"entity": {}})).what
        )

    def test_its_rows_bear_the_ids_of_the_event(self) -> None:
        odd = {"entity": ENTITY | {"id": None}, "check": CHECK | {"id": "chOther"}, "alarm": ALARM}
        context = look(MemoryCatalog(), make_event(**odd))
        assert context.entity == Entity(
            id="enW3bSrv01", label="load balancer then", ip_addresses={"a": "192.0.2.1"}
        )
        assert context.check is not None
        assert context.check.id == "chHttpW3b1"

    def test_fields_of_a_wrong_kind_leave_the_label(self) -> None:
        broken = {"label": "load balancer then", "ip_addresses": ["192.0.2.1"]}
        context = look(MemoryCatalog(), make_event(**THEN | {"entity": broken}))
        assert context.entity == Entity(id="enW3bSrv01", label="load balancer then")

    @given(
        st.dictionaries(
            st.sampled_from(
                ["id", "label", "period", "disabled", "details", "deleted_at", "metadata", "x"]
            ),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                max_leaves=5,
            ),
            min_size=1,
        )
    )
    def test_no_snapshot_stops_an_event(self, snapshot: dict[str, Any]) -> None:
        context = look(MemoryCatalog(), make_event(entity=snapshot, check=snapshot, alarm=snapshot))
        assert context.check is not None
        assert context.check.id == "chHttpW3b1"
        assert context.degraded


def plan(id_: str, **lists: Any) -> Plan:
    return Plan(id=id_, **lists)


PLANS = [plan("npLive"), plan("npHint"), plan("npThen")]
LIVE = Alarm(id="alBodyM4tc", notification_plan_id="npLive")
NO_PLAN = Alarm(id="alBodyM4tc")


class TestPlanInForce:
    @pytest.mark.parametrize(
        ("live", "hint", "then", "used"),
        [
            pytest.param(LIVE, "npHint", "npThen", "npLive", id="the live alarm's"),
            pytest.param(NO_PLAN, "npHint", "npThen", "npHint", id="live alarm has none: hint"),
            pytest.param(None, "npHint", "npThen", "npHint", id="no live alarm: hint"),
            pytest.param(None, None, "npThen", "npThen", id="no hint: snapshot"),
            pytest.param(None, None, None, "npTechnicalContactsEmail", id="nothing: default"),
            pytest.param(NO_PLAN, "npGone", None, "npTechnicalContactsEmail", id="unknown plan"),
            pytest.param(None, None, 17, "npTechnicalContactsEmail", id="snapshot is no id"),
        ],
    )
    def test_precedence(
        self, live: Alarm | None, hint: str | None, then: object, used: str
    ) -> None:
        catalog = whole_catalog(*PLANS)
        catalog.remove(Alarm, "alBodyM4tc")
        if live is not None:
            catalog.put(live)
        event = make_event(notification_plan_id=hint, alarm=ALARM | {"notification_plan_id": then})
        context = look(catalog, event)
        assert context.plan_id == used
        assert context.plan is not None
        assert context.plan.id == used

    def test_a_deleted_plan_is_as_good_as_unknown(self) -> None:
        catalog = whole_catalog(Plan(id="npOnCall01", deleted_at=1, critical_state=["ntExAmPl02"]))
        context = look(catalog, make_event())
        assert context.plan_id == "npTechnicalContactsEmail"
        assert context.targets == {TECHNICAL_CONTACTS.id: TECHNICAL_CONTACTS}

    @pytest.mark.parametrize("state", [State.OK, State.WARNING, State.CRITICAL])
    @pytest.mark.parametrize(
        ("plan_id", "target"),
        [("npTechnicalContactsEmail", TECHNICAL_CONTACTS), ("npManaged", MANAGED)],
    )
    def test_built_in_plans_reach_their_target_in_each_state_though_their_lists_are_empty(
        self, plan_id: str, target: Target, state: State
    ) -> None:
        alarm = Alarm(id="alBodyM4tc", notification_plan_id=plan_id)
        context = look(whole_catalog(alarm, plan(plan_id)), make_event(state=state))
        assert context.plan_id == plan_id
        assert context.listed == [target.id]
        assert context.targets == {target.id: target}

    @pytest.mark.parametrize(
        ("lists", "listed"),
        [
            ({}, []),
            ({"critical_state": None}, []),
            ({"critical_state": []}, []),
            ({"ok_state": ["ntExAmPl02"]}, []),
            ({"critical_state": ["b", "a", "b"]}, ["b", "a"]),
        ],
    )
    def test_the_list_of_the_new_state_counts(
        self, lists: dict[str, Any], listed: list[str]
    ) -> None:
        context = look(whole_catalog(plan("npOnCall01", **lists)), make_event())
        assert context.listed == listed
        assert context.plan_id == "npOnCall01"

    def test_unknown_uses_the_list_of_the_state_it_counts_as(self) -> None:
        catalog = whole_catalog(plan("npOnCall01", warning_state=["ntExAmPl02"]))
        event = make_event(state=State.UNKNOWN)
        assert look(catalog, event, State.WARNING).listed == ["ntExAmPl02"]
        assert look(catalog, event).listed == []
        assert look(catalog, make_event(), State.WARNING).listed == []

    def test_targets_that_are_unknown_or_deleted_are_left_out(self) -> None:
        listed = ["ntExAmPl02", "ntGone", "ntDeleted", "ntTechnicalContactsEmail"]
        catalog = whole_catalog(
            plan("npOnCall01", critical_state=listed),
            Target(id="ntDeleted", type="email", deleted_at=1),
        )
        context = look(catalog, make_event())
        assert context.listed == listed
        assert list(context.targets) == ["ntExAmPl02", "ntTechnicalContactsEmail"]
