"""Scripted faults: what to break, when, for whom, and how often."""

import random
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

KINDS = frozenset(
    ("status", "throttle", "delay", "hang", "reset", "truncate", "magnificent", "html502")
)
CALLS = frozenset(("send", "lookup"))


class BadScript(ValueError):
    """The script cannot be carried out; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One line of the script. Raises BadScript for values that mean nothing.

    status: answer with `status`, `body`, `headers`. throttle: 429, or 420 by `status`, with the
    text that names the wait of `seconds` as a `retry` date or in seconds. delay: wait, then go
    on. hang: never answer. reset: TCP reset. truncate: 200 whose body breaks off.
    magnificent: Mailgun's 200 for a path that it does not route. html502: a gateway's page.
    """

    kind: str
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
    count: int | None = 1
    """How many calls it hits; None: for ever."""
    probability: float = 1.0
    seed: int | None = None
    domain: str = "*"
    """Pattern of the sending domain, as in a shell."""
    recipient: str = "*"
    """Pattern that one of the call's recipients has to match."""

    def __post_init__(self) -> None:
        _require("kind", self.kind, KINDS)
        _require("when", self.when, ("before", "after"))
        _require("call", self.call, CALLS)
        _require("retry", self.retry, ("date", "seconds"))
        if self.count is not None and self.count < 1:
            raise BadScript("count must be 1 or more, or null for ever")
        if not 0 <= self.probability <= 1:
            raise BadScript("probability must be between 0 and 1")
        if self.status is not None and not 200 <= self.status <= 599:
            raise BadScript("status must be between 200 and 599")
        if self.seconds < 0:
            raise BadScript("seconds must not be negative")

    def hits(self, when: str, call: str, domain: str, recipients: Iterable[str]) -> bool:
        if (self.when, self.call) != (when, call) or not _matches(domain, self.domain):
            return False
        return self.recipient == "*" or any(
            _matches(recipient, self.recipient) for recipient in recipients
        )


def _matches(text: str, pattern: str) -> bool:
    return fnmatchcase(text.lower(), pattern.lower())


def _require(name: str, value: str, allowed: Iterable[str]) -> None:
    if value not in allowed:
        raise BadScript(f"{name} must be one of {', '.join(sorted(allowed))}, not {value!r}")


def parse_script(script: object) -> list[Fault]:
    """JSON of one fault or of a list of them. Raises BadScript."""
    lines = script if isinstance(script, list) else [script]
    return [_parse(line) for line in lines]


def _parse(line: object) -> Fault:
    if not isinstance(line, dict):
        raise BadScript("a fault is a JSON object")
    match = line.get("match") or {}
    if not isinstance(match, dict):
        raise BadScript("match is a JSON object")
    values = {name: value for name, value in line.items() if name != "match"} | match
    known = {entry.name for entry in fields(Fault)}
    if unknown := sorted(values.keys() - known):
        raise BadScript(f"a fault has no {', '.join(unknown)}")
    try:
        return Fault(**values)
    except TypeError as error:
        raise BadScript(
            f"a fault needs a kind, and numbers where numbers belong: {error}"
        ) from error


class _Line:
    """A fault with what is left of it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.remaining = fault.count
        self.served = 0
        self._random = random.Random(fault.seed)  # noqa: S311 - dice, not secrets

    @property
    def spent(self) -> bool:
        return self.remaining == 0

    def strikes(self) -> bool:
        return self.fault.probability == 1 or self._random.random() < self.fault.probability

    def use(self) -> Fault:
        self.served += 1
        if self.remaining is not None:
            self.remaining -= 1
        return self.fault


class Script:
    """The faults in the order in which they are tried. Safe for use from several threads."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._lock = threading.Lock()

    def add(self, faults: Iterable[Fault]) -> None:
        with self._lock:
            self._lines += [_Line(fault) for fault in faults]

    def clear(self) -> None:
        with self._lock:
            self._lines = []

    def take(
        self, when: str, call: str, domain: str, recipients: Iterable[str] = ()
    ) -> Fault | None:
        """The first fault that hits this call; it is used up by one."""
        if not self._lines:
            return None
        recipients = tuple(recipients)
        with self._lock:
            for line in self._lines:
                if line.fault.hits(when, call, domain, recipients) and line.strikes():
                    fault = line.use()
                    if line.spent:
                        self._lines.remove(line)
                    return fault
        return None

    def remaining(self) -> list[dict[str, Any]]:
        """What is still to come, as JSON."""
        with self._lock:
            return [
                {entry.name: getattr(line.fault, entry.name) for entry in fields(Fault)}
                | {"count": line.remaining, "served": line.served}
                for line in self._lines
            ]
