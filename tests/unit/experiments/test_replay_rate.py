"""So many emails a second, whoever sends them."""

from collections.abc import Hashable, Sequence

import pytest

from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.experiments.replay_rate import paced, senders_for
from consumer.ports import BatchTransport
from tests.support.clock import ManualClock
from tests.support.factories import make_email
from tests.support.worker import result


class One:
    """A transport for single emails."""

    name = "smtp"

    def __init__(self) -> None:
        self.closed_for = 0.0

    def send(self, email: Email, options: SendOptions) -> SendResult:
        return result()

    def opens_in(self) -> float:
        return self.closed_for

    def close(self) -> None: ...


class Many(One):
    """One that takes many."""

    name = "mailgun"
    batch_limit = 1_000
    batch_bytes = 1_000_000

    def together(self, email: Email, options: SendOptions) -> Hashable | None:
        return "all"

    def send_batch(self, emails: Sequence[Email], options: SendOptions) -> Sequence[SendResult]:
        return [result() for _ in emails]


def test_the_way_opens_again_when_the_last_emails_have_had_their_time() -> None:
    """All transports share the pace; a provider that asks to wait longer is obeyed."""
    clock, one, many = ManualClock(), One(), Many()
    ways = paced({"smtp": one, "mailgun": many}, 10, clock)
    smtp, mailgun = ways["smtp"], ways["mailgun"]
    assert smtp.opens_in() == 0
    smtp.send(make_email(), SendOptions())
    assert mailgun.opens_in() == pytest.approx(0.1)
    clock.advance(0.1)
    assert isinstance(mailgun, BatchTransport)
    mailgun.send_batch([make_email()] * 10, SendOptions())
    assert smtp.opens_in() == pytest.approx(1.0)
    one.closed_for = 5.0
    assert smtp.opens_in() == 5.0


def test_a_call_carries_a_seconds_worth_at_most() -> None:
    (way,) = paced({"mailgun": Many()}, 10, ManualClock()).values()
    assert isinstance(way, BatchTransport)
    assert way.batch_limit == 10


def test_only_what_can_takes_many() -> None:
    (way,) = paced({"smtp": One()}, 10, ManualClock()).values()
    assert not isinstance(way, BatchTransport)


@pytest.mark.parametrize(("rate", "senders"), [(1, 1), (5, 1), (50, 10), (1000, 32)])
def test_a_slow_pace_has_few_senders(rate: int, senders: int) -> None:
    """Each that finds the way open goes: so many may be ahead of the pace."""
    assert senders_for(rate, 32) == senders
