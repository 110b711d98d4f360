"""Letters of an alert that fired again: they are about that, and not about its first firing."""

from collections.abc import Sequence

import pytest

from consumer.dead_letters import DeadLetters, State, Wanted
from consumer.domain.lasting import again_id, lasting
from consumer.domain.ledger import Closing, DeliveryRow, DeliveryState, EventRow
from consumer.domain.reasons import Reason
from consumer.domain.record import DeadLetter, Record, Undelivered
from consumer.letter_events import meant_by
from consumer.redriving import Candidate, select
from tests.support.factories import make_event
from tests.support.letters import T0, letter_record
from tests.support.worker_ledger import MemoryLedger
from tests.unit.test_dead_letters import decode

SAID = T0 - 1000
REFIRED = make_event(id="first", attributes=lasting(), produced_at=SAID)
AGAIN = again_id(REFIRED) or ""


def ended(id_: str, at_ms: int, outcome: str = "accepted") -> EventRow:
    return EventRow(
        id=id_,
        atom=REFIRED.atom,
        outcome=outcome,
        timestamp_ms=at_ms,
        state=REFIRED.state,
        closed_at=at_ms / 1000,
    )


@pytest.fixture
def ledger() -> MemoryLedger:
    """The first firing was told, a day ago."""
    made = MemoryLedger()
    made.events["first"] = ended("first", T0 - 86_400_000)
    return made


def chosen(ledger: MemoryLedger, letter: Record) -> Sequence[Candidate]:
    return select(DeadLetters([letter], Wanted()), ["alarm-events"], decode, ledger).chosen


def test_what_the_provider_refused_is_redriven(ledger: MemoryLedger) -> None:
    ledger.events[AGAIN] = ended(AGAIN, T0, "failed")
    (candidate,) = chosen(ledger, letter_record(1, REFIRED, Reason.PROVIDER_REJECTED))
    assert (candidate.standing.state, candidate.standing.ended) == (State.OPEN, [AGAIN])


def test_what_was_told_since_is_not(ledger: MemoryLedger) -> None:
    ledger.events[AGAIN] = ended(AGAIN, T0 + 600_000)
    assert not chosen(ledger, letter_record(1, REFIRED, Reason.PROVIDER_REJECTED))


def test_what_is_open_already_is_not_taken_for_the_first_firing(ledger: MemoryLedger) -> None:
    """Its dead letter names it, or it has an email in the ledger."""
    gone = Undelivered("", "", "ntGone", AGAIN)
    letters = [
        letter_record(1, REFIRED, Reason.INVALID_ADDRESS, [gone]),
        letter_record(1, REFIRED, Reason.PROVIDER_REJECTED),
    ]
    ledger.deliveries["u"] = delivery()
    for letter in letters:
        (candidate,) = chosen(ledger, letter)
        assert candidate.standing.events == {AGAIN: None}


def delivery() -> DeliveryRow:
    return DeliveryRow(
        uid="u",
        event_id=AGAIN,
        atom=REFIRED.atom,
        target_id="nt",
        type="email",
        destination="a@example.com",
        message_id="m",
        transport="mailgun",
        state=DeliveryState.DEFERRED,
        attempt=1,
        owner="w",
        fence=1,
    )


def test_what_the_catalog_did_not_know_is_redriven(ledger: MemoryLedger) -> None:
    """Nothing of it is in the ledger; its first firing ended before the record was there."""
    (candidate,) = chosen(ledger, letter_record(1, REFIRED))
    assert candidate.standing.events == {AGAIN: None}
    ledger.events[AGAIN] = ended(AGAIN, T0 + 600_000)
    assert not chosen(ledger, letter_record(1, REFIRED))


def test_a_repeat_beside_an_unknown_alarm_stays_what_it_was(ledger: MemoryLedger) -> None:
    """Else the letter would stay open for good: nothing ends a repeat once more."""
    new = make_event(id="new", alarm_id="alOther", attributes=lasting(), produced_at=SAID)
    letter = DeadLetter(
        record=Record("t", 0, 1, None, b""), reason=Reason.NOT_IN_CATALOG, error="", first_seen=T0
    )
    assert meant_by(letter, [REFIRED, new], ledger.events, ledger) == ["first", "new"]


def stands(ledger: MemoryLedger, last_event_id: str, at_ms: int) -> None:
    last = Closing(
        event_id=last_event_id,
        atom=REFIRED.atom,
        outcome="accepted",
        timestamp_ms=at_ms,
        state=REFIRED.state,
        advances=True,
    )
    ledger.atoms[REFIRED.atom] = {"owner": None, "fence": 1, "last": last}


def test_it_is_not_foreseen_to_be_stale(ledger: MemoryLedger) -> None:
    """The alarm was over before it was said."""
    for last, at in (("over", SAID - 1), (AGAIN, SAID + 1)):
        stands(ledger, last, at)
        ledger.events[AGAIN] = ended(AGAIN, T0, "failed")
        (candidate,) = chosen(ledger, letter_record(1, REFIRED, Reason.PROVIDER_REJECTED))
        assert not candidate.is_stale
    stands(ledger, "over", SAID + 1)
    (candidate,) = chosen(ledger, letter_record(1, REFIRED, Reason.PROVIDER_REJECTED))
    assert candidate.is_stale
