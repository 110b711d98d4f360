"""The retry policy: the provider's word first, then a growing pause."""

import pytest

from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.worker.retrying import pause_seconds, seconds_until_next
from consumer.worker.ways import Ways
from consumer.worker.work import Sending
from tests.support.clock import ManualClock
from tests.support.worker import result, work
from tests.support.worker_fakes import FakeTransport


def test_what_the_provider_said_counts() -> None:
    told = result(Kind.DEFERRED, retry_at=190.0)
    assert pause_seconds(told, 1, 100.0) == 90.0
    assert pause_seconds(told, 1, 200.0) == 0.0


@pytest.mark.parametrize(
    ("tries", "at_least"), [(0, 1.0), (1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0)]
)
def test_without_a_word_the_pause_doubles_up_to_a_minute(tries: int, at_least: float) -> None:
    """Up to a second at random comes on top; the minute is the most."""
    waits = {pause_seconds(result(Kind.DEFERRED), tries, 0.0) for _ in range(50)}
    assert all(at_least <= wait <= min(at_least + 1.0, 60.0) for wait in waits)


def test_a_send_that_fails_for_hours_still_has_a_pause() -> None:
    """No overflow after thousands of tries."""
    assert pause_seconds(result(Kind.DEFERRED), 5_000, 0.0) == 60.0


def test_a_lone_alarm_is_out_by_the_fallback_within_seconds() -> None:
    """Mailgun refuses connections, nothing else is under way, SMTP is there."""
    clock = ManualClock()
    away, there = FakeTransport(), FakeTransport()
    away.answer = lambda _: result(Kind.DEFERRED)
    ways = Ways(
        {"mailgun": away, "smtp": there},
        clock=clock,
        failures=5,
        probe_seconds=1.0,
        fallback="smtp",
    )
    email = work("e1")
    sending = Sending(email, email.prepared.sends[0])
    started = clock.now()
    while not there.sent:
        told = _attempt(sending, ways)
        clock.advance(seconds_until_next(sending, told, ways, clock.now()))
    assert len(away.sent) == 5
    assert clock.now() - started <= 5.0


def test_what_was_not_found_has_waited_long_enough() -> None:
    email = work("e1")
    sending = Sending(email, email.prepared.sends[0])
    ways = Ways({"mailgun": FakeTransport()}, clock=ManualClock(), failures=5, probe_seconds=1.0)
    told = result(Kind.DEFERRED, reason=Reason.NOT_FOUND)
    assert seconds_until_next(sending, told, ways, 0.0) == 0.0


def _attempt(sending: Sending, ways: Ways) -> SendResult:
    """As a sender."""
    admission = ways.admit(sending.options, tried=sending.tries > 0)
    assert admission.wait == 0.0
    sending.tries += 1
    return ways.send([sending.send.email], admission)[0]
