"""Routes with the shares that hold, and whom a change moves."""

from consumer.domain.notification import SendOptions
from consumer.domain.rollout import Share
from consumer.pipeline.deliver import Route
from consumer.rollout.shares import LiveRoutes, moved, with_shares

TENANTS = [str(number) for number in range(400)]
TEST = Route(options=SendOptions(route="test"), tenants=frozenset({"1", "2"}))
NEW = Route(options=SendOptions(route="new"), percent=5.0)
ROUTES = (TEST, NEW)


def share(number: int = 1, **changes: object) -> Share:
    return Share(**{"route": "new", "number": number, **changes})  # type: ignore[arg-type]


def test_a_share_stands_in_for_what_the_file_says() -> None:
    test, new = with_shares(ROUTES, {"new": share(percent=20.0, tenants=("7",))})
    assert test == TEST
    assert (new.percent, new.tenants) == (20.0, frozenset({"7"}))
    assert new.options == NEW.options


def test_what_was_not_set_is_as_in_the_file() -> None:
    assert with_shares(ROUTES, {"new": share(), "gone": share()}) == ROUTES
    assert with_shares(ROUTES, {"new": share(tenants=("7",))})[1].percent == 5.0


def test_an_empty_list_of_tenants_is_all_of_them() -> None:
    (test, _) = with_shares(ROUTES, {"test": Share(route="test", number=1, tenants=())})
    assert test.tenants == frozenset()


def test_live_routes_tell_each_change_once() -> None:
    live = LiveRoutes(ROUTES)
    assert live() == ROUTES
    first = share(percent=20.0)
    assert list(live.take({"new": first})) == [first]
    assert live()[1].percent == 20.0
    assert not live.take({"new": first})
    assert not live.take({"new": first, "of-another-file": share()})
    second = share(2, percent=0.0, tripped=True)
    assert list(live.take({"new": second})) == [second]


def test_raising_a_share_only_brings_tenants_and_lowering_only_takes_some() -> None:
    more = with_shares(ROUTES, {"new": share(percent=20.0)})
    up = moved(ROUTES, more, "new", TENANTS)
    assert up.comes
    assert not up.leaves
    assert 0.1 < up.takes / up.known < 0.3
    down = moved(more, ROUTES, "new", TENANTS)
    assert (down.leaves, down.comes) == (up.comes, [])


def test_whom_a_rule_above_takes_does_not_move() -> None:
    all_ = with_shares(ROUTES, {"new": share(percent=100.0)})
    assert not {"1", "2"} & set(moved(ROUTES, all_, "new", TENANTS).comes)
