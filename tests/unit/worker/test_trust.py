"""Trust: grows with good answers, ends with a bad one, a late one or with silence."""

import pytest

from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.worker.trust import Trust
from tests.support.clock import ManualClock
from tests.support.worker import result

LOST = result(Kind.IN_DOUBT, reason=Reason.ANSWER_LOST)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def trust(clock: ManualClock) -> Trust:
    return Trust(clock)


def ends(trust: Trust, emails: int, what: SendResult | None) -> int:
    """One call; how many the next one may carry."""
    trust.end(trust.begin(), emails, what)
    return trust.emails()


def test_the_first_call_carries_one(trust: Trust) -> None:
    assert trust.emails() == 1


def test_a_call_carries_twice_what_went_well(trust: Trust) -> None:
    assert [ends(trust, trust.emails(), result()) for _ in range(10)] == [
        2**n for n in range(1, 11)
    ]


def test_many_small_answers_say_nothing_about_large_calls(trust: Trust) -> None:
    """All senders have their first answer at about the same time."""
    for _ in range(64):
        ends(trust, 1, result())
    assert trust.emails() == 2


def test_a_small_call_takes_nothing_away(trust: Trust) -> None:
    ends(trust, 8, result())
    assert ends(trust, 1, result()) == 16


@pytest.mark.parametrize("lost", [LOST, None])
def test_a_lost_answer_ends_it(trust: Trust, lost: SendResult | None) -> None:
    ends(trust, 500, result())
    assert ends(trust, 500, lost) == 1
    assert ends(trust, 1, result()) == 2, "from the beginning"


def test_silence_ends_it(trust: Trust, clock: ManualClock) -> None:
    ends(trust, 500, result())
    clock.advance(9)
    assert trust.emails() == 1000
    clock.advance(2)
    assert trust.emails() == 1
    assert ends(trust, 1, result()) == 2


def test_an_answer_that_is_long_in_coming_ends_it_as_long_as_it_is_out(
    trust: Trust, clock: ManualClock
) -> None:
    ends(trust, 500, result())
    call = trust.begin()
    clock.advance(4)
    assert trust.emails() == 1000
    clock.advance(2)
    assert trust.emails() == 1
    trust.end(call, 1, result())
    assert trust.emails() == 1000


@pytest.mark.parametrize("reason", [Reason.THROTTLED, Reason.BATCH_REFUSED, Reason.UNREACHABLE])
def test_what_surely_was_not_accepted_says_nothing(trust: Trust, reason: Reason) -> None:
    ends(trust, 1, result())
    assert ends(trust, 2, result(Kind.DEFERRED, reason=reason)) == 2
