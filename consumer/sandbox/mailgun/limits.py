"""Real rate limits: so much per window of time, and refused until the window is over."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

from consumer.sandbox.mailgun.rules import BadScript, matches, require
from consumer.sandbox.mailgun.switches import Switches

COUNTS = ("request", "recipient", "bytes", "account-requests-per-sec")
_MAX_WINDOWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """Raises BadScript for values that mean nothing."""

    limit: int
    """How much of what is counted one window takes; a call that goes beyond is refused whole."""
    per_seconds: float = 3600.0
    """Length of a window, which begins with its first call. Real seconds."""
    counts: str = "recipient"
    """request, recipient, bytes (of the bodies), account-requests-per-sec; it is also the word
    that the refusal has for it."""
    domain: str = "*"
    """Pattern; each domain that matches has windows of its own."""
    whole_account: bool = False
    """All domains share one window."""

    def __post_init__(self) -> None:
        require("counts", self.counts, COUNTS)
        if self.limit < 0 or self.per_seconds <= 0:
            raise BadScript("limit must be 0 or more, per_seconds more than 0")


def parse_limits(content: object) -> list[RateLimit]:
    """JSON of a list of limits. Raises BadScript."""
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise BadScript("limits are a list of JSON objects")
    try:
        return [RateLimit(**one) for one in content]
    except TypeError as error:
        raise BadScript(f"a limit cannot be made of this: {error}") from error


@dataclass(slots=True)
class Window:
    """What was taken since its beginning."""

    began: float
    taken: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the limit nearest to its end says of a call."""

    rule: RateLimit
    remaining: int
    ends_at: float
    """Unix seconds."""
    refused: bool

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.rule.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(ceil(self.ends_at)),
        }


class RateLimits:
    """All limits of sends. Safe for use from several threads."""

    def __init__(self, first: Iterable[RateLimit], now: Callable[[], float]) -> None:
        self._first = list(first)
        self._now = now
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.set(self._first)

    def set(self, rules: Iterable[RateLimit]) -> None:
        """From now on these, with fresh windows."""
        with self._lock:
            self.rules = list(rules)
            self._windows: dict[tuple[int, str], Window] = {}

    def described(self) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self.rules]

    def take(self, domain: str, recipients: int, size: int) -> Allowance | None:
        """Count a call if no limit refuses it. None: no limit is about it."""
        if not self.rules:
            return None
        now = self._now()
        amounts = {"recipient": recipients, "bytes": size}
        with self._lock:
            mine = [
                (rule, self._window(number, rule, domain, now), amounts.get(rule.counts, 1))
                for number, rule in enumerate(self.rules)
                if matches(domain, rule.domain)
            ]
            for rule, window, amount in mine:
                if window.taken + amount > rule.limit:
                    return _allowance(rule, window, refused=True)
            for _, window, amount in mine:
                window.taken += amount
            left = [_allowance(rule, window, refused=False) for rule, window, _ in mine]
        return min(left, key=lambda one: one.remaining, default=None)

    def _window(self, number: int, rule: RateLimit, domain: str, now: float) -> Window:
        key = (number, "" if rule.whole_account else domain.lower())
        window = self._windows.get(key)
        if window is None or now >= window.began + rule.per_seconds:
            if len(self._windows) >= _MAX_WINDOWS:
                self._windows.clear()
            window = self._windows[key] = Window(now)
        return window


def _allowance(rule: RateLimit, window: Window, *, refused: bool) -> Allowance:
    remaining = max(rule.limit - window.taken, 0)
    return Allowance(rule, remaining, window.began + rule.per_seconds, refused)


def exceeded(domain: str, allowance: Allowance, now: float, switches: Switches) -> str:
    """The text of a refusal, in the form that the switch says."""
    in_words = switches.rate_limit_text == "seconds"
    return exceeded_text(domain, allowance.rule.counts, allowance.ends_at, now, in_words=in_words)


def exceeded_text(domain: str, why: str, ends_at: float, now: float, *, in_words: bool) -> str:
    """Mailgun names the end of a wait as a date or, `in_words`, as a number of seconds."""
    if in_words:
        end = f"{ceil(ends_at - now)} seconds"
    else:
        # Up to the next whole second: earlier would be refused again.
        at = datetime.fromtimestamp(ceil(ends_at), UTC)
        end = at.strftime("%a, %d %b %Y %H:%M:%S UTC")
    return f"Domain {domain} is not allowed to send: {why} limit exceeded, try again after {end}"


class Quota:
    """A limit of calls that are no sends, for the whole account."""

    def __init__(self, limit: int, per_seconds: float) -> None:
        self.limit = limit
        self.per_seconds = per_seconds
        self._window = Window(0.0)

    def take(self, now: float) -> int:
        """Seconds to wait; 0: the call is counted and may go on."""
        if now >= self._window.began + self.per_seconds or now < self._window.began:
            self._window = Window(now)
        if self._window.taken >= self.limit:
            return max(ceil(self._window.began + self.per_seconds - now), 1)
        self._window.taken += 1
        return 0
