"""The guard's decision: worse by a margin, beyond chance, and never twice without a person."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.ledger import DeliveryState
from consumer.domain.rollout import Share, Tally
from consumer.rollout.guard import (
    Figures,
    GuardRules,
    Metric,
    Standing,
    at_rest,
    counts_from,
    judge,
    surely_more,
)
from tests.unit.rollout.rig import NEW, OLD, RULES, WATCHED, fared, tally

NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("bad", "of", "other_bad", "other_of", "expected"),
    [
        # Nothing is wrong.
        (0, 100, 0, 1000, Standing.FINE),
        # All fails, and the others work: few emails are enough.
        (20, 20, 0, 20, Standing.WORSE),
        (20, 20, 1, 400, Standing.WORSE),
        # Fewer than the minimum, on either side: nothing is said.
        (19, 19, 0, 1000, Standing.TOO_FEW),
        (1000, 1000, 0, 19, Standing.TOO_FEW),
        (100, 100, 0, 0, Standing.TOO_FEW),
        (0, 0, 0, 0, Standing.TOO_FEW),
        # What may be chance is chance: 3 of 20 are no 15 percent.
        (3, 20, 0, 1000, Standing.FINE),
        # Seen with more emails the same share is worse.
        (150, 1000, 0, 1000, Standing.WORSE),
        # So the page on it says.
        (5, 30, 0, 1000, Standing.FINE),
        (6, 30, 0, 1000, Standing.WORSE),
        (11, 100, 0, 1000, Standing.FINE),
        (12, 100, 0, 1000, Standing.WORSE),
        (72, 1000, 0, 1000, Standing.FINE),
        (73, 1000, 0, 1000, Standing.WORSE),
        (612, 10_000, 0, 1000, Standing.FINE),
        (613, 10_000, 0, 1000, Standing.WORSE),
        # Worse, but within the margin.
        (400, 10_000, 0, 10_000, Standing.FINE),
        (700, 10_000, 0, 10_000, Standing.WORSE),
        # The provider is away for both: there is no better side to go back to.
        (500, 500, 500, 500, Standing.FINE),
        (900, 1000, 880, 1000, Standing.FINE),
        # The new one is better.
        (0, 1000, 300, 1000, Standing.FINE),
    ],
)
def test_the_share_of_bad_emails_is_compared(
    bad: int, of: int, other_bad: int, other_of: int, expected: Standing
) -> None:
    judgement = judge(RULES, WATCHED, fared(bad, of, other_bad, other_of))
    assert judgement.standing is expected
    assert judgement.mine == Figures(of, bad)
    assert judgement.others == Figures(other_of, other_bad)


@pytest.mark.parametrize(
    ("metric", "of", "is_bad"),
    [
        (Metric.TROUBLE, tally(NEW, 1), False),
        (Metric.TROUBLE, tally(NEW, 1, again=True), True),
        (Metric.TROUBLE, tally(NEW, 1, transport="smtp"), True),
        (Metric.TROUBLE, tally(NEW, 1, slow=True), False),
        (Metric.TROUBLE, tally(NEW, 1, DeliveryState.DEFERRED), True),
        (Metric.TROUBLE, tally(NEW, 1, DeliveryState.IN_DOUBT), True),
        (Metric.TROUBLE, tally(NEW, 1, DeliveryState.FAILED), True),
        (Metric.TROUBLE, tally(NEW, 1, DeliveryState.SUPERSEDED), True),
        (Metric.FAILED, tally(NEW, 1, DeliveryState.FAILED), True),
        (Metric.FAILED, tally(NEW, 1, DeliveryState.IN_DOUBT), False),
        (Metric.FAILED, tally(NEW, 1, again=True, slow=True), False),
        (Metric.SLOW, tally(NEW, 1), False),
        (Metric.SLOW, tally(NEW, 1, slow=True), True),
        (Metric.SLOW, tally(NEW, 1, again=True), False),
        (Metric.SLOW, tally(NEW, 1, DeliveryState.IN_DOUBT), True),
    ],
)
def test_what_a_bad_email_is_depends_on_the_metric(metric: Metric, of: Tally, is_bad: bool) -> None:
    rules = msgspec.structs.replace(RULES, metric=metric)
    assert judge(rules, WATCHED, [of]).mine == Figures(1, int(is_bad))


def test_rules_above_the_route_are_not_compared_with() -> None:
    """Its traffic would not go back to them."""
    assert judge(RULES, WATCHED, [tally("test", 50), tally(OLD, 1)]).others == Figures(1, 0)


@given(
    st.integers(1, 3000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    st.integers(1, 3000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
)
def test_the_bound_is_below_the_difference_that_was_seen(
    mine: tuple[int, int], others: tuple[int, int]
) -> None:
    one, other = Figures(*mine), Figures(*others)
    rounding = 1e-9
    assert -1.0 - rounding <= surely_more(one, other) <= one.rate - other.rate + rounding
    # More of the same says more.
    assert surely_more(
        Figures(mine[0] * 4, mine[1] * 4), Figures(others[0] * 4, others[1] * 4)
    ) >= (surely_more(one, other) - rounding)


@pytest.mark.parametrize(
    ("share", "percent", "expected"),
    [
        (None, 5.0, None),
        (None, 0.0, Standing.OFF),
        (Share(route=NEW, number=1, percent=20.0, at=NOW - 121), 20.0, None),
        (Share(route=NEW, number=1, percent=20.0, at=NOW - 119), 20.0, Standing.COOLING),
        (Share(route=NEW, number=1, percent=0.0, at=NOW - 500), 0.0, Standing.OFF),
        (
            Share(route=NEW, number=2, percent=0.0, at=NOW - 9e9, tripped=True),
            0.0,
            Standing.TRIPPED,
        ),
        # Whatever its share: only a person takes it away.
        (
            Share(route=NEW, number=2, percent=9.0, at=NOW - 9e9, tripped=True),
            9.0,
            Standing.TRIPPED,
        ),
    ],
)
def test_some_standings_need_no_figures(
    share: Share | None, percent: float, expected: Standing | None
) -> None:
    assert at_rest(RULES, share, percent, NOW) is expected


def test_only_emails_of_the_share_that_holds_count() -> None:
    assert counts_from(RULES, None, NOW) == NOW - RULES.window
    assert counts_from(RULES, Share(route=NEW, number=1, at=NOW - 9e9), NOW) == NOW - RULES.window
    assert counts_from(RULES, Share(route=NEW, number=1, at=NOW - 60), NOW) == NOW - 60


class _World:
    """One route, whatever its emails do and whoever sets it: as service and ledger put it
    together."""

    def __init__(self, rules: GuardRules) -> None:
        self.rules = rules
        self.now = NOW
        self.share = Share(route=NEW, number=1, percent=50.0, at=NOW)

    def set(self, percent: float) -> None:
        self.share = Share(route=NEW, number=self.share.number + 1, percent=percent, at=self.now)

    def guard(self, tallies: Sequence[Tally]) -> bool:
        percent = self.share.percent or 0.0
        if at_rest(self.rules, self.share, percent, self.now) is not None:
            return False
        if judge(self.rules, WATCHED, tallies).standing is not Standing.WORSE:
            return False
        self.share = Share(
            route=NEW, number=self.share.number + 1, percent=0.0, at=self.now, tripped=True
        )
        return True


_COUNT = st.integers(0, 400)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.floats(0, 2_000)),
        st.tuples(st.just("set"), st.floats(0, 100)),
        st.tuples(st.just("guard"), st.tuples(_COUNT, _COUNT, _COUNT, _COUNT)),
    ),
    max_size=60,
)


@given(_STEPS, st.floats(0, 0.5), st.floats(0, 600))
def test_it_never_flaps(steps: list[tuple[str, object]], margin: float, cool_down: float) -> None:
    """Between two words of a person it acts once at the most; and it only ever takes away."""
    world = _World(msgspec.structs.replace(RULES, margin=margin, cool_down=cool_down))
    tripped = False
    for what, value in steps:
        before = world.share
        if what == "pass":
            assert isinstance(value, float)
            world.now += value
        elif what == "set":
            assert isinstance(value, float)
            world.set(value)
            tripped = False
        else:
            assert isinstance(value, tuple)
            good, bad, other_good, other_bad = value
            if world.guard(fared(bad, good + bad, other_bad, other_good + other_bad)):
                assert not tripped, "it acted twice"
                assert world.now >= before.at + cool_down
                tripped = True
            else:
                assert world.share == before
        assert world.share.tripped is tripped
        assert not tripped or world.share.percent == 0
