"""What feedback keeps in the ledger: what was told, which tokens were used, whose turn it is."""

from collections.abc import Callable

from consumer.adapters.ledger import SqlLedger
from consumer.domain.alarm import State
from tests.contract.ledger.values import NOW, closing, mark, win
from tests.support.kafka import until

FEED = "mailgun:alerts.example.com"


def test_an_email_is_found_by_its_uid_from_before_its_request_is_written(
    ledger: SqlLedger,
) -> None:
    win(ledger, "one")
    ledger.mark_sending("one", [mark()], NOW)
    (found,) = ledger.feedback.sent(["n1", "foreign"]).values()
    assert (found.row.uid, found.row.event_id, found.row.destination) == (
        "n1",
        "e1",
        "oncall@example.com",
    )
    assert (found.state, found.timestamp_ms) == (None, None)


def test_an_event_that_has_ended_says_what_it_was(ledger: SqlLedger) -> None:
    win(ledger, "one")
    ledger.mark_sending("one", [mark()], NOW)
    ledger.close_events([closing()], NOW)
    found = ledger.feedback.sent(["n1"])["n1"]
    assert (found.state, found.timestamp_ms) == (State.CRITICAL, 1_392_138_733_810)


def test_what_was_noted_is_known_to_all_and_may_be_noted_again(
    open_another: Callable[[], SqlLedger],
) -> None:
    one, other = open_another().feedback, open_another().feedback
    assert list(one.told(["r1", "r2"])) == []
    for _ in range(2):
        one.note(["r1"], {"t1": "event-1"}, NOW)
    assert list(other.told(["r1", "r2"])) == ["r1"]
    assert other.used(["t1", "t2"]) == {"t1": "event-1"}


def test_a_token_stays_bound_to_what_it_came_with_first(ledger: SqlLedger) -> None:
    ledger.feedback.note([], {"t1": "event-1"}, NOW)
    ledger.feedback.note([], {"t1": "event-2"}, NOW)
    assert ledger.feedback.used(["t1"]) == {"t1": "event-1"}


def test_nothing_to_ask_and_nothing_to_note_is_fine(ledger: SqlLedger) -> None:
    feedback = ledger.feedback
    feedback.note([], {}, NOW)
    assert (feedback.sent([]), list(feedback.told([])), feedback.used([])) == ({}, [], {})


def test_reports_and_tokens_are_pruned_in_steps(ledger: SqlLedger) -> None:
    feedback = ledger.feedback
    feedback.note(["r1", "r2"], {"t1": "event-1"}, NOW)
    feedback.note(["r3"], {"t2": "event-2"}, NOW + 100)
    assert [feedback.prune(NOW + 1, 2) for _ in range(3)] == [2, 1, 0]
    assert list(feedback.told(["r1", "r2", "r3"])) == ["r3"]
    assert feedback.used(["t1", "t2"]) == {"t2": "event-2"}


def test_only_one_owner_has_the_turn(open_another: Callable[[], SqlLedger]) -> None:
    one, other = open_another().feedback, open_another().feedback
    assert one.take_turn(FEED, "one", 30.0)
    assert not other.take_turn(FEED, "other", 30.0)
    assert other.take_turn("mailgun:other.example.com", "other", 30.0)
    assert one.take_turn(FEED, "one", 30.0), "its own turn may be made longer"


def test_a_turn_ends_by_its_owners_word_or_by_the_databases_clock(
    open_another: Callable[[], SqlLedger],
) -> None:
    one, other = open_another().feedback, open_another().feedback
    one.take_turn(FEED, "one", 0.2)
    until(lambda: other.take_turn(FEED, "other", 30.0), "the turn runs out", 5.0)
    one.leave_turn(FEED, "one")
    assert not one.take_turn(FEED, "one", 30.0), "it was no longer its own to leave"
    other.leave_turn(FEED, "other")
    assert one.take_turn(FEED, "one", 30.0)


def test_the_place_is_kept_and_only_moved_by_whose_turn_it_is(ledger: SqlLedger) -> None:
    feedback = ledger.feedback
    assert feedback.place(FEED) is None
    feedback.take_turn(FEED, "one", 30.0)
    assert feedback.place(FEED) is None
    assert feedback.move(FEED, "one", 1_767_225_600.641821)
    assert not feedback.move(FEED, "other", 1.0)
    feedback.leave_turn(FEED, "one")
    assert not feedback.move(FEED, "one", 2.0)
    assert feedback.place(FEED) == 1_767_225_600.641821
