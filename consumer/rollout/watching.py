"""What is under guard, and how it stands: the ledger's figures, judged and told in words."""

from collections.abc import Mapping, Sequence
from typing import Final

from consumer.domain.notification import SendOptions
from consumer.domain.rollout import Share
from consumer.pipeline.deliver import Route
from consumer.rollout.guard import (
    Figures,
    GuardRules,
    Judgement,
    Metric,
    Standing,
    Watched,
    at_rest,
    counts_from,
    judge,
)
from consumer.rollout.ports import RolloutStore
from consumer.settings import DEFAULT_ROUTE, Guard, Settings, routes_of

#: Of more emails in the window the latest are as good a sample, and cost less.
_SAMPLE: Final = 20_000

_BAD: Final = {
    Metric.TROUBLE: "not accepted at once",
    Metric.FAILED: "refused for good",
    Metric.SLOW: "not accepted in time",
}


def guard_rules(given: Guard) -> GuardRules:
    """The section as the guard wants it."""
    return GuardRules(
        metric=Metric(given.metric),
        margin=given.margin,
        minimum=given.minimum_emails,
        window=given.window_seconds,
        cool_down=given.cool_down_seconds,
        slow=given.slow_seconds,
    )


def watched(settings: Settings) -> Mapping[str, Watched]:
    """The routes under guard, by name. Their emails would go to the rules below them."""
    options = [route.options for route in routes_of(settings.routes)]
    names = [*(each.route for each in options), DEFAULT_ROUTE]
    transports = {each.route: each.transport for each in options}
    transports[DEFAULT_ROUTE] = SendOptions().transport
    return {
        names[place]: Watched(
            name=names[place], others=frozenset(names[place + 1 :]), transports=transports
        )
        for place, rule in enumerate(settings.routes)
        if rule.guard
    }


def look_at(
    store: RolloutStore,
    rules: GuardRules,
    one: Watched,
    routes: Sequence[Route],
    share: Share | None,
    now: float,
) -> Judgement:
    """How the route stands now; `routes` are as they are now. Raises LedgerUnavailable."""
    percent = next(route.percent for route in routes if route.options.route == one.name)
    standing = at_rest(rules, share, percent, now)
    if standing is not None:
        return Judgement(standing=standing)
    return judge(rules, one, store.tallies(counts_from(rules, share, now), rules.slow, _SAMPLE))


def in_words(judgement: Judgement, rules: GuardRules) -> str:
    """The figures, for a person."""
    more, margin = 100 * judgement.surely_more, 100 * rules.margin
    if judgement.standing is Standing.TOO_FEW:
        verdict = f"it takes {rules.minimum} of each"
    elif more > 0:
        verdict = f"at least {more:.1f} points more, the margin is {margin:g}"
    else:
        verdict = "no more beyond chance"
    return (
        f"{_told(judgement.mine)} of it were {_BAD[rules.metric]}, {_told(judgement.others)} of "
        f"the others: {verdict}"
    )


def _told(figures: Figures) -> str:
    return f"{figures.bad} of {figures.emails} emails ({figures.rate:.1%})"
