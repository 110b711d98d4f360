"""Scripted faults: what to break, when, for whom, and how often."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from consumer.sandbox.mailgun.rules import BadScript, Rule, RuleBook, parse_rules, require

KINDS = frozenset(
    ("status", "throttle", "delay", "hang", "reset", "truncate", "magnificent", "html502")
)
CALLS = frozenset(("send", "lookup"))

__all__ = ["BadScript", "Fault", "Script", "parse_script"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Rule):
    """One line of the script. Raises BadScript for values that mean nothing.

    status: answer with `status`, `body`, `headers`. throttle: 429, or 420 by `status`, with the
    text that names the wait of `seconds` as a `retry` date or in seconds. delay: wait, then go
    on. hang: never answer. reset: TCP reset. truncate: 200 whose body breaks off.
    magnificent: Mailgun's 200 for a path that it does not route. html502: a gateway's page.
    """

    kind: str
    count: int | None = 1
    """How many calls it hits; None: for ever."""
    status: int | None = None
    body: Any = None
    """Text as it is, anything else as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 60.0
    retry: str = "date"
    why: str = "recipient"
    """Which limit a throttle speaks of."""
    when: str = "before"
    """Before the mails are accepted, or after it: then the client is left in doubt."""
    call: str = "send"

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        require("kind", self.kind, KINDS)
        require("when", self.when, ("before", "after"))
        require("call", self.call, CALLS)
        require("retry", self.retry, ("date", "seconds"))
        if self.status is not None and not 200 <= self.status <= 599:
            raise BadScript("status must be between 200 and 599")
        if self.seconds < 0:
            raise BadScript("seconds must not be negative")


def parse_script(script: object) -> list[Fault]:
    """JSON of one fault or of a list of them. Raises BadScript."""
    return parse_rules(Fault, script)


class Script(RuleBook[Fault]):
    """The faults in the order in which they are tried. Safe for use from several threads."""

    def take(
        self, when: str, call: str, domain: str, recipients: Iterable[str] = ()
    ) -> Fault | None:
        """The first fault that hits this call; it is used up by one."""
        if not self:
            return None
        recipients = tuple(recipients)
        return self.first(
            lambda fault: (
                (fault.when, fault.call) == (when, call) and fault.is_for(domain, recipients)
            )
        )
