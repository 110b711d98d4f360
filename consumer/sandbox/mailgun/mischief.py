"""What goes wrong with webhooks on their way: rules of a test."""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from consumer.sandbox.mailgun.rules import BadScript, Rule, matches, require

KINDS = frozenset(("lose", "duplicate", "delay", "reorder"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mischief(Rule):
    """One line. Raises BadScript.

    lose: it never goes out. duplicate: `copies` more of it, over the next `seconds`. delay: it
    goes out `seconds` later. reorder: at a random time of the next `seconds`.
    """

    kind: str
    url: str = "*"
    """Pattern of the URL."""
    event: str = "*"
    """Pattern of the webhook type."""
    seconds: float = 1.0
    """Real seconds."""
    copies: int = 1

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        require("kind", self.kind, KINDS)
        if self.seconds < 0 or self.copies < 1:
            raise BadScript("seconds must not be negative, copies must be 1 or more")

    def hits(self, url: str, kind: str, domain: str, recipient: str) -> bool:
        return (
            matches(url, self.url)
            and matches(kind, self.event)
            and self.is_for(domain, (recipient,))
        )

    def waits(self, dice: Random) -> Iterable[float]:
        """When it goes out, once or more often: seconds from now."""
        if self.kind == "delay":
            return (self.seconds,)
        if self.kind == "reorder":
            return (dice.uniform(0, self.seconds),)
        return (0.0, *(self.seconds * (number + 1) / self.copies for number in range(self.copies)))
