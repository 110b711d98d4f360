"""The ledger's pure decisions."""

import pytest

from consumer.adapters.ledger.claims import is_free
from consumer.adapters.ledger.closing import moved_on
from consumer.adapters.ledger.deliveries import last_words
from consumer.adapters.ledger.locks import AtomRow
from consumer.adapters.ledger.reading import bare_message_id
from consumer.domain.alarm import State
from consumer.domain.ledger import Closing, DeliveryState, Settlement


@pytest.mark.parametrize(
    ("holder", "over", "free"),
    [
        (None, True, True),
        ("me", True, False),  # ours already: nothing to take
        ("other", False, False),
        ("other", True, True),
    ],
)
def test_atom_is_free_when_nobody_alive_holds_it(
    holder: str | None, over: bool, free: bool
) -> None:
    assert is_free(holder, over, "me") is free


ROW = AtomRow(atom="x", fence=3, owner="me", last_event_id="e5", last_timestamp_ms=5)


def close(event_id: str, timestamp_ms: int, **changes: object) -> Closing:
    values: dict[str, object] = {
        "event_id": event_id,
        "atom": "x",
        "outcome": "accepted",
        "timestamp_ms": timestamp_ms,
        "state": State.OK,
        "advances": True,
    }
    return Closing(**(values | changes))  # type: ignore[arg-type]  # a table of fields


@pytest.mark.parametrize(
    ("closings", "last_event_id"),
    [
        ([close("e6", 6)], "e6"),
        ([close("e4", 4)], "e5"),
        ([close("new", 5)], "new"),
        ([close("again", 5)], "e5"),
        ([close("again", 6)], "again"),
        ([close("e6", 6, advances=False)], "e5"),
        ([close("e6", 6, last_event_id="e5")], "e5"),
        ([close("e7", 7), close("e6", 6)], "e7"),
    ],
    ids=[
        "later",
        "earlier",
        "same millisecond and new",
        "same millisecond and repeated",
        "later although closed before",
        "does not advance",
        "says the same as the last one",
        "latest of several",
    ],
)
def test_atom_moves_on_and_never_back(closings: list[Closing], last_event_id: str) -> None:
    moved = moved_on(ROW, closings, new={"e4", "e6", "e7", "new"})
    assert moved.last_event_id == last_event_id
    assert moved.owner == "me"


def test_accepted_is_the_last_word() -> None:
    def result(uid: str, state: DeliveryState) -> Settlement:
        return Settlement(uid=uid, atom="x", fence=1, state=state, transport="mailgun")

    told = [
        result("n1", DeliveryState.ACCEPTED),
        result("n1", DeliveryState.FAILED),
        result("n2", DeliveryState.DEFERRED),
        result("n2", DeliveryState.FAILED),
    ]
    words = last_words(told)
    assert words["n1"].state is DeliveryState.ACCEPTED
    assert words["n2"].state is DeliveryState.FAILED


@pytest.mark.parametrize("message_id", ["<n1@x.org>", "n1@x.org", " <n1@x.org> "])
def test_message_ids_are_compared_without_brackets(message_id: str) -> None:
    assert bare_message_id(message_id) == "n1@x.org"
