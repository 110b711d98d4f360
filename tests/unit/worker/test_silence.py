"""Silence: one asks whether it is over, and its end is told once; one is sent ahead of all."""

import pytest

from consumer.worker.doubts import Doubt
from consumer.worker.silence import Silence
from consumer.worker.work import Sending
from tests.support.clock import ManualClock
from tests.support.worker import work


@pytest.fixture
def silence() -> Silence:
    return Silence(ManualClock())


def test_who_answers_may_be_asked_by_all_at_once(silence: Silence) -> None:
    assert all(silence.may_ask("mailgun") for _ in range(4))
    assert not silence.heard("mailgun", answered=True)


def test_who_is_silent_is_asked_by_one_at_a_time(silence: Silence) -> None:
    assert silence.may_ask("mailgun")
    silence.heard("mailgun", answered=False)
    assert silence.may_ask("mailgun")
    assert not silence.may_ask("mailgun")
    assert silence.may_ask("another")
    silence.heard("mailgun", answered=False)
    assert silence.may_ask("mailgun")


def test_while_anyone_still_waits_for_the_silent_nobody_else_asks(silence: Silence) -> None:
    for _ in range(3):
        silence.may_ask("mailgun")
    silence.heard("mailgun", answered=False)
    silence.heard("mailgun", answered=False)
    assert not silence.may_ask("mailgun")
    silence.heard("mailgun", answered=False)
    assert silence.may_ask("mailgun")


def test_its_end_is_told_once(silence: Silence) -> None:
    for _ in range(3):
        silence.may_ask("mailgun")
    silence.heard("mailgun", answered=False)
    assert silence.heard("mailgun", answered=True)
    assert not silence.heard("mailgun", answered=True)
    assert silence.may_ask("mailgun")
    assert silence.may_ask("mailgun")


def sending(name: str) -> Sending:
    made = work(name)
    return Sending(made, made.prepared.sends[0])


def test_one_is_sent_ahead_until_it_is_in_doubt_again(silence: Silence) -> None:
    first, second = sending("e1"), sending("e2")
    assert silence.may_go_ahead("mailgun", first)
    assert silence.may_go_ahead("mailgun", first), "it is still its turn"
    assert not silence.may_go_ahead("mailgun", second)
    assert silence.may_go_ahead("another", second)
    first.doubt = Doubt(since=0.0, first_sent=0.0, transport="mailgun")
    assert silence.may_go_ahead("mailgun", second)


def test_nobody_waits_for_one_that_is_never_heard_of() -> None:
    clock = ManualClock()
    silence = Silence(clock)
    assert silence.may_go_ahead("mailgun", sending("e1"))
    clock.advance(29)
    assert not silence.may_go_ahead("mailgun", sending("e2"))
    clock.advance(2)
    assert silence.may_go_ahead("mailgun", sending("e2"))
