"""Lines of a script: whom each is meant for, how often it may strike, and by what luck."""

import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar


class BadScript(ValueError):
    """The script cannot be carried out; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What all lines share. Raises BadScript for values that mean nothing."""

    count: int | None = None
    """How often it strikes; None: for ever."""
    probability: float = 1.0
    seed: int | None = None
    domain: str = "*"
    """Pattern of the sending domain, as in a shell."""
    recipient: str = "*"
    """Pattern that one of the recipients has to match."""

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise BadScript("count must be 1 or more, or null for ever")
        if not 0 <= self.probability <= 1:
            raise BadScript("probability must be between 0 and 1")

    def is_for(self, domain: str, recipients: Iterable[str]) -> bool:
        """Recipients may be none: then only a rule for all of them fits."""
        if not matches(domain, self.domain):
            return False
        return self.recipient == "*" or any(matches(one, self.recipient) for one in recipients)


R = TypeVar("R", bound=Rule)


def matches(text: str, pattern: str) -> bool:
    """As a shell matches file names, without regard to case."""
    return pattern == "*" or fnmatchcase(text.lower(), pattern.lower())


def require(name: str, value: str, allowed: Iterable[str]) -> None:
    """Raises BadScript."""
    if value not in allowed:
        raise BadScript(f"{name} must be one of {', '.join(sorted(allowed))}, not {value!r}")


def parse_rules(kind: type[R], script: object) -> list[R]:
    """JSON of one rule or of a list of them; `match` may hold whom it is for. Raises BadScript."""
    lines = script if isinstance(script, list) else [script]
    return [_parse(kind, line) for line in lines]


def _parse(kind: type[R], line: object) -> R:
    noun = f"a {kind.__name__.lower()}"
    if not isinstance(line, dict):
        raise BadScript(f"{noun} is a JSON object")
    match = line.get("match") or {}
    if not isinstance(match, dict):
        raise BadScript("match is a JSON object")
    values = {name: value for name, value in line.items() if name != "match"} | match
    known = {entry.name for entry in fields(kind)}
    if unknown := sorted(values.keys() - known):
        raise BadScript(f"{noun} has no {', '.join(unknown)}")
    try:
        return kind(**values)
    except TypeError as error:
        # What Python says of it names the value that is missing or is no number.
        raise BadScript(f"{noun} cannot be made of this: {error}") from error


class _Line(Generic[R]):
    """A rule with what is left of it."""

    def __init__(self, rule: R) -> None:
        self.rule = rule
        self.remaining = rule.count
        self.served = 0
        self._random = random.Random(rule.seed)  # noqa: S311 - dice, not secrets

    @property
    def spent(self) -> bool:
        return self.remaining == 0

    def strikes(self) -> bool:
        return self.rule.probability == 1 or self._random.random() < self.rule.probability

    def use(self) -> R:
        self.served += 1
        if self.remaining is not None:
            self.remaining -= 1
        return self.rule


class RuleBook(Generic[R]):
    """Rules in the order in which they are tried. Safe for use from several threads."""

    def __init__(self) -> None:
        self._lines: list[_Line[R]] = []
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, rules: Iterable[R]) -> None:
        with self._lock:
            self._lines += [_Line(rule) for rule in rules]

    def clear(self) -> None:
        with self._lock:
            self._lines = []

    def first(self, fits: Callable[[R], bool]) -> R | None:
        """The first rule that fits and strikes; it is used up by one."""
        if not self._lines:
            return None
        with self._lock:
            for line in self._lines:
                if fits(line.rule) and line.strikes():
                    rule = line.use()
                    if line.spent:
                        self._lines.remove(line)
                    return rule
        return None

    def remaining(self) -> list[dict[str, Any]]:
        """What is still to come, as JSON."""
        with self._lock:
            return [
                {entry.name: getattr(line.rule, entry.name) for entry in fields(line.rule)}
                | {"count": line.remaining, "served": line.served}
                for line in self._lines
            ]
