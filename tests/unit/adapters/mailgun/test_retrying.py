"""What is tried again, when, and when it is enough."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from consumer.adapters.mailgun.gate import Gate
from consumer.adapters.mailgun.retrying import (
    MAX_BACKOFF_SECONDS,
    MIN_BACKOFF_SECONDS,
    RetryPolicy,
)
from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind, Reason
from tests.support.clock import ManualClock


def result(kind: Kind, reason: Reason, retry_at: float | None = None) -> SendResult:
    return SendResult(
        kind=kind, reason=reason, message=reason, transport="mailgun", retry_at=retry_at
    )


ACCEPTED = result(Kind.ACCEPTED, Reason.QUEUED)
UNREACHABLE = result(Kind.DEFERRED, Reason.UNREACHABLE)


def throttled(retry_at: float | None = None) -> SendResult:
    return result(Kind.DEFERRED, Reason.THROTTLED, retry_at)


class Script:
    """Gives the results in turn, and remembers the call numbers and their times."""

    def __init__(self, clock: ManualClock, results: Sequence[SendResult]) -> None:
        self.clock = clock
        self.results = list(results)
        self.numbers: list[int] = []
        self.times: list[float] = []

    def __call__(self, number: int) -> SendResult:
        self.numbers.append(number)
        self.times.append(self.clock.now())
        return self.results.pop(0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def policy(
    clock: ManualClock, random_fraction: Callable[[], float] = lambda: 0.0, **kwargs: Any
) -> RetryPolicy:
    kwargs.setdefault("gate", Gate())
    return RetryPolicy(clock=clock, random_fraction=random_fraction, **kwargs)


@pytest.mark.parametrize(
    "final",
    [
        ACCEPTED,
        result(Kind.FAILED, Reason.PROVIDER_REJECTED),
        result(Kind.IN_DOUBT, Reason.ANSWER_LOST),
        result(Kind.IN_DOUBT, Reason.SERVER_ERROR),
        result(Kind.IN_DOUBT, Reason.UNREADABLE_ANSWER),
        result(Kind.DEFERRED, Reason.CONFIGURATION),
    ],
    ids=lambda final: f"{final.kind}-{final.reason}",
)
def test_what_is_decided_or_in_doubt_is_called_once(clock: ManualClock, final: SendResult) -> None:
    call = Script(clock, [final])
    assert policy(clock).run(call, "mailgun") == final
    assert call.numbers == [1]
    assert clock.waits == []


def test_an_unreachable_provider_is_tried_again_and_calls_are_counted(clock: ManualClock) -> None:
    call = Script(clock, [UNREACHABLE, UNREACHABLE, ACCEPTED])
    sent = policy(clock).run(call, "mailgun")
    assert (sent.kind, sent.calls) == (Kind.ACCEPTED, 3)
    assert call.numbers == [1, 2, 3]
    assert clock.waits == [0.5, 1.0]


def test_doubt_after_a_retry_ends_the_retries(clock: ManualClock) -> None:
    call = Script(clock, [UNREACHABLE, result(Kind.IN_DOUBT, Reason.ANSWER_LOST), ACCEPTED])
    sent = policy(clock).run(call, "mailgun")
    assert (sent.kind, sent.calls) == (Kind.IN_DOUBT, 2)


def test_attempts_are_bounded(clock: ManualClock) -> None:
    call = Script(clock, [UNREACHABLE] * 9)
    sent = policy(clock, attempts=4).run(call, "mailgun")
    assert (sent.reason, sent.calls) == (Reason.UNREACHABLE, 4)


def test_no_attempt_starts_after_the_total_time(clock: ManualClock) -> None:
    call = Script(clock, [UNREACHABLE] * 99)
    started = clock.now()
    sent = policy(clock, attempts=99, total_seconds=20).run(call, "mailgun")
    assert sent.reason is Reason.UNREACHABLE
    assert max(call.times) <= started + 20
    assert clock.now() <= started + 20


@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.999])
@pytest.mark.parametrize("attempt", range(1, 12))
def test_the_backoff_grows_within_its_bounds(
    clock: ManualClock, attempt: int, fraction: float
) -> None:
    wait = policy(clock, lambda: fraction).backoff(attempt)
    assert MIN_BACKOFF_SECONDS <= wait <= MAX_BACKOFF_SECONDS
    assert wait <= policy(clock, lambda: fraction).backoff(attempt + 1)


def test_the_time_that_the_provider_names_is_waited_for(clock: ManualClock) -> None:
    start = clock.now()
    call = Script(clock, [throttled(start + 12), ACCEPTED])
    sent = policy(clock).run(call, "mailgun")
    assert sent.calls == 2
    assert call.times == [start, start + 12]


def test_senders_do_not_all_start_the_moment_the_gate_opens(clock: ManualClock) -> None:
    start = clock.now()
    call = Script(clock, [throttled(start + 12), ACCEPTED])
    policy(clock, lambda: 0.25).run(call, "mailgun")
    assert call.times[1] == start + 12.25


def test_a_time_beyond_the_budget_is_given_back_at_once(clock: ManualClock) -> None:
    call = Script(clock, [throttled(clock.now() + 31), ACCEPTED])
    sent = policy(clock, total_seconds=30).run(call, "mailgun")
    assert (sent.kind, sent.reason, sent.calls) == (Kind.DEFERRED, Reason.THROTTLED, 1)
    assert sent.retry_at == clock.now() + 31
    assert clock.waits == []


def test_throttled_without_a_time_backs_off_and_says_until_when(clock: ManualClock) -> None:
    start = clock.now()
    call = Script(clock, [throttled()] * 3)
    sent = policy(clock).run(call, "mailgun")
    assert call.times == [start, start + 0.5, start + 1.5]
    assert sent.retry_at == start + 1.5 + 2.0


def test_one_senders_wait_holds_the_others(clock: ManualClock) -> None:
    shared = policy(clock)
    until = clock.now() + 600
    shared.run(Script(clock, [throttled(until)]), "mailgun")
    other = Script(clock, [ACCEPTED])
    held = shared.run(other, "mailgun")
    assert (held.kind, held.reason, held.retry_at) == (Kind.DEFERRED, Reason.THROTTLED, until)
    assert (held.calls, held.transport) == (0, "mailgun")
    assert other.numbers == []

    clock.advance(600)
    assert shared.run(other, "mailgun") == ACCEPTED


def test_a_held_sender_waits_when_the_gate_opens_soon(clock: ManualClock) -> None:
    gate = Gate()
    gate.close(clock.now() + 5)
    call = Script(clock, [ACCEPTED])
    sent = policy(clock, gate=gate).run(call, "mailgun")
    assert (sent.kind, sent.calls) == (Kind.ACCEPTED, 1)
    assert clock.waits == [5]


def test_a_stop_request_during_the_wait_ends_the_send() -> None:
    class StoppedClock(ManualClock):
        def wait(self, seconds: float) -> None:
            self.waits.append(seconds)

    clock = StoppedClock()
    call = Script(clock, [UNREACHABLE, ACCEPTED])
    sent = policy(clock).run(call, "mailgun")
    assert (sent.reason, sent.calls) == (Reason.UNREACHABLE, 1)


def test_an_error_of_ours_is_not_hidden(clock: ManualClock) -> None:
    def broken(_number: int) -> SendResult:
        raise LookupError("a bug")

    with pytest.raises(LookupError, match="a bug"):
        policy(clock).run(broken, "mailgun")


def test_a_gate_keeps_its_latest_end() -> None:
    gate = Gate()
    assert gate.opens_at(0.0) is None
    assert gate.close(20.0) == 20.0
    assert gate.close(10.0) == 20.0
    assert gate.opens_at(19.9) == 20.0
    assert gate.opens_at(20.0) is None
