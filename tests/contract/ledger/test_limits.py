"""What the ledger keeps of recipients: counted once, by all processes, and held back for later."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from consumer.adapters.ledger import SqlLedger
from consumer.adapters.ledger.limits import SqlLimits
from consumer.adapters.ledger.summaries import MOST_LISTED
from consumer.domain.alarm import State
from consumer.domain.ledger import ClaimRequest, Closing
from consumer.domain.rate_limit import WINDOW_SECONDS, Asked, Summary

NOW, AFTER, LONG = 1_765_417_780.0, 900.0, 3_600.0
ONCALL = "oncall@example.com"


def asked(uid: str, at_most: int | None = 2, **changes: Any) -> Asked:
    values: dict[str, Any] = {
        "uid": uid,
        "tenant_id": "487000",
        "destination": ONCALL,
        "atom": f"atom of {uid}",
        "event_id": f"event of {uid}",
        "state": State.WARNING,
        "timestamp_ms": 1_765_417_780_000,
        "at_most": at_most,
        "entity": "web-1",
        "check": "HTTP",
        "alarm": "slow",
        "status": 'It took "4 s" ☃',
    }
    return Asked(**(values | changes))


@pytest.fixture
def limits(ledger: SqlLedger) -> SqlLimits:
    return ledger.limits


def admit(limits: SqlLimits, *batch: Asked, now: float = NOW) -> list[str | None]:
    answers = limits.admit(batch, AFTER, now)
    return [answers[each.uid] for each in batch]


def held(limits: SqlLimits, *batch: Asked, now: float = NOW) -> str:
    """The summary that all of them are told in."""
    (summary_id,) = set(admit(limits, *batch, now=now))
    assert summary_id is not None
    return summary_id


def sealed(limits: SqlLimits, summary_id: str, now: float = NOW) -> Summary:
    return limits.seal([summary_id], now)[summary_id]


def close(ledger: SqlLedger, atom: str, event_id: str, state: State, at_ms: int) -> None:
    ledger.claim("one", [ClaimRequest(atom, ())], NOW)
    closing = Closing(
        event_id=event_id,
        atom=atom,
        outcome="accepted",
        timestamp_ms=at_ms,
        state=state,
        advances=True,
    )
    ledger.close_events([closing], NOW)


class TestCounting:
    def test_so_many_go_and_the_others_share_a_summary(self, limits: SqlLimits) -> None:
        first = admit(limits, asked("1"))
        rest = admit(limits, asked("2"), asked("3"), asked("4"))
        assert [*first, rest[0]] == [None, None]
        assert rest[1] == rest[2] != None  # noqa: E711  # one line says both

    def test_who_asks_again_gets_the_same_answer_and_counts_once(self, limits: SqlLimits) -> None:
        batch = [asked("1"), asked("2"), asked("3")]
        before = admit(limits, *batch)
        assert admit(limits, *batch) == before
        assert admit(limits, asked("3", at_most=9)) == before[2:]

    def test_an_hour_later_there_is_room_again(self, limits: SqlLimits) -> None:
        assert admit(limits, asked("1", 1), now=NOW) == [None]
        assert admit(limits, asked("2", 1), now=NOW + WINDOW_SECONDS + 1) == [None]

    def test_while_a_summary_is_open_nothing_overtakes_it(self, limits: SqlLimits) -> None:
        admit(limits, asked("1", 1))
        summary = held(limits, asked("2", 1))
        later = NOW + WINDOW_SECONDS + 1
        assert admit(limits, asked("3", 1), now=later) == [summary]

    def test_nor_while_it_is_on_its_way(self, ledger: SqlLedger, limits: SqlLimits) -> None:
        admit(limits, asked("1", 1))
        summary = held(limits, asked("2", 1))
        later = NOW + WINDOW_SECONDS + 1
        sealed(limits, summary, later)
        assert held(limits, asked("3", 1), now=later) != summary
        close(ledger, "its own atom", summary, State.UNKNOWN, 1)
        # The second summary is open now; another recipient shows that the first is out.
        assert admit(limits, asked("4", 1, destination="b@example.com"), now=later) == [None]

    def test_one_that_never_ended_does_not_hold_back_for_ever(self, limits: SqlLimits) -> None:
        admit(limits, asked("1", 1))
        sealed(limits, held(limits, asked("2", 1)))
        assert admit(limits, asked("3", 1), now=NOW + WINDOW_SECONDS + 1) == [None]

    def test_processes_that_ask_at_once_let_no_more_through(
        self, ledger: SqlLedger, open_another: Callable[[], SqlLedger]
    ) -> None:
        ledgers = [ledger, open_another(), open_another()]

        def ask(number: int) -> list[str | None]:
            batch = [asked(f"{number}/{n}", at_most=5) for n in range(4)]
            return admit(ledgers[number % 3].limits, *batch)

        with ThreadPoolExecutor(6) as threads:
            answers = [each for batch in threads.map(ask, range(6)) for each in batch]
        assert answers.count(None) == 5
        assert len(set(answers)) == 2  # None, and the one summary


class TestDue:
    def test_a_summary_is_due_after_its_time_and_for_one_alone(
        self, limits: SqlLimits, open_another: Callable[[], SqlLedger]
    ) -> None:
        admit(limits, asked("1", 1))
        summary = held(limits, asked("2", 1))
        assert not limits.claim_due(10, 60, NOW + AFTER - 1)
        (owed,) = limits.claim_due(10, 60, NOW + AFTER)
        assert (owed.id, owed.tenant_id, owed.destination) == (summary, "487000", ONCALL)
        assert not open_another().limits.claim_due(10, 60, NOW + AFTER)

    def test_one_whose_writer_died_comes_up_again(self, limits: SqlLimits) -> None:
        admit(limits, asked("1", 1))
        held(limits, asked("2", 1))
        limits.claim_due(10, 60, NOW + AFTER)
        assert limits.claim_due(10, 60, NOW + AFTER + 60)

    def test_one_that_was_written_comes_up_only_if_nobody_reads_it(self, limits: SqlLimits) -> None:
        admit(limits, asked("1", 1))
        summary = held(limits, asked("2", 1))
        limits.claim_due(10, 60, NOW + AFTER)
        limits.written([summary], LONG, NOW + AFTER)
        assert not limits.claim_due(10, 60, NOW + AFTER + 60)
        assert limits.claim_due(10, 60, NOW + AFTER + LONG)
        sealed(limits, summary)
        assert not limits.claim_due(10, 60, NOW + AFTER + 9 * LONG)

    def test_no_more_than_asked_for_and_the_longest_due_first(self, limits: SqlLimits) -> None:
        for n, name in enumerate("abc"):
            to = {"destination": f"{name}@example.com"}
            admit(limits, asked(f"{n}/1", 1, **to), asked(f"{n}/2", 1, **to), now=NOW + n)
        owed = limits.claim_due(2, 60, NOW + 2 * AFTER)
        assert [each.destination for each in owed] == ["a@example.com", "b@example.com"]


class TestSealing:
    def test_it_tells_all_that_was_held_back_newest_first(self, limits: SqlLimits) -> None:
        admit(limits, asked("1", 1))
        summary = held(limits, asked("2", 1), asked("3", 1, timestamp_ms=1_765_417_790_000))
        told = sealed(limits, summary)
        assert (told.total, [each.uid for each in told.held]) == (2, ["3", "2"])
        words = told.held[0]
        assert (words.entity, words.check, words.alarm) == ("web-1", "HTTP", "slow")
        assert words.status == 'It took "4 s" ☃'

    def test_it_may_be_read_again_and_nothing_more_joins_it(self, limits: SqlLimits) -> None:
        admit(limits, asked("1", 1))
        summary = held(limits, asked("2", 1))
        before = sealed(limits, summary)
        assert held(limits, asked("3", 1)) != summary
        assert sealed(limits, summary) == before

    def test_what_the_recipient_was_told_since_is_the_newest(self, limits: SqlLimits) -> None:
        admit(limits, asked("1", 1))
        summary = held(limits, asked("2", 1, atom="x"))
        critical = asked("3", None, atom="x", state=State.CRITICAL, timestamp_ms=1_765_417_999_000)
        assert admit(limits, critical) == [None]
        assert sealed(limits, summary).now["x"].state is State.CRITICAL

    def test_so_is_what_nobody_was_told(self, ledger: SqlLedger, limits: SqlLimits) -> None:
        admit(limits, asked("1", 1))
        summary = held(limits, asked("2", 1, atom="x"), asked("3", 1, atom="y"))
        close(ledger, "x", "e9", State.OK, 1_765_417_999_000)
        close(ledger, "y", "e8", State.OK, 1_765_410_000_000)
        now = sealed(limits, summary).now
        assert (now["x"].state, now["y"].state) == (State.OK, State.WARNING)

    def test_an_alarm_that_is_told_again_as_it_stood_stands_so_since_it_changed(
        self, ledger: SqlLedger, limits: SqlLimits
    ) -> None:
        """A source that repeats moves the alarm's time on, and not the change."""
        admit(limits, asked("1", 1))
        summary = held(limits, asked("2", 1, atom="x"))
        close(ledger, "x", "e9", State.WARNING, 1_765_417_999_000)
        told = sealed(limits, summary)
        assert told.now["x"].timestamp_ms == told.held[0].timestamp_ms

    def test_of_several_emails_since_the_last_counts(self, limits: SqlLimits) -> None:
        admit(limits, asked("1", 1))
        summary = held(limits, asked("2", 1, atom="x"))
        for n, state in enumerate((State.WARNING, State.OK)):
            newer = {"state": state, "timestamp_ms": 1_765_417_999_000 - 1_000 * n}
            admit(limits, asked(f"told {n}", None, atom="x", **newer))
        now = sealed(limits, summary).now["x"]
        assert (now.state, now.timestamp_ms) == (State.WARNING, 1_765_417_999_000)

    def test_another_recipients_email_says_nothing_of_it(self, limits: SqlLimits) -> None:
        admit(limits, asked("1", 1))
        summary = held(limits, asked("2", 1, atom="x"))
        late = {"atom": "x", "state": State.OK, "timestamp_ms": 1_765_417_999_000}
        admit(limits, asked("3", 1, destination="b@example.com", **late))
        assert sealed(limits, summary).now["x"].state is State.WARNING

    def test_of_more_than_are_listed_those_that_are_over_are_left_out(
        self, limits: SqlLimits
    ) -> None:
        """A long list of what is over again does not push out what is not."""
        admit(limits, asked("0", 1))
        later = {"state": State.OK, "timestamp_ms": 1_765_417_999_000}
        over = [asked(f"ok {n}", 1, **later) for n in range(MOST_LISTED)]
        twice = [asked("a", 1, atom="x"), asked("b", 1, atom="x", timestamp_ms=1_765_417_781_000)]
        told = sealed(limits, held(limits, *over, *twice))
        assert (told.total, told.alarms) == (MOST_LISTED + 2, MOST_LISTED + 1)
        assert [each.uid for each in told.held][:2] == ["b", "ok 0"]
        assert len(told.held) == MOST_LISTED

    def test_the_unknown_is_not_there(self, limits: SqlLimits) -> None:
        assert limits.seal(["summary-none"], NOW) == {}


def test_what_is_still_to_be_told_is_not_forgotten(ledger: SqlLedger) -> None:
    limits = ledger.limits
    admit(limits, asked("1", 1))
    summary = held(limits, asked("2", 1))
    long_after = NOW + 40 * 86_400
    assert ledger.prune(long_after, 100) == 1
    assert sealed(limits, summary, NOW).total == 1
    assert ledger.prune(long_after, 100) == 2
    assert limits.seal([summary], NOW) == {}
