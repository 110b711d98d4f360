"""Routes whose shares move while events come: new events go by them, begun ones as they began."""

from collections.abc import Iterator
from typing import Final

import msgspec
import pytest

from consumer.domain.ledger import DeliveryState
from consumer.domain.notification import SendOptions
from consumer.domain.rollout import Share
from consumer.pipeline.deliver import Route
from consumer.pipeline.pipeline import Prepared
from consumer.rollout.shares import LiveRoutes
from tests.support.factories import make_event
from tests.support.pipeline import Bench

EVENT: Final = make_event()
ROUTES: Final = (
    Route(options=SendOptions(route="new", tags=("new",)), percent=100.0),
    Route(options=SendOptions(route="old", transport="smtp")),
)


class Live(Bench):
    """A bench whose shares a test moves."""

    def __init__(self) -> None:
        live = LiveRoutes(ROUTES)
        super().__init__(live_routes=live)
        self.live = live

    def move(self, percent: float) -> None:
        self.live.take({"new": Share(route="new", number=1, percent=percent)})

    def answer(self) -> Prepared:
        (answer,) = self.prepare(EVENT)
        assert isinstance(answer, Prepared)
        return answer


@pytest.fixture
def bench() -> Iterator[Live]:
    made = Live()
    yield made
    made.ledger.close()


def test_a_new_event_goes_by_the_share_of_its_moment(bench: Live) -> None:
    assert bench.answer().route == "new"
    bench.move(0.0)
    answer = bench.answer()
    assert answer.route == "old"
    assert {send.options.transport for send in answer.sends} == {"smtp"}


@pytest.mark.parametrize("state", [DeliveryState.SENDING, DeliveryState.IN_DOUBT])
def test_what_is_in_doubt_keeps_its_route(bench: Live, state: DeliveryState) -> None:
    """It is looked up where it went, and sent again the same way if nothing is found."""
    bench.earlier_run(state, route="new")
    bench.move(0.0)
    answer = bench.answer()
    (send,) = answer.sends
    assert send.doubt is not None
    assert (send.options, answer.route) == (ROUTES[0].options, "new")


def test_what_was_surely_not_accepted_goes_by_the_share_of_the_moment(bench: Live) -> None:
    bench.earlier_run(DeliveryState.DEFERRED, route="new")
    bench.move(0.0)
    (send,) = bench.answer().sends
    assert (send.options.route, send.attempt, send.doubt) == ("old", 2, None)


def test_a_result_is_told_with_the_route_that_it_went_by(bench: Live) -> None:
    bench.earlier_run(DeliveryState.ACCEPTED, route="new")
    bench.move(0.0)
    answer = bench.answer()
    assert answer.known
    assert not answer.sends
    assert answer.route == "new"


def test_a_send_is_what_it_was_once_it_is_made(bench: Live) -> None:
    """What waits in its lane, or for its next attempt, has its options with it."""
    answer = bench.answer()
    bench.move(0.0)
    (send,) = answer.sends
    assert send.options == ROUTES[0].options
    with pytest.raises(AttributeError):
        send.options = SendOptions()  # type: ignore[misc]  # it is frozen
    assert msgspec.structs.replace(send).options.route == "new"
