"""The poller: what it reads, that its place follows, and that nothing stops it for good."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from consumer.domain.errors import BrokerUnavailable, LookupUnavailable
from consumer.domain.feedback import EventsPage
from consumer.domain.reasons import Kind
from consumer.feedback.poller import Poller
from consumer.feedback.windows import PollRules
from tests.support.feedback import Rig
from tests.support.kafka import until
from tests.support.reports import document

FEED = "mailgun:alerts.example.com"
RULES = PollRules(interval=60.0, overlap=300.0, settle=1_800.0)


class Provider:
    """Events in pages of two, as far as they are to be seen."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._events: list[tuple[float, dict[str, Any]]] = []
        self.asked: list[tuple[float, float, str | None]] = []
        self.refuse: Callable[[int], Exception | None] = lambda _: None
        self.wait = 0.0
        self.closed = False

    def happens(self, event: str, ago: float = 0.0, seen_after: float = 0.0) -> None:
        at = self._rig.clock.now() - ago
        made = document(event, id=f"id-{len(self._events)}", timestamp=at)
        self._events.append((at + seen_after, made))

    def page(self, begin: float, end: float, after: str | None = None) -> EventsPage:
        self.asked.append((begin, end, after))
        if (error := self.refuse(len(self.asked))) is not None:
            raise error
        now = self._rig.clock.now()
        found = [e for seen, e in self._events if seen <= now and begin <= e["timestamp"] <= end]
        found.sort(key=lambda e: float(e["timestamp"]))
        start = int(after or 0)
        items = found[start : start + 2]
        return EventsPage(items=items, after=str(start + 2) if items else None)

    def opens_in(self) -> float:
        return self.wait

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def provider(rig: Rig) -> Provider:
    rig.send()
    return Provider(rig)


def poller(rig: Rig, provider: Provider, owner: str = "one", **more: Any) -> Poller:
    return Poller(
        feed=FEED,
        owner=owner,
        events=provider,
        store=rig.ledger.feedback,
        recorder=rig.another(owner),
        clock=rig.clock,
        **({"rules": RULES} | more),
    )


def kinds(rig: Rig) -> Sequence[Kind]:
    return [record.kind for record in rig.sink.tracked]


def place(rig: Rig) -> float | None:
    return rig.ledger.feedback.place(FEED)


def test_all_pages_are_read_and_each_report_is_told_once(rig: Rig, provider: Provider) -> None:
    for event in ("accepted", "delivered", "opened", "clicked", "complained"):
        provider.happens(event, ago=10)
    polled = poller(rig, provider)
    assert [polled.step() for _ in range(3)] == [60.0] * 3
    assert kinds(rig) == [Kind.DELIVERED, Kind.OPENED, Kind.CLICKED, Kind.COMPLAINED]


def test_what_a_webhook_told_is_not_told_again(rig: Rig, provider: Provider) -> None:
    provider.happens("delivered")
    rig.heard(document(id="id-0", timestamp=rig.clock.now()))
    poller(rig, provider).step()
    assert kinds(rig) == [Kind.DELIVERED]


def test_what_comes_to_light_late_is_read_when_it_has_settled(rig: Rig, provider: Provider) -> None:
    """Its time is long past by then: reading on from the newest would never see it."""
    polled = poller(rig, provider)
    provider.happens("rejected", seen_after=1_500)
    for _ in range(40):
        polled.step()
        rig.clock.advance(60)
    assert kinds(rig) == [Kind.REJECTED]


def test_each_event_is_asked_for_a_few_times_and_not_for_half_an_hour(
    rig: Rig, provider: Provider
) -> None:
    """Fresh, with the overlap, and settled: what it costs is bounded by that."""
    polled = poller(rig, provider)
    polled.step()
    moment = rig.clock.now() + 30
    del provider.asked[:]
    for _ in range(60):
        rig.clock.advance(60)
        polled.step()
    covered = [1 for begin, end, after in provider.asked if begin <= moment <= end and not after]
    assert 6 <= len(covered) <= 9


def test_the_place_follows_what_has_settled_page_by_page(rig: Rig, provider: Provider) -> None:
    began = rig.clock.now()
    for ago in (7_000, 6_000, 5_000, 4_000):
        provider.happens("opened", ago=ago)
    provider.refuse = lambda n: LookupUnavailable("away") if n == 2 else None
    polled = poller(rig, provider)
    polled.step()
    assert place(rig) == began - 6_000
    provider.refuse = lambda _: None
    polled.step()
    assert place(rig) == began - 1_800
    assert len(rig.sink.tracked) == 4


def test_the_next_process_goes_on_from_the_place(rig: Rig, provider: Provider) -> None:
    poller(rig, provider).step()
    rig.ledger.feedback.leave_turn(FEED, "one")
    rig.clock.advance(86_400 * 3)
    provider.happens("delivered", ago=86_400 * 2)
    poller(rig, provider, "two").step()
    assert kinds(rig) == [Kind.DELIVERED]


def test_only_one_of_two_processes_reads(rig: Rig, provider: Provider) -> None:
    one, two = poller(rig, provider, "one"), poller(rig, provider, "two")
    one.step()
    asked = len(provider.asked)
    assert two.step() == 60.0
    assert len(provider.asked) == asked


def test_who_lost_the_turn_in_between_stops_and_moves_nothing(rig: Rig, provider: Provider) -> None:
    provider.happens("opened", ago=5_000)

    def taken_over(_n: int) -> None:
        rig.ledger.feedback.leave_turn(FEED, "one")
        rig.ledger.feedback.take_turn(FEED, "two", 60.0)

    provider.refuse = taken_over
    poller(rig, provider).step()
    assert (len(provider.asked), place(rig)) == (1, None)


def test_a_provider_that_refuses_is_asked_more_and_more_seldom(
    rig: Rig, provider: Provider
) -> None:
    states: list[bool] = []
    polled = poller(rig, provider, on_state=lambda ok, _why: states.append(ok))
    provider.refuse = lambda _: LookupUnavailable("HTTP 403")
    assert [polled.step() for _ in range(6)] == [15.0, 30.0, 60.0, 120.0, 240.0, 300.0]
    provider.refuse = lambda _: None
    assert polled.step() == 60.0
    assert states == [False] * 6 + [True, True]


def test_a_provider_that_says_how_long_to_wait_is_left_alone(rig: Rig, provider: Provider) -> None:
    provider.wait = 400.0
    assert poller(rig, provider).step() == 400.0
    assert not provider.asked


def test_what_could_not_be_stored_is_read_again(rig: Rig, provider: Provider) -> None:
    provider.happens("delivered", ago=5_000)
    rig.sink.refuse = lambda _: BrokerUnavailable("away")
    polled = poller(rig, provider)
    polled.step()
    assert place(rig) is None
    rig.sink.refuse = lambda _: None
    polled.step()
    assert kinds(rig) == [Kind.DELIVERED]


def test_a_feed_that_leads_in_a_circle_ends(rig: Rig, provider: Provider) -> None:
    def page(begin: float, end: float, after: str | None = None) -> EventsPage:
        return EventsPage(items=[document()], after="again")

    provider.page = page  # type: ignore[method-assign]  # one of the provider's defects
    assert poller(rig, provider).step() == 60.0


def test_it_says_how_far_behind_it_is(rig: Rig, provider: Provider) -> None:
    behind: list[float] = []
    poller(rig, provider, on_place=behind.append).step()
    assert behind == [1_800.0]


def test_its_thread_ends_when_asked_and_leaves_the_turn(rig: Rig, provider: Provider) -> None:
    polled = poller(rig, provider)
    polled.start()
    until(lambda: place(rig) is not None, "the first round")
    polled.stop()
    assert provider.closed
    assert rig.ledger.feedback.take_turn(FEED, "two", 60.0)
