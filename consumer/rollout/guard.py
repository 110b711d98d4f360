"""Whether a route is worse than what its traffic would go back to. Pure.

Each email counts once, as good or bad, however often it was tried: tries of one email are no
independent witnesses. The two shares of bad emails are compared by Newcombe's interval for the
difference of two proportions, which is made of Wilson's interval for each: sound also for few
emails and for shares near 0. The route is worse when even the lower end of the interval is above
the margin.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from math import hypot, sqrt
from typing import Final

import msgspec

from consumer.domain.ledger import DeliveryState
from consumer.domain.rollout import Share, Tally

#: Standard deviations: 99.7 percent of the chance on both sides. Wide, because the guard looks
#: again every few seconds, and each look is one more chance of a false alarm.
_DEVIATIONS: Final = 3.0


class Metric(StrEnum):
    """What makes an email a bad one."""

    #: It was not accepted at its first attempt by its own transport: refused, put off, in doubt,
    #: or carried by the fallback.
    TROUBLE = "trouble"
    #: It was refused for good.
    FAILED = "failed"
    #: It was not accepted within some seconds of its first attempt.
    SLOW = "slow"


class GuardRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator chose. Times in seconds."""

    metric: Metric
    #: How much more of the route's emails may be bad, 0 to 1.
    margin: float
    #: With fewer emails on either side nothing is decided.
    minimum: int
    #: Older emails do not count.
    window: float
    #: After a share was set nothing is decided for so long.
    cool_down: float
    #: For the metric `slow`.
    slow: float


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A route under guard, and the rules below it that would take its emails."""

    name: str
    others: frozenset[str]
    #: By the name of the route, the transport that is its own.
    transports: Mapping[str, str]


class Figures(msgspec.Struct, frozen=True):
    """So many emails, and so many bad ones of them."""

    emails: int = 0
    bad: int = 0

    @property
    def rate(self) -> float:
        return self.bad / self.emails if self.emails else 0.0


class Standing(StrEnum):
    """How a route under guard stands."""

    #: It takes nobody: there is nothing to watch.
    OFF = "off"
    #: It was moved back, and waits for a person.
    TRIPPED = "tripped"
    #: Its share was set a short while ago.
    COOLING = "cooling down"
    #: Too few emails, of it or of the others.
    TOO_FEW = "too few emails"
    FINE = "fine"
    WORSE = "worse"


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A standing, and the figures it was made of."""

    standing: Standing
    mine: Figures = Figures()
    others: Figures = Figures()

    @property
    def surely_more(self) -> float:
        """By how much more of the route's emails are bad than of the others', at the least."""
        return surely_more(self.mine, self.others)


def counts_from(rules: GuardRules, share: Share | None, now: float) -> float:
    """Emails first tried since then count: of the window, and only of the share that holds."""
    return max(now - rules.window, 0.0 if share is None else share.at)


def at_rest(rules: GuardRules, share: Share | None, percent: float, now: float) -> Standing | None:
    """The standing that needs no figures; None: look at them."""
    if share is not None and share.tripped:
        return Standing.TRIPPED
    if percent <= 0:
        return Standing.OFF
    if share is not None and now < share.at + rules.cool_down:
        return Standing.COOLING
    return None


def judge(rules: GuardRules, watched: Watched, tallies: Sequence[Tally]) -> Judgement:
    """How the route fares beside the others."""
    mine = _figures(rules, watched, tallies, {watched.name})
    others = _figures(rules, watched, tallies, watched.others)
    if min(mine.emails, others.emails) < rules.minimum:
        standing = Standing.TOO_FEW
    else:
        worse = surely_more(mine, others) > rules.margin
        standing = Standing.WORSE if worse else Standing.FINE
    return Judgement(standing=standing, mine=mine, others=others)


def surely_more(mine: Figures, others: Figures) -> float:
    """Lower end of Newcombe's interval for the difference of the two shares of bad emails."""
    down = mine.rate - _wilson(mine)[0]
    up = _wilson(others)[1] - others.rate
    return mine.rate - others.rate - hypot(down, up)


def _wilson(figures: Figures) -> tuple[float, float]:
    """The interval in which the true share lies; of no emails anything is possible."""
    n, p, z = figures.emails, figures.rate, _DEVIATIONS
    if not n:
        return 0.0, 1.0
    middle = p + z * z / (2 * n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def _figures(
    rules: GuardRules, watched: Watched, tallies: Sequence[Tally], names: Collection[str]
) -> Figures:
    of_names = [tally for tally in tallies if tally.route in names]
    return Figures(
        sum(tally.emails for tally in of_names),
        sum(tally.emails for tally in of_names if _is_bad(rules.metric, tally, watched.transports)),
    )


def _is_bad(metric: Metric, tally: Tally, transports: Mapping[str, str]) -> bool:
    if metric is Metric.FAILED:
        return tally.state is DeliveryState.FAILED
    if tally.state is not DeliveryState.ACCEPTED:
        return True
    if metric is Metric.SLOW:
        return tally.slow
    return tally.again or tally.transport != transports.get(tally.route)
