"""Turns: tenants one after the other, and in one call what may go together."""

from collections.abc import Hashable
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.worker.turns import ALONE, Room, Turns
from consumer.worker.work import Sending
from tests.support.worker import work

ROOMY = Room(1000, 1_000_000)
_NUMBERS = count()


def sending(
    tenant: str = "t1", to: str | None = None, company: Hashable | None = "x", text: str = "-"
) -> Sending:
    """A send to an address of its own, unless one is given."""
    number = next(_NUMBERS)
    made = work(f"e{number}", tenant_id=tenant)
    (send,) = made.prepared.sends
    email = msgspec.structs.replace(send.email, to=to or f"{number}@example.com", text=text)
    result = Sending(made, msgspec.structs.replace(send, email=email))
    result.company = company
    return result


class Asked:
    """A call has as much room as the test says; who goes with whom is on the sends."""

    def __init__(self) -> None:
        self.now = ROOMY

    def company(self, sending: Sending) -> Hashable | None:
        return sending.company

    def room(self, _sending: Sending) -> Room:
        return self.now


class AskedTurns(Turns):
    """Turns with room for so much at each call."""

    def __init__(self) -> None:
        self.asked = Asked()
        super().__init__(self.asked)


@pytest.fixture
def turns() -> AskedTurns:
    return AskedTurns()


def put(turns: Turns, *sendings: Sending) -> list[Sending]:
    for each in sendings:
        turns.push(each)
    return list(sendings)


def call(turns: AskedTurns, room: Room = ROOMY) -> list[Sending]:
    turns.asked.now = room
    return list(turns.pop())


def test_without_company_each_goes_alone(turns: AskedTurns) -> None:
    first, second = put(turns, sending(company=None), sending(company=None))
    assert call(turns) == [first]
    assert call(turns) == [second]
    assert call(turns) == []


def test_all_that_waits_together_goes_in_one_call_in_its_order(turns: AskedTurns) -> None:
    waiting = put(turns, *(sending() for _ in range(5)))
    assert call(turns) == waiting
    assert len(turns) == 0


def test_other_company_stays_for_the_next_call(turns: AskedTurns) -> None:
    a, b, c = put(turns, sending(company="x"), sending(company="y"), sending(company="x"))
    assert call(turns) == [a, c]
    assert call(turns) == [b]


def test_a_call_has_room_for_so_many(turns: AskedTurns) -> None:
    waiting = put(turns, *(sending() for _ in range(5)))
    assert call(turns, Room(2, 1_000_000)) == waiting[:2]
    assert call(turns, ALONE) == waiting[2:3]


def test_a_call_has_room_for_so_much(turns: AskedTurns) -> None:
    waiting = put(turns, *(sending(text="m" * 5_000) for _ in range(4)))
    size = waiting[0].send.email.size
    assert call(turns, Room(1000, 2 * size)) == waiting[:2]
    assert call(turns, Room(1000, size - 1)) == waiting[2:3], "the first one goes in any case"


def test_an_address_is_once_in_a_call_and_its_emails_keep_their_order(turns: AskedTurns) -> None:
    a, b, c, d, e = put(
        turns,
        sending(to="one@example.com"),
        sending(to="One@Example.com"),
        sending(to="two@example.com"),
        sending(to="one@example.com"),
        sending(to="two@example.com"),
    )
    assert call(turns) == [a, c]
    assert call(turns) == [b, e]
    assert call(turns) == [d]


def test_the_search_beyond_one_address_has_an_end(turns: AskedTurns) -> None:
    waiting = put(turns, *(sending(to="one@example.com") for _ in range(1000)), sending())
    assert call(turns) == waiting[:1]
    assert len(turns) == 1000


def test_a_storm_to_one_address_and_many_others_goes_in_full_calls(turns: AskedTurns) -> None:
    """Each alarm tells the same person, and one of its own."""
    for _ in range(150):
        put(turns, sending(to="ops@example.com"), sending())
    assert len(call(turns)) == 151


def test_one_tenants_storm_to_one_address_leaves_the_others_calls_full(turns: AskedTurns) -> None:
    put(turns, *(sending("storm", to="ops@example.com") for _ in range(1000)))
    put(turns, *(sending("other") for _ in range(300)))
    assert len(call(turns)) == 301


def test_tenants_share_a_call_evenly(turns: AskedTurns) -> None:
    storm = put(turns, *(sending("storm") for _ in range(10)))
    other = put(turns, *(sending("other") for _ in range(2)))
    third = put(turns, sending("third"))
    assert call(turns, Room(6, 1_000_000)) == [
        storm[0], other[0], third[0], storm[1], other[1], storm[2],
    ]  # fmt: skip
    assert call(turns) == storm[3:]


def test_tenants_take_turns_with_single_calls_too(turns: AskedTurns) -> None:
    a1, a2, b1 = put(turns, sending("a"), sending("a"), sending("b"))
    assert [call(turns, ALONE) for _ in range(3)] == [[a1], [b1], [a2]]


def test_what_was_given_back_is_first_of_its_queue(turns: AskedTurns) -> None:
    a, b = put(turns, sending(), sending())
    assert call(turns, ALONE) == [a]
    turns.push(a, first=True)
    assert call(turns) == [a, b]


def test_what_left_its_lane_is_forgotten(turns: AskedTurns) -> None:
    a, b, c = put(turns, sending("t1"), sending("t2"), sending("t1"))
    turns.forget([a.work])
    assert len(turns) == 2
    assert sorted(map(id, call(turns))) == sorted(map(id, [b, c]))


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", None]), st.sampled_from("123")),
        max_size=40,
    ),
    st.integers(1, 6),
)
def test_everything_leaves_once_and_each_address_in_order(
    waiting: list[tuple[str, str | None, str]], limit: int
) -> None:
    turns = AskedTurns()
    sendings = put(turns, *(sending(tenant, to, key) for tenant, key, to in waiting))
    calls = []
    while found := call(turns, Room(limit, 1_000_000)):
        calls.append(found)
    gone = [each for found in calls for each in found]
    assert len(turns) == 0
    assert sorted(map(id, gone)) == sorted(map(id, sendings))
    for found in calls:
        assert len(found) <= limit
        assert len({each.send.email.to for each in found}) == len(found)
        assert len({each.company for each in found}) == 1
    place = {id(each): n for n, each in enumerate(gone)}
    kinds = {(s.work.event.tenant_id, s.company, s.send.email.to) for s in sendings}
    for kind in kinds:
        same = [s for s in sendings if (s.work.event.tenant_id, s.company, s.send.email.to) == kind]
        assert [place[id(each)] for each in same] == sorted(place[id(each)] for each in same)
