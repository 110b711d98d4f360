"""The stages together: who goes on, who waits, and what an earlier run had done already."""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.catalog import Account, Alarm, Plan, Target
from consumer.domain.errors import CatalogUnavailable, LedgerUnavailable
from consumer.domain.identity import notification_uid
from consumer.domain.notification import SendOptions
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record
from consumer.pipeline.deliver import Route
from consumer.pipeline.lock import LockRules, Progress
from consumer.pipeline.pipeline import NotYet, Prepared
from consumer.wire import encode_event
from tests.support.catalog import MemoryCatalog, whole_catalog
from tests.support.factories import make_email, make_event, make_notification
from tests.support.pipeline import EARLIER, OWNER, Bench

EVENT = make_event()
#: Of an alarm that the catalog does not know.
LOST = make_event(id="lost", alarm_id="alNew")
LATER = make_event(id="later", alarm_id="alNew", timestamp=EVENT.timestamp + 1)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.ledger.close()


def prepared(answer: Prepared | NotYet) -> Prepared:
    assert isinstance(answer, Prepared), answer
    return answer


def kinds(answer: Prepared | NotYet) -> list[Kind]:
    return [ending.kind for ending in prepared(answer).endings]


class TestGoingOn:
    def test_an_event_comes_out_with_its_emails(self, bench: Bench) -> None:
        answer = prepared(*bench.prepare(EVENT))
        (send,) = answer.sends
        assert send.notification == make_notification()
        assert send.email.message_id == make_email().message_id
        assert send.email.to == "oncall@example.com"
        assert send.attempt == 1
        assert send.options == SendOptions()
        assert (answer.known, answer.endings, answer.dead_letter) == ([], [], False)
        assert answer.locked.fence == 1

    def test_an_event_that_ended_is_a_duplicate_and_is_not_looked_up(self, bench: Bench) -> None:
        bench.earlier_event(EVENT)
        (answer,) = bench.prepare(EVENT)
        assert kinds(answer) == [Kind.DUPLICATE]
        assert prepared(answer).context is None
        assert bench.catalog.asked == []

    def test_an_event_on_its_way_is_a_duplicate(self, bench: Bench) -> None:
        (answer,) = bench.prepare(EVENT, on_their_way={EVENT.atom: frozenset({EVENT.id})})
        assert kinds(answer) == [Kind.DUPLICATE]

    def test_our_own_progress_is_newer_than_the_ledger(self, bench: Bench) -> None:
        fence = bench.hold(EVENT.atom, OWNER)
        later = Progress(fence=fence, last_state=State.OK, last_timestamp_ms=EVENT.timestamp + 1)
        (answer,) = bench.prepare(EVENT, progress={EVENT.atom: later})
        assert kinds(answer) == [Kind.STALE]

    def test_the_ends_of_the_plan_come_along(self, bench: Bench) -> None:
        listed = ["ntExAmPl02", "ntHook", "ntGone"]
        bench.catalog.put(
            Plan(id="npOnCall01", critical_state=listed), Target(id="ntHook", type="webhook")
        )
        (answer,) = bench.prepare(EVENT)
        assert [send.notification.target_id for send in prepared(answer).sends] == ["ntExAmPl02"]
        assert kinds(answer) == [Kind.FAILED, Kind.FAILED]

    def test_an_event_without_recipients_is_no_dead_letter(self, bench: Bench) -> None:
        bench.catalog.put(Plan(id="npOnCall01"))
        (answer,) = bench.prepare(EVENT)
        assert kinds(answer) == [Kind.NO_RECIPIENTS]
        assert not prepared(answer).dead_letter

    def test_the_mail_tells_the_state_that_we_remember(self, bench: Bench) -> None:
        bench.earlier_event(make_event(id="e0", state=State.WARNING, timestamp=1_392_138_000_000))
        (answer,) = bench.prepare(msgspec.structs.replace(EVENT, previous_state=None))
        assert "CRITICAL (was WARNING)" in prepared(answer).sends[0].email.text

    def test_the_mails_of_an_alarm_are_one_thread(self, bench: Bench) -> None:
        bench.earlier_event(
            make_event(id="e0", state=State.OK, timestamp=1_392_138_000_000), "root"
        )
        (answer,) = bench.prepare(EVENT)
        root = notification_uid("root", "ntExAmPl02", "email", "oncall@example.com")
        headers = dict(prepared(answer).sends[0].email.headers)
        assert headers["In-Reply-To"] == f"<{root}@alerts.example.com>"

    def test_routes_and_rules_reach_their_stages(self) -> None:
        catalog = whole_catalog(Plan(id="npOnCall01", warning_state=["ntExAmPl02"]))
        smtp = SendOptions(transport="smtp")
        bench = Bench(
            catalog,
            lock=LockRules(unknown_as=State.WARNING),
            routes=[Route(options=smtp, states=frozenset({State.UNKNOWN}))],
        )
        answer = prepared(*bench.prepare(make_event(state=State.UNKNOWN)))
        assert [send.options for send in answer.sends] == [smtp]
        bench.ledger.close()

    def test_nothing_in_nothing_out(self, bench: Bench) -> None:
        assert bench.prepare() == []

    def test_a_template_that_fails_is_counted_and_stops_nothing(self, tmp_path: Path) -> None:
        bench = Bench(templates=tmp_path)
        bench.catalog.put(Account(id="acT3stAcct", external_id="487000", template="gone"))
        assert prepared(*bench.prepare(EVENT)).sends
        assert bench.metrics.registry.get_sample_value("messenger_template_errors_total") == 1
        bench.ledger.close()


class TestWaiting:
    def test_all_later_events_of_the_atom_wait_and_the_others_go(self, bench: Bench) -> None:
        waits, other, behind = bench.prepare(LOST, EVENT, LATER)
        assert waits == NotYet("alarm alNew of tenant 487000: not in the catalog, no snapshot")
        assert behind == NotYet("an earlier event of this alarm waits")
        assert prepared(other).sends

    def test_what_would_end_at_once_waits_behind_as_well(self, bench: Bench) -> None:
        _, duplicate, stale = bench.prepare(
            LOST, LOST, msgspec.structs.replace(LATER, timestamp=LOST.timestamp - 1)
        )
        assert isinstance(duplicate, NotYet)
        assert isinstance(stale, NotYet)

    def test_what_came_before_does_not_wait(self, bench: Bench) -> None:
        """An UNKNOWN that is ignored needs no lookup."""
        first = make_event(id="first", alarm_id="alNew", state=State.UNKNOWN, timestamp=1)
        before, waits = bench.prepare(first, LOST)
        assert kinds(before) == [Kind.IGNORED]
        assert isinstance(waits, NotYet)

    def test_an_atom_of_another_consumer_makes_its_events_wait(self, bench: Bench) -> None:
        bench.hold(EVENT.atom)
        answers = bench.prepare(EVENT, msgspec.structs.replace(EVENT, id="e2"))
        assert answers == [NotYet(f"{EARLIER} works on this alarm")] * 2
        assert bench.catalog.asked == []

    def test_when_the_catalog_knows_it_all_go_in_their_order(self, bench: Bench) -> None:
        bench.prepare(LOST, LATER)
        bench.catalog.put(Alarm(id="alNew", notification_plan_id="npOnCall01"))
        answers = [prepared(answer) for answer in bench.prepare(LOST, LATER, waited=1)]
        assert [answer.locked.event.id for answer in answers] == ["lost", "later"]
        assert all(answer.sends for answer in answers)


class TestPatience:
    def test_it_lasts_as_long_as_set(self) -> None:
        bench = Bench(lookup_patience_seconds=3.0)
        assert isinstance(bench.prepare(LOST, waited=2.9)[0], NotYet)
        assert kinds(bench.prepare(LOST, waited=3.0)[0]) == [Kind.LOOKUP_FAILED]
        bench.ledger.close()

    def test_after_it_the_event_is_a_dead_letter_and_the_next_one_has_its_turn(
        self, bench: Bench
    ) -> None:
        first, second = bench.prepare(LOST, LATER, waited=10.0)
        assert isinstance(second, NotYet)
        (second,) = bench.prepare(LATER, waited=10.0)
        answer = prepared(first)
        (ending,) = answer.endings
        assert (ending.kind, ending.reason) == (Kind.LOOKUP_FAILED, Reason.NOT_IN_CATALOG)
        assert "alarm alNew" in ending.message
        assert answer.dead_letter
        assert not answer.sends
        assert kinds(second) == [Kind.LOOKUP_FAILED]

    def test_it_does_not_run_out_while_the_catalog_is_degraded(self, bench: Bench) -> None:
        """A broken dependency never drops a record, however long it is broken."""
        bench.catalog.degraded = True
        assert isinstance(bench.prepare(LOST, waited=86_400.0)[0], NotYet)

    def test_what_follows_a_dead_letter_is_decided_anew(self, bench: Bench) -> None:
        """Its copy in the same batch must not end as a duplicate: nobody was told."""
        first, copy = bench.prepare(LOST, LOST, waited=86_400.0)
        assert isinstance(first, Prepared)
        assert first.dead_letter
        assert isinstance(copy, NotYet)


class TestDependenciesAway:
    def test_without_the_ledger_nothing_is_done(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: object) -> NoReturn:
            raise LedgerUnavailable("the ledger does not answer")

        monkeypatch.setattr(bench.ledger, "claim", away)
        with pytest.raises(LedgerUnavailable):
            bench.prepare(EVENT)
        assert bench.catalog.asked == []
        monkeypatch.undo()
        assert prepared(*bench.prepare(EVENT)).sends

    def test_without_the_catalog_nothing_has_happened(self, bench: Bench) -> None:
        bench.catalog.away = True
        with pytest.raises(CatalogUnavailable):
            bench.prepare(EVENT)
        counts = bench.ledger.counts()
        assert (counts["events"], counts["deliveries"]) == (0, 0)
        bench.catalog.away = False
        answer = prepared(*bench.prepare(EVENT))
        assert answer.locked.progress.last_event_id == EVENT.id
        assert [send.attempt for send in answer.sends] == [1]


class TestReceive:
    def test_broken_records_say_why_and_are_counted(self, bench: Bench) -> None:
        good = Record("alarm-events", 0, 1, None, encode_event(EVENT))
        bad = Record("alarm-events", 0, 2, None, b"{")
        first, second = bench.pipeline.receive([good, bad])
        assert first.events == (EVENT,)
        assert second.invalid is not None
        assert second.invalid.reason is Reason.NOT_JSON
        assert bench.count("receive", "passed") == bench.count("receive", "failed") == 1


def test_every_stage_counts_what_became_of_its_events(bench: Bench) -> None:
    held = make_event(id="held", alarm_id="alHeld")
    bench.hold(held.atom)
    bench.catalog.put(Alarm(id="alMute", disabled=True))
    mute = make_event(id="mute", alarm_id="alMute")
    bench.prepare(EVENT, EVENT, held, LOST, mute)
    assert bench.count("lock", "passed") == 3
    assert bench.count("lock", "ended") == 1
    assert bench.count("lock", "held") == 1
    assert bench.count("lookup", "passed") == 2
    assert bench.count("lookup", "held") == 1
    assert bench.count("plan", "passed") == 1
    assert bench.count("plan", "ended") == 1
    assert bench.count("create_email", "passed") == 1


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    """For events that are prepared and never finished: the ledger stays as it is."""
    made = Bench(MemoryCatalog(Alarm(id="al1"), Alarm(id="al2"), Alarm(id="al3")))
    yield made
    made.ledger.close()


SNAPSHOTS = {"entity": {"label": "e"}, "check": {"label": "c"}}


@given(
    st.lists(
        st.builds(
            make_event,
            id=st.integers(0, 20).map(str),
            alarm_id=st.sampled_from(["al1", "al2", "al3"]),
            timestamp=st.integers(EVENT.timestamp, EVENT.timestamp + 5),
            state=st.sampled_from(State),
            # What has no snapshot has to wait.
            entity=st.sampled_from([SNAPSHOTS["entity"], None]),
            check=st.just(SNAPSHOTS["check"]),
        ),
        max_size=20,
    )
)
def test_no_event_overtakes_one_of_its_alarm_that_waits(
    shared: Bench, events: list[AlarmEvent]
) -> None:
    answers = shared.prepare(*events)
    assert len(answers) == len(events)
    waiting: set[str] = set()
    for event, answer in zip(events, answers, strict=True):
        if isinstance(answer, NotYet):
            waiting.add(event.atom)
        else:
            assert event.atom not in waiting
            assert answer.locked.event is event
            assert answer.sends or answer.known or answer.endings, "nothing is silent"
