"""Which dead letters are wanted, and what else is said of the topic."""

from typing import Any

import pytest

from consumer.adapters.ledger import open_ledger
from consumer.dead_letters import DeadLetters, Wanted, ends
from consumer.domain.alarm import AlarmEvent
from consumer.domain.ledger import ClaimRequest, Closing
from consumer.domain.record import Record
from consumer.pipeline.receive import ReceiveSettings, receive
from consumer.wire import REDRIVEN_HEADER
from tests.support.factories import make_event
from tests.support.letters import T0, letter_record

TOPIC = [
    letter_record(0),
    letter_record(1, reason="too_old"),
    letter_record(2),
    Record("dead", 0, 3, b"key", b"of somebody else"),
    letter_record(4, reason="not_json", value=b"{"),
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


def test_the_ledger_says_how_the_events_of_a_letter_stand() -> None:
    ledger = open_ledger("sqlite://")
    event = make_event(id="e1")
    ledger.heartbeat("a", 0, 30)
    ledger.claim("a", [ClaimRequest(event.atom, ["e1"])], 0)
    closing = Closing(
        event_id="e1",
        atom=event.atom,
        fence=1,
        outcome="expired",
        timestamp_ms=event.timestamp,
        state=event.state,
        advances=True,
    )
    ledger.close_events("a", [closing], 1)
    stands = ends(DeadLetters(TOPIC, Wanted()), decode, ledger)
    ledger.close()
    assert {place[1]: list(events) for place, events in stands.items()} == {
        0: ["e0"],
        1: ["e1"],
        2: ["e2"],
        4: [],
    }
    assert stands[0, 0] == {"e0": None}
    row = stands[0, 1]["e1"]
    assert row is not None
    assert row.outcome == "expired"
