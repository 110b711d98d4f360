"""Which dead letters are wanted, and what else is said of the topic."""

from collections.abc import Sequence
from typing import Any

import pytest

from consumer.dead_letters import DeadLetters, Standing, State, Wanted, standings
from consumer.domain.alarm import AlarmEvent
from consumer.domain.ledger import DeliveryRow, DeliveryState, EventRow
from consumer.domain.record import Record, Undelivered
from consumer.pipeline.receive import ReceiveSettings, receive
from consumer.wire import ORIGIN_HEADER, REDRIVEN_HEADER
from tests.support.factories import make_event
from tests.support.letters import T0, letter_record, note_record
from tests.support.worker_ledger import MemoryLedger

TOPIC = [
    letter_record(0),
    letter_record(1, reason="too_old"),
    letter_record(2),
    Record("dead", 0, 3, b"key", b"of somebody else"),
    letter_record(4, reason="not_json", value=b"{"),
    note_record(5, 0),
]


def decode(record: Record) -> tuple[AlarmEvent, ...]:
    return receive([record], ReceiveSettings())[0].events


def found(**wanted: Any) -> list[int]:
    return [each.place[1] for each in DeadLetters(TOPIC, Wanted(**wanted))]


@pytest.mark.parametrize(
    ("wanted", "offsets"),
    [
        ({}, [0, 1, 2, 4]),
        ({"reasons": frozenset({"not_in_catalog"})}, [0, 2]),
        ({"reasons": frozenset({"not_in_catalog", "too_old"})}, [0, 1, 2]),
        ({"reasons": frozenset({"nothing_like_it"})}, []),
        ({"since": T0 + 1000}, [1, 2, 4]),
        ({"since": T0 + 1001, "until": T0 + 3999}, [2]),
        ({"until": T0 + 2000}, [0, 1, 2]),
        ({"places": frozenset({(0, 2), (0, 3), (1, 4)})}, [2]),
        ({"reasons": frozenset({"too_old"}), "until": T0}, []),
    ],
)
def test_a_letter_has_to_fit_all_that_is_asked_for(
    wanted: dict[str, Any], offsets: list[int]
) -> None:
    assert found(**wanted) == offsets


def test_what_else_is_there_is_counted() -> None:
    letters = DeadLetters(TOPIC, Wanted(reasons=frozenset({"too_old"})))
    (letter,) = letters
    assert (letter.name, letter.at, letter.redriven_at) == ("0/1", T0 + 1000, None)
    assert (letters.found, letters.foreign) == (1, 1)
    assert letters.reasons == {"not_in_catalog": 2, "too_old": 1, "not_json": 1}


def test_a_record_that_was_redriven_before_says_so() -> None:
    record = letter_record(1, headers=[(REDRIVEN_HEADER, b"5")])
    (letter,) = DeadLetters([record], Wanted())
    assert letter.redriven_at == 5


def test_only_a_filter_with_nothing_in_it_wants_everything() -> None:
    assert Wanted().everything
    assert not Wanted(since=0).everything
    assert not Wanted(places=frozenset({(0, 0)})).everything


class Desk:
    """A topic with one letter of event e1 and what follows it; a ledger with one end."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()

    def end(self, outcome: str, seconds_after: float) -> None:
        event = make_event(id="e1")
        self.ledger.events["e1"] = EventRow(
            id="e1",
            atom=event.atom,
            outcome=outcome,
            timestamp_ms=event.timestamp,
            state=event.state,
            closed_at=T0 / 1000 + 1 + seconds_after,
        )

    def deliver(
        self, target_id: str, seconds_after: float, state: DeliveryState = DeliveryState.ACCEPTED
    ) -> None:
        """One notification of the event, begun so long after the letter was written."""
        event, uid = make_event(id="e1"), f"u-{target_id}-{seconds_after}"
        self.ledger.deliveries[uid] = DeliveryRow(
            uid=uid,
            event_id="e1",
            atom=event.atom,
            target_id=target_id,
            type="email",
            destination=f"{target_id}-{seconds_after}@example.com",
            message_id="m",
            transport="mailgun",
            state=state,
            attempt=1,
            owner="w",
            fence=1,
            created_at=T0 / 1000 + 1 + seconds_after,
        )

    def standing(
        self,
        *later: Record,
        reason: str = "too_old",
        asked: bool = True,
        undelivered: Sequence[Undelivered] = (),
    ) -> Standing:
        letter = letter_record(1, reason=reason, undelivered=undelivered)
        among = DeadLetters([letter, *later], Wanted())
        letters = list(among)
        return standings(letters, among, decode, self.ledger if asked else None)[0, 1]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_letter_about_which_nothing_was_done_is_open(desk: Desk) -> None:
    """Its event ended with it, a moment before it was written."""
    assert desk.standing().state is State.OPEN
    desk.end("expired", -0.1)
    standing = desk.standing()
    assert (standing.state, standing.ended, standing.is_settled) == (State.OPEN, ["e1"], False)


def test_one_destination_given_up_is_open_however_the_others_fared(desk: Desk) -> None:
    desk.end("accepted", 0)
    assert desk.standing().state is State.OPEN


def test_a_redriven_letter_is_under_way_until_its_event_ends(desk: Desk) -> None:
    standing = desk.standing(note_record(2, 1))
    assert (standing.state, standing.redriven_at) == (State.REDRIVEN, T0 + 500_000)
    assert not standing.is_settled
    desk.end("accepted", 600)
    assert desk.standing(note_record(2, 1)).state is State.ACCEPTED
    assert desk.standing(note_record(2, 3)).state is State.ACCEPTED, "by its time alone"


@pytest.mark.parametrize(("outcome", "state"), [("accepted", "accepted"), ("stale", "ended")])
@pytest.mark.parametrize(("reason", "after"), [("too_old", 60), ("not_in_catalog", -1)])
def test_what_ended_since_is_settled(
    desk: Desk, outcome: str, state: str, reason: str, after: float
) -> None:
    """An event that the catalog did not know had not ended when its letter was written."""
    desk.end(outcome, after)
    standing = desk.standing(reason=reason)
    assert (standing.state, standing.is_settled) == (state, True)


MISSING = Undelivered("", "", "ntMissing")


def test_good_events_of_a_record_do_not_settle_what_is_broken_in_it(desk: Desk) -> None:
    """Only when it was redriven, and could be read as a whole, its events speak for the letter."""
    desk.end("accepted", 600)
    assert desk.standing(reason="schema_mismatch").state is State.OPEN
    assert desk.standing(note_record(2, 1), reason="schema_mismatch").state is State.ACCEPTED


def test_what_was_told_before_the_letter_does_not_settle_it_as_accepted(desk: Desk) -> None:
    """Redriven, its event was stale; that another had its email keeps the event's outcome."""
    desk.end("accepted", 600)
    desk.deliver("ntGood", -5)
    standing = desk.standing(note_record(2, 1), undelivered=[MISSING])
    assert (standing.state, standing.untold) == (State.ENDED, ["ntMissing"])
    assert standing.is_settled


def test_the_letters_own_destinations_make_it_accepted(desk: Desk) -> None:
    """By their uids, or by the plan's notification where the letter could name no more."""
    desk.end("accepted", 600)
    desk.deliver("ntGood", -5)
    desk.deliver("ntMissing", 550)
    assert desk.standing(note_record(2, 1), undelivered=[MISSING]).state is State.ACCEPTED
    again = Undelivered("u-ntGood--5", "ntGood--5@example.com")
    assert desk.standing(note_record(2, 1), undelivered=[again]).state is State.ACCEPTED


def test_one_contact_of_a_notification_does_not_speak_for_another(desk: Desk) -> None:
    desk.end("accepted", 600)
    desk.deliver("ntContacts", -5)
    broken = Undelivered("", "no address", "ntContacts")
    standing = desk.standing(note_record(2, 1), undelivered=[broken])
    assert (standing.state, standing.untold) == (State.ENDED, ["no address"])


def test_what_was_not_sent_again_is_named(desk: Desk) -> None:
    desk.end("accepted", 600)
    desk.deliver("ntGood", 550)
    desk.deliver("ntLate", -5, DeliveryState.SUPERSEDED)
    late = Undelivered("u-ntLate--5", "ntLate--5@example.com")
    good = Undelivered("u-ntGood-550", "ntGood-550@example.com")
    standing = desk.standing(note_record(2, 1), undelivered=[late, good])
    assert (standing.state, standing.untold) == (State.ENDED, ["ntLate--5@example.com"])


def test_of_what_was_pruned_the_event_speaks(desk: Desk) -> None:
    desk.end("accepted", 600)
    assert desk.standing(note_record(2, 1), undelivered=[MISSING]).state is State.ACCEPTED


def test_a_letter_that_failed_again_is_replaced_by_the_later_one(desk: Desk) -> None:
    """Found by where the record was first read, though the later letter is not wanted."""
    again = ((REDRIVEN_HEADER, b"5"), (ORIGIN_HEADER, b"alarm-events/3/101"))
    topic = [letter_record(1), letter_record(7, make_event(id="e1"), "held", headers=again)]
    among = DeadLetters(topic, Wanted(reasons=frozenset({"not_in_catalog"})))
    letters = list(among)
    standing = standings(letters, among, decode, desk.ledger)[0, 1]
    assert (standing.state, standing.replaced_by) == (State.REPLACED, (0, 7))
    assert desk.standing(letter_record(2), note_record(3, 1)).replaced_by is None


def test_equal_bytes_at_two_places_are_two_records(desk: Desk) -> None:
    among = DeadLetters([letter_record(n, value=b"{") for n in (1, 2)], Wanted())
    states = standings(list(among), among, decode, desk.ledger).values()
    assert [each.state for each in states] == [State.OPEN, State.OPEN]


def test_without_a_ledger_only_the_topic_speaks(desk: Desk) -> None:
    standing = desk.standing(note_record(2, 1), asked=False)
    assert (standing.state, standing.events) == (State.UNKNOWN, None)
    assert not desk.ledger.calls
