"""So many emails an hour to one recipient: in the pipeline, on a ledger in memory."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event as sql
from sqlalchemy.engine import Engine

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.catalog import Plan
from consumer.domain.ledger import DeliveryState
from consumer.domain.notification import Email
from consumer.domain.rate_limit import SUMMARY_TARGET, Owed, summary_event, summary_uid
from consumer.domain.reasons import Kind, Reason
from consumer.domain.suppression import SuppressedAddress, SuppressionList
from consumer.pipeline.limits import LimitRules
from consumer.pipeline.pipeline import Prepared
from consumer.pipeline.recipients import RecipientRules
from consumer.pipeline.resume import Known
from tests.support.catalog import whole_catalog
from tests.support.factories import make_event, make_notification
from tests.support.pipeline import DOMAIN, Bench

TENANT, ONCALL, OPS = "487000", "oncall@example.com", "ops@example.com"
PLAN = Plan(
    id="npOnCall01",
    critical_state=["ntExAmPl02"],
    warning_state=["ntExAmPl02"],
    ok_state=["ntExAmPl02"],
)
T0 = make_event().timestamp
MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench() -> Iterator[MakeBench]:
    made: list[Bench] = []

    def make(
        per_hour: int | None = 2, recipients: RecipientRules | None = None, **more: Any
    ) -> Bench:
        limits = LimitRules(per_hour=per_hour, **more)
        recipients = recipients or RecipientRules()
        made.append(Bench(whole_catalog(PLAN), limits=limits, recipients=recipients))
        return made[-1]

    yield make
    for bench in made:
        bench.ledger.close()


def warning(number: int, alarm: str | None = None, **changes: Any) -> AlarmEvent:
    values: dict[str, Any] = {
        "id": f"e{number}",
        "alarm_id": alarm or f"al{number}",
        "alarm": {"label": f"Alarm {alarm or number}"},
        "state": State.WARNING,
        "timestamp": T0 + number,
    }
    return make_event(**(values | changes))


def prepared(bench: Bench, *events: AlarmEvent) -> list[Prepared]:
    answers = bench.prepare(*events)
    assert all(isinstance(each, Prepared) for each in answers)
    return [each for each in answers if isinstance(each, Prepared)]


def sent(answers: list[Prepared]) -> list[str]:
    return [answer.locked.event.id for answer in answers if answer.sends]


def due(bench: Bench) -> Owed:
    bench.clock.advance(900)
    (owed,) = bench.ledger.limits.claim_due(9, 60, bench.clock.now())
    return owed


def summary(bench: Bench, owed: Owed | None = None) -> Email:
    """The email of the summary that is due."""
    event = summary_event(owed or due(bench), int(bench.clock.now() * 1000))
    (answer,) = prepared(bench, event)
    (send,) = answer.sends
    return send.email


class TestHoldingBack:
    def test_without_a_limit_nobody_is_counted(self, make_bench: MakeBench) -> None:
        bench = make_bench(per_hour=None)
        assert len(sent(prepared(bench, *map(warning, range(9))))) == 9

    def test_the_first_go_and_of_the_others_it_is_said_who_tells_of_them(
        self, make_bench: MakeBench
    ) -> None:
        answers = prepared(make_bench(), *map(warning, range(4)))
        assert sent(answers) == ["e0", "e1"]
        (ending,) = answers[2].endings
        assert (ending.kind, ending.reason) == (Kind.RATE_LIMITED, Reason.RATE_LIMITED)
        assert ending.destination == ONCALL
        assert ending.summary_uid == answers[3].endings[0].summary_uid
        assert str(ending.summary_uid) in ending.message

    def test_a_problem_that_begins_is_told_at_once(self, make_bench: MakeBench) -> None:
        events = [warning(n, state=State.CRITICAL) for n in range(4)]
        assert len(sent(prepared(make_bench(), *events))) == 4

    def test_which_states_may_be_held_back_is_the_operators_choice(
        self, make_bench: MakeBench
    ) -> None:
        bench = make_bench(per_hour=1, states=frozenset({State.CRITICAL}))
        events = [warning(n, state=State.CRITICAL) for n in range(3)]
        assert sent(prepared(bench, *events, warning(3))) == ["e0", "e3"]

    def test_a_tenant_may_have_a_limit_of_its_own_or_none(self, make_bench: MakeBench) -> None:
        some = [warning(n) for n in range(4)]
        assert len(sent(prepared(make_bench(tenants={TENANT: 3}), *some))) == 3
        assert len(sent(prepared(make_bench(tenants={TENANT: 0}), *some))) == 4
        assert len(sent(prepared(make_bench(per_hour=None, tenants={TENANT: 1}), *some))) == 1

    def test_a_test_event_is_sent_whatever_the_number(self, make_bench: MakeBench) -> None:
        bench = make_bench(per_hour=1)
        prepared(bench, warning(0))
        assert sent(prepared(bench, warning(1, test=True))) == ["e1"]

    def test_an_event_that_is_read_again_counts_once(self, make_bench: MakeBench) -> None:
        bench = make_bench()
        for _ in range(3):
            answers = prepared(bench, warning(0), warning(1), warning(2))
            assert sent(answers) == ["e0", "e1"]

    def test_what_an_earlier_run_began_goes_its_way(self, make_bench: MakeBench) -> None:
        bench = make_bench(per_hour=1)
        prepared(bench, warning(0))
        begun = make_notification(event=warning(1), uid=_uid(bench, warning(1)))
        bench.earlier_run(DeliveryState.ACCEPTED, notification=begun)
        (answer,) = prepared(bench, warning(1))
        assert answer.endings == []
        assert [type(each) for each in answer.known] == [Known]

    def test_a_batch_is_one_transaction_however_many_emails_it_has(
        self, make_bench: MakeBench
    ) -> None:
        few, many = make_bench(), make_bench()
        assert _commits(few, [warning(0)]) == _commits(many, [warning(n) for n in range(50)])


def _uid(bench: Bench, event: AlarmEvent) -> str:
    """The uid that a plan gives it, looked at in a pipeline without limits."""
    other = Bench(whole_catalog(PLAN))
    try:
        ((send,),) = (answer.sends for answer in prepared(other, event))
        return send.notification.uid
    finally:
        other.ledger.close()


def _commits(bench: Bench, events: list[AlarmEvent]) -> int:
    count = 0

    def counted(_connection: object) -> None:
        nonlocal count
        count += 1

    sql.listen(Engine, "commit", counted)
    try:
        prepared(bench, *events)
    finally:
        sql.remove(Engine, "commit", counted)
    return count


class TestSummary:
    def test_it_lists_what_was_held_back_the_worst_alarm_first(self, make_bench: MakeBench) -> None:
        bench = make_bench(per_hour=1)
        prepared(
            bench,
            warning(0),
            warning(1, "a", status="slow <b>"),
            warning(2, "b", state=State.OK, previous_state=State.WARNING),
            warning(3, "a", status="slower"),
        )
        email = summary(bench)
        assert email.to == ONCALL
        assert email.subject == (
            "** Summary: 3 notifications held back, 2 alarms: 1 WARNING, 1 OK **"
        )
        assert email.text.index("Alarm a") < email.text.index("Alarm b")
        assert email.text.index("slower") < email.text.index("slow <b>")
        assert "slow &lt;b&gt;" in email.html
        assert email.tags == ("summary",)
        assert "More than 1 mails an hour" in " ".join(email.text.split())

    def test_it_has_the_identity_that_was_said(self, make_bench: MakeBench) -> None:
        bench = make_bench(per_hour=1)
        held = prepared(bench, warning(0), warning(1))[1].endings[0]
        owed = due(bench)
        email = summary(bench, owed)
        assert email.uid == held.summary_uid == summary_uid(owed.id, ONCALL)
        # Made again after a crash it is the same email.
        assert summary(bench, owed).message_id == email.message_id

    def test_it_never_tells_an_older_state_than_an_email_before_it(
        self, make_bench: MakeBench
    ) -> None:
        """In one batch even: the email is on its way when the summary is made."""
        bench = make_bench(per_hour=1)
        prepared(bench, warning(0), warning(1, "a"))
        owed = due(bench)
        event = summary_event(owed, int(bench.clock.now() * 1000))
        answers = prepared(bench, event, warning(2, "a", state=State.CRITICAL))
        (told,) = answers[0].sends
        assert "CRITICAL: " in told.email.text
        assert answers[1].sends

    def test_an_event_that_nobody_is_owed_anything_for_sends_nothing(
        self, make_bench: MakeBench
    ) -> None:
        bench = make_bench()
        forged = summary_event(Owed(id="summary-x", tenant_id=TENANT, destination=OPS), T0)
        (answer,) = prepared(bench, forged)
        assert not answer.sends
        assert [each.reason for each in answer.endings] == [Reason.NOTHING_HELD_BACK]

    def test_nor_does_another_tenants(self, make_bench: MakeBench) -> None:
        bench = make_bench(per_hour=1)
        prepared(bench, warning(0), warning(1))
        owed = due(bench)
        forged = summary_event(Owed(id=owed.id, tenant_id="1", destination=ONCALL), T0)
        (answer,) = prepared(bench, forged)
        assert not answer.sends

    def test_it_is_sent_though_the_limit_was_taken_away(self, make_bench: MakeBench) -> None:
        bench = make_bench(per_hour=1)
        prepared(bench, warning(0), warning(1))
        # As by a restart.
        bench.pipeline._recipients._limits._rules = LimitRules()  # type: ignore[union-attr]  # the bench has limits
        assert "Too many mails an hour" in " ".join(summary(bench).text.split())

    def test_of_an_address_that_is_not_written_to_the_fallback_contact_gets_it(
        self, make_bench: MakeBench
    ) -> None:
        others = RecipientRules(on_bounce="fallback_contact", fallback_contact=OPS)
        bench = make_bench(per_hour=1, recipients=others)
        prepared(bench, warning(0), warning(1, "a"))
        gone = SuppressedAddress(list=SuppressionList.BOUNCES, address=ONCALL)
        bench.ledger.suppressions.keep(DOMAIN, [gone])
        email = summary(bench)
        assert email.to == OPS
        assert "Alarm a" in email.text
        assert f"{ONCALL} could not be reached" in email.text

    def test_a_long_storm_is_told_in_one_mail_that_can_be_read(self, make_bench: MakeBench) -> None:
        bench = make_bench(per_hour=1)
        for start in range(0, 700, 100):
            prepared(bench, *(warning(n, f"a{n % 200}") for n in range(start, start + 100)))
        email = summary(bench)
        assert "699 notifications held back, 200 alarms: 200 WARNING" in email.subject
        assert "more that are not listed here" in email.text
        assert email.size < 200_000

    def test_of_more_alarms_than_it_can_list_it_says_no_state(self, make_bench: MakeBench) -> None:
        bench = make_bench(per_hour=1)
        for start in range(0, 301, 100):
            prepared(bench, *(warning(n, f"a{n}") for n in range(start, start + 100)))
        assert "399 alarms: 250 WARNING, 149 more" in summary(bench).subject

    def test_its_notification_is_no_plans(self, make_bench: MakeBench) -> None:
        bench = make_bench(per_hour=1)
        prepared(bench, warning(0), warning(1))
        (answer,) = prepared(bench, summary_event(due(bench), T0))
        (send,) = answer.sends
        assert send.notification.target_id == SUMMARY_TARGET
        assert send.notification.plan_id is None
        assert answer.context is not None
        assert not answer.context.degraded
        assert not answer.locked.advances
