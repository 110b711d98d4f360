"""Trust: grows with good answers, ends with a bad one or with silence."""

import pytest

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


def test_the_first_call_carries_one(trust: Trust) -> None:
    assert trust.emails() == 1


def test_each_good_answer_doubles_it(trust: Trust) -> None:
    seen = []
    for _ in range(10):
        trust.record(result())
        seen.append(trust.emails())
    assert seen == [2**n for n in range(1, 11)]


def test_it_does_not_grow_without_end(trust: Trust) -> None:
    for _ in range(1000):
        trust.record(result())
    assert 1000 <= trust.emails() < 1_000_000


def test_a_lost_answer_ends_it(trust: Trust) -> None:
    for _ in range(10):
        trust.record(result())
    trust.record(LOST)
    assert trust.emails() == 1
    trust.record(result())
    assert trust.emails() == 2, "from the beginning"


def test_silence_ends_it(trust: Trust, clock: ManualClock) -> None:
    for _ in range(10):
        trust.record(result())
    clock.advance(9)
    assert trust.emails() > 1
    clock.advance(2)
    assert trust.emails() == 1
    trust.record(result())
    assert trust.emails() == 2


@pytest.mark.parametrize("reason", [Reason.THROTTLED, Reason.BATCH_REFUSED, Reason.UNREACHABLE])
def test_what_surely_was_not_accepted_says_nothing(trust: Trust, reason: Reason) -> None:
    trust.record(result())
    trust.record(result(Kind.DEFERRED, reason=reason))
    assert trust.emails() == 2
