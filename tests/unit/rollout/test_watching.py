"""What is under guard, and how its standing is told."""

from typing import Any

import pytest

from consumer.domain.notification import SendOptions
from consumer.domain.rollout import Share
from consumer.pipeline.deliver import Route
from consumer.rollout.guard import Figures, Judgement, Standing
from consumer.rollout.watching import in_words, look_at, watched
from consumer.settings import Settings
from tests.support.clock import ManualClock
from tests.unit.rollout.rig import NEW, RULES, WATCHED, MemoryStore, fared


def settings(*routes: dict[str, Any]) -> Settings:
    mailgun = {"domain": "a.example.com", "api_key": "k", "from_address": "a@a.example.com"}
    smtp = {"host": "127.0.0.1"}
    return Settings.model_validate({"mailgun": mailgun, "smtp": smtp, "routes": list(routes)})


def test_a_route_is_compared_with_the_rules_below_it_and_the_default() -> None:
    """There its traffic would go; a rule without a name is called by its number."""
    found = watched(
        settings(
            {"name": "testers", "tenants": ["1"]},
            {"name": NEW, "percent": 5, "guard": True},
            {"tenants": ["2"], "transport": "smtp"},
            {"name": "old", "transport": "smtp"},
        )
    )
    assert set(found) == {NEW}
    assert found[NEW].others == {"#3", "old", "default"}
    assert found[NEW].transports["old"] == found[NEW].transports["#3"] == "smtp"
    assert found[NEW].transports["default"] == "mailgun"


@pytest.mark.parametrize(
    ("standing", "mine", "others", "said"),
    [
        (Standing.WORSE, Figures(20, 20), Figures(400, 4), "at least 67.8 points more, the margin"),
        (Standing.FINE, Figures(50, 0), Figures(50, 0), "no more beyond chance"),
        (Standing.TOO_FEW, Figures(3, 3), Figures(50, 0), "it takes 20 of each"),
    ],
)
def test_figures_are_told_in_words(
    standing: Standing, mine: Figures, others: Figures, said: str
) -> None:
    judgement = Judgement(standing=standing, mine=mine, others=others)
    text = in_words(judgement, RULES)
    assert said in text
    assert f"{mine.bad} of {mine.emails} emails" in text


@pytest.mark.parametrize(
    ("percent", "share", "standing"),
    [
        (20.0, None, Standing.WORSE),
        (0.0, None, Standing.OFF),
        (0.0, Share(route=NEW, number=1, percent=0.0, tripped=True), Standing.TRIPPED),
    ],
)
def test_it_is_looked_at_as_its_share_is_now(
    percent: float, share: Share | None, standing: Standing
) -> None:
    clock = ManualClock()
    store = MemoryStore(clock)
    store.figures = fared(90, 100, 0, 100)
    routes = [Route(options=SendOptions(route=NEW), percent=percent)]
    assert look_at(store, RULES, WATCHED, routes, share, clock.now()).standing is standing
