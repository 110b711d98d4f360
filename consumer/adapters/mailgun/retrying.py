"""When a send is tried again, and for how long: the only retry layer of the project.

Only what surely was not accepted is tried again: throttled and unreachable. A send in doubt is
looked up first (the resolver does that), a refusal is final, and a wrong configuration does not
become right within seconds.
"""

import random
from collections.abc import Callable
from typing import Final

import msgspec
from tenacity import RetryCallState, Retrying, retry_if_result

from consumer.adapters.mailgun.gate import Gate
from consumer.domain.notification import SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import Clock

#: The backoff's shortest and longest wait, in seconds.
MIN_BACKOFF_SECONDS: Final = 0.5
MAX_BACKOFF_SECONDS: Final = 8.0
#: Senders that waited at the gate start within this time after it opened, not all at once.
GATE_SPREAD_SECONDS: Final = 1.0
#: A wait shorter than asked by more than this was cut short by a stop request.
_CLOCK_SLACK_SECONDS: Final = 0.05

#: One call: takes its number (from 1), gives its result.
Call = Callable[[int], SendResult]


class RetryPolicy:
    """At most `attempts` attempts, and none that would start later than `total_seconds`."""

    def __init__(
        self,
        *,
        clock: Clock,
        gate: Gate,
        attempts: int = 3,
        total_seconds: float = 30.0,
        random_fraction: Callable[[], float] = random.random,
    ) -> None:
        self.clock = clock
        self.gate = gate
        self.attempts = attempts
        self.total_seconds = total_seconds
        self.random_fraction = random_fraction

    def run(self, call: Call, transport: str) -> SendResult:
        """Call until the result is worth keeping; `calls` of the result says how often.

        A throttled result always says when another attempt makes sense.
        """
        return _Run(self, call, transport).result()

    def backoff(self, attempt: int) -> float:
        """Doubling from one second, the upper half of it at random."""
        ceiling = min(MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS * 2.0**attempt)
        return ceiling / 2 + self.random_fraction() * ceiling / 2


class _Run:
    """One send under the policy."""

    def __init__(self, policy: RetryPolicy, call: Call, transport: str) -> None:
        self._policy = policy
        self._call = call
        self._transport = transport
        self._calls = 0
        self._last: SendResult | None = None
        self._cut_short = False
        self._latest_start = policy.clock.monotonic() + policy.total_seconds

    def result(self) -> SendResult:
        retrying = Retrying(
            retry=retry_if_result(_worth_repeating),
            stop=self._enough,
            wait=self._wait,
            sleep=self._sleep,
            retry_error_callback=_last_result,
        )
        result: SendResult = retrying(self._attempt)
        return msgspec.structs.replace(result, calls=self._calls)

    def _attempt(self) -> SendResult:
        if self._last is None or not self._cut_short:
            self._last = self._next()
        return self._last

    def _next(self) -> SendResult:
        policy = self._policy
        opens_at = policy.gate.opens_at(policy.clock.now())
        if opens_at is not None:
            return self._held(opens_at)
        self._calls += 1
        result = self._call(self._calls)
        if result.reason is not Reason.THROTTLED:
            return result
        until = result.retry_at or policy.clock.now() + policy.backoff(self._calls)
        return msgspec.structs.replace(result, retry_at=policy.gate.close(until))

    def _held(self, opens_at: float) -> SendResult:
        return SendResult(
            kind=Kind.DEFERRED,
            reason=Reason.THROTTLED,
            message="not called: the provider asked the whole domain to wait",
            transport=self._transport,
            retry_at=opens_at,
        )

    def _wait(self, state: RetryCallState) -> float:
        policy = self._policy
        now = policy.clock.now()
        opens_at = policy.gate.opens_at(now)
        if opens_at is not None:
            return opens_at - now + policy.random_fraction() * GATE_SPREAD_SECONDS
        return policy.backoff(state.attempt_number)

    def _enough(self, state: RetryCallState) -> bool:
        next_start = self._policy.clock.monotonic() + state.upcoming_sleep
        return (
            self._cut_short
            or state.attempt_number >= self._policy.attempts
            or next_start > self._latest_start
        )

    def _sleep(self, seconds: float) -> None:
        """Wait; when a stop request ends the wait, no further call is made."""
        clock = self._policy.clock
        due = clock.monotonic() + seconds
        clock.wait(seconds)
        self._cut_short = clock.monotonic() < due - _CLOCK_SLACK_SECONDS


def _worth_repeating(result: SendResult) -> bool:
    return result.kind is Kind.DEFERRED and result.reason in (Reason.THROTTLED, Reason.UNREACHABLE)


def _last_result(state: RetryCallState) -> SendResult:
    assert state.outcome is not None  # tenacity calls this after an attempt only
    result: SendResult = state.outcome.result()
    return result
