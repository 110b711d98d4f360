"""Who is written to, who is not, and who is told instead."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pytest

from consumer.domain.catalog import Plan, Target
from consumer.domain.follow_up import (
    FALLBACK_CONTACT,
    Unreached,
    attributes_of,
    follow_up_id,
    stands_alone,
)
from consumer.domain.ledger import DeliveryState
from consumer.domain.reasons import Kind, Reason
from consumer.domain.suppression import SuppressedAddress, SuppressionList
from consumer.pipeline.pipeline import Prepared
from consumer.pipeline.recipients import OnBounce, RecipientRules, Recipients
from tests.support.catalog import whole_catalog
from tests.support.factories import make_context, make_event, make_notification
from tests.support.pipeline import DOMAIN, Bench

ONCALL, SECOND, OPS = "oncall@example.com", "second@example.com", "ops@example.com"
EVENT = make_event()
PLAN = Plan(id="npOnCall01", critical_state=["ntExAmPl02"], warning_state=["ntSecond"])
TARGETS = (Target(id="ntSecond", type="email", details={"address": SECOND}),)


@pytest.fixture
def benches() -> Iterator[list[Bench]]:
    made: list[Bench] = []
    yield made
    for bench in made:
        bench.ledger.close()


def make_bench(benches: list[Bench], on_bounce: OnBounce = "none", contact: str = OPS) -> Bench:
    rules = RecipientRules(on_bounce=on_bounce, fallback_contact=contact)
    benches.append(Bench(whole_catalog(PLAN, *TARGETS), recipients=rules))
    return benches[-1]


def suppress(bench: Bench, *addresses: str) -> None:
    entries = [
        SuppressedAddress(
            list=SuppressionList.BOUNCES,
            address=each,
            since=1_765_417_780.0,
            why="550 No such user",
        )
        for each in addresses
    ]
    bench.ledger.suppressions.keep(DOMAIN, entries)


def follow_up(address: str = ONCALL, event_id: str = EVENT.id, **changes: Any) -> Any:
    unreached = Unreached(address=address, why="550 5.1.1 No such user", event_id=event_id)
    values = {
        "id": follow_up_id(event_id, address),
        "attributes": attributes_of(unreached),
        "previous_state": None,
        "timestamp": EVENT.timestamp + 60_000,
    }
    return make_event(**(values | changes))


def prepared(bench: Bench, event: Any = EVENT) -> Prepared:
    (answer,) = bench.prepare(event)
    assert isinstance(answer, Prepared)
    return answer


def addresses(answer: Prepared) -> list[str]:
    return [send.email.to for send in answer.sends]


class TestSuppressed:
    def test_an_address_on_a_list_gets_no_email_and_the_record_says_since_when_and_why(
        self, benches: list[Bench]
    ) -> None:
        bench = make_bench(benches)
        suppress(bench, "OnCall@example.com")
        answer = prepared(bench)
        (ending,) = answer.endings
        assert not answer.sends
        assert (ending.kind, ending.reason) == (Kind.SUPPRESSED, Reason.SUPPRESSED_RECIPIENT)
        assert ending.message == (
            "oncall@example.com is on Mailgun's list of bounces since 2025-12-11 01:49 UTC: "
            "550 No such user"
        )
        assert (ending.target_id, ending.destination) == ("ntExAmPl02", ONCALL)

    def test_a_batch_costs_one_question(self, benches: list[Bench]) -> None:
        asked: list[set[str]] = []

        def find(wanted: Collection[str]) -> Mapping[str, SuppressedAddress]:
            asked.append(set(wanted))
            return {}

        recipients = Recipients(make_bench(benches).ledger, RecipientRules(), find)
        events = {n: (make_event(id=f"e{n}"), make_context()) for n in range(5)}
        assert [len(each.notifications) for each in recipients.plan(events, {}).values()] == [1] * 5
        assert asked == [{ONCALL}]

    def test_what_an_earlier_run_began_goes_its_way(self, benches: list[Bench]) -> None:
        """It may be out already: it is looked up, or told, as if the list were not there."""
        bench = make_bench(benches)
        bench.earlier_run(DeliveryState.SENDING)
        suppress(bench, ONCALL)
        answer = prepared(bench)
        assert addresses(answer) == [ONCALL]
        assert answer.sends[0].doubt is not None
        assert not answer.endings

    def test_what_only_waited_for_its_next_attempt_is_not_sent(self, benches: list[Bench]) -> None:
        bench = make_bench(benches)
        bench.earlier_run(DeliveryState.DEFERRED)
        suppress(bench, ONCALL)
        assert not prepared(bench).sends

    def test_others_are_told_instead_at_once(self, benches: list[Bench]) -> None:
        bench = make_bench(benches, "plan")
        suppress(bench, ONCALL)
        answer = prepared(bench)
        assert addresses(answer) == [SECOND]
        assert "oncall@example.com could not be reached" in answer.sends[0].email.text
        assert [ending.reason for ending in answer.endings] == [Reason.SUPPRESSED_RECIPIENT]

    def test_the_fallback_contact_where_the_others_are_suppressed_too(
        self, benches: list[Bench]
    ) -> None:
        bench = make_bench(benches, "plan")
        suppress(bench, ONCALL, SECOND)
        answer = prepared(bench)
        assert addresses(answer) == [OPS]
        assert [ending.destination for ending in answer.endings] == [ONCALL, SECOND]


class TestFollowUps:
    def test_it_neither_waits_for_a_state_nor_makes_one(self, benches: list[Bench]) -> None:
        """The alarm is OK again, and later than the follow-up."""
        bench = make_bench(benches, "fallback_contact")
        bench.earlier_event(make_event(id="later", state="OK", timestamp=EVENT.timestamp + 90_000))
        answer = prepared(bench, follow_up())
        assert stands_alone(follow_up())
        assert addresses(answer) == [OPS]
        assert not answer.locked.advances
        assert not answer.locked.gap

    def test_told_once_it_is_a_duplicate(self, benches: list[Bench]) -> None:
        bench = make_bench(benches, "fallback_contact")
        bench.earlier_event(follow_up())
        (ending,) = prepared(bench, follow_up()).endings
        assert ending.kind is Kind.DUPLICATE

    def test_the_email_says_who_was_not_reached_and_why(self, benches: list[Bench]) -> None:
        bench = make_bench(benches, "fallback_contact")
        (send,) = prepared(bench, follow_up()).sends
        assert send.notification.target_id == FALLBACK_CONTACT
        assert send.email.subject.startswith("[Not reached: oncall@example.com] ** CRITICAL: ")
        for body in (send.email.text, send.email.html):
            assert "oncall@example.com could not be reached" in " ".join(body.split())
            assert "550 5.1.1 No such user" in " ".join(body.split())
            assert "messenger.unreached" not in body

    def test_the_plans_other_contacts_are_told_who_were_not_told_yet(
        self, benches: list[Bench]
    ) -> None:
        bench = make_bench(benches, "plan")
        bench.earlier_run(DeliveryState.ACCEPTED)
        assert addresses(prepared(bench, follow_up())) == [SECOND]

    def test_the_fallback_contact_where_all_of_the_plan_were_told(
        self, benches: list[Bench]
    ) -> None:
        bench = make_bench(benches, "plan")
        bench.earlier_run(DeliveryState.ACCEPTED)
        told = make_notification(uid="n2", target_id="ntSecond", destination=SECOND)
        bench.earlier_run(DeliveryState.ACCEPTED, notification=told)
        assert addresses(prepared(bench, follow_up())) == [OPS]

    def test_who_was_told_instead_is_followed_by_the_fallback_contact_alone(
        self, benches: list[Bench]
    ) -> None:
        bench = make_bench(benches, "plan")
        again = follow_up(SECOND, follow_up().id)
        assert addresses(prepared(bench, again)) == [OPS]

    @pytest.mark.parametrize(
        ("on_bounce", "contact", "address"),
        [("none", OPS, ONCALL), ("plan", "", SECOND), ("fallback_contact", OPS, OPS)],
    )
    def test_where_nobody_is_left_the_record_says_so(
        self, benches: list[Bench], on_bounce: OnBounce, contact: str, address: str
    ) -> None:
        bench = make_bench(benches, on_bounce, contact)
        bench.earlier_run(DeliveryState.ACCEPTED)
        answer = prepared(bench, follow_up(address))
        assert not answer.sends
        assert [(each.kind, each.reason) for each in answer.endings] == [
            (Kind.NO_RECIPIENTS, Reason.NOBODY_ELSE)
        ]

    def test_one_that_is_only_named_like_it_is_an_event_like_others(
        self, benches: list[Bench]
    ) -> None:
        bench = make_bench(benches, "fallback_contact")
        event = make_event(id="bounced-check", attributes={"messenger.unreached": ONCALL})
        assert addresses(prepared(bench, event)) == [ONCALL]
