"""What becomes of an accepted mail: rules → the steps still to come. Pure but for the dice.

Without a rule a mail is delivered at once. The waits are Mailgun's own, in its seconds; the
switch `time_scale` makes them pass more quickly.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumer.sandbox.mailgun.delivery_status import MAX_AGE, delivered, permanent, temporary
from consumer.sandbox.mailgun.events import ACCEPTED, AT_ONCE, Step
from consumer.sandbox.mailgun.mail import Mail
from consumer.sandbox.mailgun.rules import BadScript, Rule, RuleBook, require
from consumer.sandbox.mailgun.switches import SwitchBoard

RETRY_WAITS = (600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0)
"""Seconds that Mailgun waits after each temporary failure; after the last it asks again so."""

OUTCOMES = ("delivered", "permanent", "expired", "delayed_bounce", "rejected", "none")
AFTERWARDS = ("opened", "clicked", "complained", "unsubscribed")

SUPPRESSED = {
    "bounces": ("suppress-bounce", "Not delivering to previously bounced address"),
    "complaints": (
        "suppress-complaint",
        "Not delivering to a user who marked your messages as spam",
    ),
    "unsubscribes": ("suppress-unsubscribe", "Not delivering to unsubscribed address"),
}
_SUPPRESSED_CODES = {"bounces": 605, "complaints": 607}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Rule):
    """One line: how deliveries to some recipients go. Raises BadScript.

    After `delay_seconds` come `temporary_failures`, with Mailgun's waits between them, then the
    outcome. delivered. permanent: a bounce, which is a suppression from then on. expired: failed
    for a time until it is too old. delayed_bounce: delivered, and a bounce after that.
    rejected: never accepted, and no webhook tells of it. none: accepted, and nothing more.
    """

    outcome: str = "delivered"
    delay_seconds: float = 0.0
    temporary_failures: int = 0
    code: int = 550
    """SMTP code of a permanent failure."""
    message: str = "5.1.1 No such user"
    reason: str = "bounce"
    bounce_type: str = "hard"
    temporary_code: int = 451
    temporary_message: str = "4.7.652 Try again later"
    afterwards: Sequence[str] = ()
    """What the reader of a delivered mail does, in this order."""
    afterwards_seconds: float = 60.0
    """Between the delivery and that, and between two of them."""

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        require("outcome", self.outcome, OUTCOMES)
        require("bounce_type", self.bounce_type, ("hard", "soft"))
        for kind in self.afterwards:
            require("afterwards", kind, AFTERWARDS)
        if min(self.delay_seconds, self.afterwards_seconds, self.temporary_failures) < 0:
            raise BadScript("seconds and numbers must not be negative")


Suppressing = Callable[[Mail], str]
"""The suppression list that keeps a mail from its recipient; empty: none does."""


class Courier:
    """Decides at acceptance what will become of a mail."""

    def __init__(
        self, rules: RuleBook[Delivery], switches: SwitchBoard, suppressing: Suppressing
    ) -> None:
        self._rules = rules
        self._switches = switches
        self._suppressing = suppressing

    def plan(self, mail: Mail) -> Sequence[Step]:
        """The steps in their order, the acceptance among them."""
        switches = self._switches.now
        if (not mail.test_mode or switches.test_mode_suppresses) and (
            kind := self._suppressing(mail)
        ):
            code = _SUPPRESSED_CODES.get(kind, switches.unsubscribed_code)
            reason, description = SUPPRESSED[kind]
            details = permanent(mail, code, reason, description=description)
            return (ACCEPTED, Step("failed", 0.0, details))
        if mail.test_mode:
            return AT_ONCE
        rule = self._rules.first(lambda rule: rule.is_for(mail.domain, (mail.recipient,)))
        if rule is None:
            return AT_ONCE
        scale = switches.time_scale
        return [Step(kind, after / scale, details) for kind, after, details in steps_of(rule, mail)]


_Planned = tuple[str, float, Mapping[str, Any]]


def steps_of(rule: Delivery, mail: Mail) -> Iterator[_Planned]:
    """The events that the rule leads to, with Mailgun's seconds after the acceptance."""
    if rule.outcome == "rejected":
        yield ("rejected", 0.0, {})
        return
    yield ("accepted", 0.0, {})
    if rule.outcome == "none":
        return
    window = delivery_window(mail)
    at = first = rule.delay_seconds
    failures = 2**31 if rule.outcome == "expired" else rule.temporary_failures
    for attempt in range(1, failures + 1):
        wait = RETRY_WAITS[min(attempt, len(RETRY_WAITS)) - 1]
        if at - first >= window:
            yield ("failed", first + window, _too_old(mail, attempt))
            return
        yield (
            "failed",
            at,
            temporary(mail, rule.temporary_code, rule.temporary_message, attempt, wait),
        )
        at += wait
    if at - first > window:
        yield ("failed", first + window, _too_old(mail, failures))
        return
    yield from _last_word(rule, mail, at, attempt=failures + 1)


def _last_word(rule: Delivery, mail: Mail, at: float, attempt: int) -> Iterator[_Planned]:
    bounce = permanent(
        mail,
        rule.code,
        rule.reason,
        message=rule.message,
        attempt=attempt,
        bounce_type=rule.bounce_type,
    )
    if rule.outcome == "permanent":
        yield ("failed", at, bounce)
        return
    yield ("delivered", at, delivered(mail, attempt))
    if rule.outcome == "delayed_bounce":
        late = {"flags": {"is-delayed-bounce": True}, "envelope": {}}
        yield ("failed", at + rule.afterwards_seconds, {**bounce, **late})
        return
    for kind in rule.afterwards:
        at += rule.afterwards_seconds
        yield (kind, at, {"url": "https://example.com/"} if kind == "clicked" else {})


def _too_old(mail: Mail, attempt: int) -> Mapping[str, Any]:
    return permanent(mail, 602, "old", message="Too old", attempt=attempt, bounce_type="soft")


_WINDOW = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?")


def delivery_window(mail: Mail) -> float:
    """Seconds that the attempts may take: o:deliver-within, at most Mailgun's own limit."""
    match = _WINDOW.fullmatch(mail.options.get("deliver-within", [""])[0])
    hours, minutes = (int(part or 0) for part in match.groups()) if match else (0, 0)
    return min(hours * 3600.0 + minutes * 60.0 or MAX_AGE, MAX_AGE)
