"""Silence: one asks whether it is over, and its end is told once."""

import pytest

from consumer.worker.silence import Silence


@pytest.fixture
def silence() -> Silence:
    return Silence()


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


def test_its_end_is_told_once(silence: Silence) -> None:
    silence.heard("mailgun", answered=False)
    assert silence.heard("mailgun", answered=True)
    assert not silence.heard("mailgun", answered=True)
    assert silence.may_ask("mailgun")
    assert silence.may_ask("mailgun")
